"""Numbers and names as a reader meets them."""

from __future__ import annotations

import ast
import re

import pytest

from tests.test_layers import SOURCE, modules, nodes
from tumorlens.report.text import interval, number, percentage, points, printable, shorten, signed, with_interval
from tumorlens.stats import Estimate


def estimate(unit: str = "patient", n: int = 669, units: int = 43) -> Estimate:
    return Estimate(0.972, 0.949, 0.986, n, units, unit, "bootstrap")


def test_a_proportion_is_written_in_percent_or_as_a_number() -> None:
    assert with_interval(estimate(), percent=True) == "97.2 % (94.9 to 98.6)"
    assert with_interval(estimate()) == "0.972 (0.949 to 0.986)"


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [
        (1 / 3, 1, "33.3 %"),
        (1.0, 0, "100 %"),
        (0.0005, None, "0.05 %"),
        (0.07, None, "7 %"),
        (float("nan"), 1, "undefined"),
    ],
)
def test_a_percentage_has_one_style(share: float, decimals: int | None, text: str) -> None:
    assert percentage(share, decimals) == text
    if decimals == 1:
        assert number(share, percent=True) == text


def by_hand(node: ast.AST) -> bool:
    """Whether a piece of a program formats a percentage itself: ``{x:.1%}`` or ``{100 * x} %``, also in a template."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.search(r"\{[^{}]*:[^{}]*%\}", node.value) is not None
    if not isinstance(node, ast.JoinedStr):
        return False
    for value, following in zip(node.values, [*node.values[1:], ast.Constant("")], strict=True):
        if isinstance(value, ast.FormattedValue):
            if value.format_spec is not None and ast.unparse(value.format_spec).rstrip("'\"").endswith("%"):
                return True
            after = following.value if isinstance(following, ast.Constant) else ""
            if isinstance(after, str) and re.match(r"\s?%", after) and "100" in ast.unparse(value.value):
                return True
    return False


@pytest.mark.parametrize(
    "program", ['f"{x:.1%}"', 'f"{100 * x:.1f} %"', 'f"{100 * x:g}%"', '"accuracy {:.1%}".format(x)', 'f"{x:{d}%}"']
)
def test_a_percentage_by_hand_is_found(program: str) -> None:
    assert any(by_hand(node) for node in ast.walk(ast.parse(program)))


def test_no_text_of_the_package_formats_a_percentage_by_hand() -> None:
    allowed = {SOURCE / "report" / "text.py"}
    found = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in modules().values()
        if path not in allowed
        for node in nodes(path)
        if isinstance(node, ast.expr) and by_hand(node)
    ]
    assert not found, found


def test_a_negative_difference_stays_readable() -> None:
    difference = Estimate(-0.01, -0.03, 0.01, 669, 43, "patient", "bootstrap")
    assert interval(difference, percent=True) == "-3.0 to 1.0"


def test_a_difference_of_proportions_is_written_in_points_with_a_sign() -> None:
    assert points(Estimate(0.044, -0.013, 0.075, 669, 43, "patient", "bootstrap")) == "+4.4 points (-1.3 to +7.5)"
    assert points(Estimate(-0.5, None, None, 2, 2, "image", "none")) == "-50.0 points (no interval)"


def test_other_differences_are_written_with_a_sign() -> None:
    assert signed(Estimate(0.044, -0.013, 0.075, 669, 43, "patient", "bootstrap")) == "+0.044 (-0.013 to +0.075)"
    assert signed(Estimate(-1.5, None, None, 2, 2, "image", "none")) == "-1.500 (no interval)"
    assert signed(Estimate(float("nan"), None, None, 0, 0, "image", "none")) == "undefined"


def test_nan_is_undefined() -> None:
    assert number(float("nan")) == "undefined"


def test_characters_that_xml_forbids_are_replaced() -> None:
    assert printable("a\x00\udcff<\n") == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}<\n"


def test_long_names_end_in_an_ellipsis() -> None:
    assert shorten("meningioma", 10) == "meningioma"
    assert shorten("meningioma", 6) == "menin…"
