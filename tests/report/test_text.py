"""Numbers and names as a reader meets them."""

from __future__ import annotations

from tumorlens.report.text import interval, number, points, printable, shorten, signed, with_interval
from tumorlens.stats import Estimate


def estimate(unit: str = "patient", n: int = 669, units: int = 43) -> Estimate:
    return Estimate(0.972, 0.949, 0.986, n, units, unit, "bootstrap")


def test_a_proportion_is_written_in_percent_or_as_a_number() -> None:
    assert with_interval(estimate(), percent=True) == "97.2 % (94.9 to 98.6)"
    assert with_interval(estimate()) == "0.972 (0.949 to 0.986)"


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
