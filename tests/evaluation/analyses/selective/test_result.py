"""Classes with too few held-out patients for a coverage are named, with the number it needs."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tumorlens.evaluation.analyses.selective.result import AtCoverage, SelectiveResult
from tumorlens.stats import Estimate
from tumorlens.stats.conformal import NonconformityQuantiles, PredictionSets

SETS = PredictionSets({name: NonconformityQuantiles(9, (0.5,), (0.1,)) for name in ("glioma", "no_tumor")}, "patient")


def row(nominal: float, *, unknown: str | None) -> AtCoverage:
    share = Estimate(0.5, 0.4, 0.6, 40, 10, "patient", "bootstrap")
    fields = {
        "nominal_coverage": nominal,
        "empirical_coverage": {"glioma": share, "no_tumor": share},
        "size": share,
        "answered": share,
        "accuracy": None,
        "unknown": unknown,
    }
    return AtCoverage(**cast(Any, fields))


def test_enough_patients_for_every_coverage_need_no_conclusion() -> None:
    found = SelectiveResult(SETS, (row(0.8, unknown=None), row(0.9, unknown=None)))
    assert found.conclusions == found.caveats == ()
    assert found.units == {"glioma": 9, "no_tumor": 9}


@pytest.mark.parametrize(("nominal", "needed"), [(0.95, 19), (0.99, 99)])
def test_a_coverage_that_needs_more_patients_is_named_with_their_number(nominal: float, needed: int) -> None:
    found = SelectiveResult(SETS, (row(0.9, unknown=None), row(nominal, unknown="too few")))
    (text,) = found.conclusions
    assert f"{nominal:g} needs {needed}:" in text
    assert "glioma has 9, no_tumor has 9" in text
    assert "0.9 needs" not in text
    assert found.to_dict()["validation_units"] == {"glioma": 9, "no_tumor": 9}
    assert len(found.to_dict()["rows"]) == 2
