"""Claims are printed with the decimals of their authors, and measured values with their interval."""

from __future__ import annotations

import pytest

from tumorlens.experiments.reproduction.protocol_result import (
    ReproductionRow,
    format_claim,
    format_estimate,
    format_sample_size,
)
from tumorlens.stats import Estimate


def estimate(value: float, low: float | None = None, high: float | None = None, **changed: object) -> Estimate:
    fields = {"n": 40, "units": 10, "unit": "patient", "method": "bootstrap"} | changed
    return Estimate(value, low, high, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "given", "expected"),
    [
        ("accuracy", None, "none"),
        ("accuracy", estimate(0.9812), "98.12 % (no interval)"),
        ("accuracy", estimate(0.9812, 0.97, 0.99), "98.12 % (97.00 to 99.00)"),
        ("accuracy", estimate(0.981, 0.97, 0.99), "98.1 % (97.0 to 99.0)"),
        ("dice", estimate(0.91234), "0.91234 (no interval)"),
    ],
)
def test_a_claim_has_the_decimals_of_its_authors(metric: str, given: Estimate | None, expected: str) -> None:
    assert format_claim(metric, given) == expected


def test_a_measured_share_is_in_percent_and_a_score_is_not() -> None:
    assert format_estimate("accuracy", None) == "none"
    assert format_estimate("accuracy", estimate(0.5, 0.4, 0.6)) == "50.0 % (40.0 to 60.0)"
    assert format_estimate("dice", estimate(0.5, 0.4, 0.6)) == "0.500 (0.400 to 0.600)"


def test_the_sample_size_names_patients_or_distinct_images() -> None:
    assert format_sample_size(None) == ""
    assert format_sample_size(estimate(0.5)) == "40 images, 10 patients"
    assert format_sample_size(estimate(0.5, unit="image", n=1, units=1)) == "1 image"
    assert format_sample_size(estimate(0.5, unit="image", n=40, units=40)) == "40 images"
    assert format_sample_size(estimate(0.5, unit="image", n=1400, units=1200)) == "1,400 images, 1,200 distinct"


def test_a_row_is_named_by_its_metric_and_by_other_images() -> None:
    row = ReproductionRow("accuracy", "training images", None, estimate(0.75), None)
    assert row.label == "accuracy, training images"
    assert ReproductionRow("accuracy", "", None, None, None).label == "accuracy"
    plain = row.to_dict()
    assert (plain["claimed"], plain["published"]["value"], plain["leak_free"]) == (None, 0.75, None)
