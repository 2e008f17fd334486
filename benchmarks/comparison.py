"""Measurements of implementations -> a comparison: medians, ratios within each round, a table and a verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from interleaved import Series


@dataclass(frozen=True)
class Ratio:
    """How an implementation compares with the first one: a heading, and the ratio of two measurements of one round."""

    heading: str
    of: Callable[[float, float], float]


TIMES_AS_FAST_BY_RATE = Ratio("speedup over the first", lambda rate, first: rate / first)
TIMES_AS_FAST_BY_TIME = Ratio("speedup over the first", lambda spent, first: first / spent)
COST = Ratio("relative to the first", lambda spent, first: spent / first)
SHARE = Ratio("share of the first", lambda rate, first: rate / first)


@dataclass(frozen=True)
class Comparison:
    """The measurements of all implementations for one question.

    Attributes:
        question: the heading of its table.
        how: the method, in a sentence or two.
        unit: of every measurement.
        ratio: how implementations are compared with the first.
        series: of every implementation; the first is the reference.
        target: the bound for the product's implementation, the last one; None for information only.
    """

    question: str
    how: str
    unit: str
    ratio: Ratio
    series: tuple[Series, ...]
    target: Target | None = None

    def ratios(self, series: Series) -> list[float]:
        """The ratio of each round: both values were measured within seconds of each other."""
        first = self.series[0]
        return [self.ratio.of(own, other) for own, other in zip(series.values, first.values, strict=True)]

    def cells(self) -> list[str]:
        """The two cells of each implementation: the measurement and the ratio, both with their spread."""
        ratios = ["1", *(_spread(self.ratios(series)) for series in self.series[1:])]
        return [f"{_spread(series.values)} | {ratio}" for series, ratio in zip(self.series, ratios, strict=True)]

    def markdown(self) -> str:
        """Heading, method, table and verdict."""
        return SideBySide(self.question, {"": self}).markdown()


@dataclass(frozen=True)
class SideBySide:
    """Comparisons of the same implementations in one table, with two columns for each.

    Attributes:
        question: the heading of the table.
        comparisons: by what their columns are called; the method is that of the first.
    """

    question: str
    comparisons: Mapping[str, Comparison]

    def markdown(self) -> str:
        """Heading, method, table and verdicts."""
        first, columns = next(iter(self.comparisons.values())), self.comparisons.items()
        headings = [f"{name}: {one.unit} | {one.ratio.heading}".removeprefix(": ") for name, one in columns]
        lines = [f"## {self.question}", "", one_per_line(first.how), ""]
        lines += [f"| implementation | {' | '.join(headings)} |", "|---" + "|---:" * 2 * len(columns) + "|"]
        for series, *cells in zip(first.series, *(one.cells() for one in self.comparisons.values()), strict=True):
            lines.append(f"| {series.name} | {' | '.join(cells)} |")
        verdicts = {name: one.target.verdict(one) for name, one in columns if one.target}
        if len(set(verdicts.values())) > 1:
            lines += ["", *(f"{name}: {verdict}" for name, verdict in verdicts.items())]
        elif verdicts:
            lines += ["", next(iter(verdicts.values()))]
        return "\n".join(lines)


@dataclass(frozen=True)
class Target:
    """A bound for the last implementation of a comparison.

    Attributes:
        bound: the number.
        least: True for a lower bound, False for an upper bound.
        absolute: True for a bound on the measurement, False for one on the ratio.
    """

    bound: float
    least: bool
    absolute: bool = False

    def verdict(self, comparison: Comparison) -> str:
        """One sentence: the target, and whether the last row meets it."""
        own = comparison.series[-1]
        measured = own.median if self.absolute else median(comparison.ratios(own))
        met = measured >= self.bound if self.least else measured <= self.bound
        unit = f" {comparison.unit}" if self.absolute else ""
        word = "at least" if self.least else "at most"
        return f"Target for *{own.name}*: {word} {self.bound:g}{unit}, **{'met' if met else 'not met'}**."


def one_per_line(text: str) -> str:
    """The same text with one sentence a line, as in all documentation."""
    return re.sub(r"(?<=[.!?]) (?=[A-Z*]|tumorlens)", "\n", text)


def _spread(values: Sequence[float]) -> str:
    return f"{_number(median(values))} ({_number(min(values))} to {_number(max(values))})"


def _number(value: float) -> str:
    """Three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
