"""Plain data -> text: characters that a page can hold, and the one format of estimates and their intervals."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tumorlens.stats import Estimate

# Characters that XML 1.0 forbids even if escaped; a class name may be the name of any folder. Python represents file
# names that are not UTF-8 by lone surrogates, which cannot be written to a file.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def printable(text: object) -> str:
    """`text` with a replacement character for each character that a page cannot hold."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(text))


def shorten(text: str, length: int) -> str:
    """`text`, cut to at most `length` characters, with an ellipsis if it is longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def number(value: float, percent: bool = False) -> str:
    """A proportion as ``"97.2 %"``, any other number as ``"0.972"``, or ``"undefined"`` for NaN."""
    if percent:
        return percentage(value)
    return _digits(value, False) if math.isfinite(value) else "undefined"


def percentage(share: float, decimals: int | None = 1) -> str:
    """A proportion as ``"33.3 %"``: the one way in which a page, a chart or the terminal writes a percentage.

    Args:
        share: 0 to 1; NaN is ``"undefined"``.
        decimals: digits after the point; None for as many as the number has, for limits and settings: ``"0.05 %"``.
    """
    if not math.isfinite(share):
        return "undefined"
    return f"{100 * share:g} %" if decimals is None else f"{100 * share:.{decimals}f} %"


def interval(estimate: Estimate, percent: bool = False) -> str:
    """The interval alone, as ``"94.9 to 98.6"``, or ``"no interval"``.

    Written with "to", not with a dash, since differences may be negative.
    """
    if estimate.low is None or estimate.high is None:
        return "no interval"
    return f"{_digits(estimate.low, percent)} to {_digits(estimate.high, percent)}"


def with_interval(estimate: Estimate, percent: bool = False) -> str:
    """Value and interval, as ``"97.2 % (94.9 to 98.6)"`` or ``"0.972 (0.949 to 0.986)"``."""
    return estimate.percent() if percent else str(estimate)


def points(difference: Estimate) -> str:
    """A difference between two proportions, as ``"+4.4 points (+1.3 to +7.5)"``."""
    if not math.isfinite(difference.value):
        return "undefined"
    value = f"{100 * difference.value:+.1f} points"
    if difference.low is None or difference.high is None:
        return f"{value} (no interval)"
    return f"{value} ({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"


def signed(difference: Estimate) -> str:
    """A difference between two numbers that are not proportions, as ``"+0.044 (+0.013 to +0.075)"``."""
    if not math.isfinite(difference.value):
        return "undefined"
    if difference.low is None or difference.high is None:
        return f"{difference.value:+.3f} (no interval)"
    return f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def _digits(value: float, percent: bool) -> str:
    return f"{100 * value:.1f}" if percent else f"{value:.3f}"
