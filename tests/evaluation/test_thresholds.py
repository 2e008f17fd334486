"""Thresholds of a model are fitted once, on its own train and validation images alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tumorlens.datasets import Table
from tumorlens.evaluation.fit_ood import THRESHOLD_SCALE
from tumorlens.evaluation.thresholds import fit_prediction_sets, may_fit, thresholds_of
from tumorlens.training import Run


def test_a_run_with_both_subsets_has_both_thresholds(finished_run: Run, phantom_table: Table) -> None:
    found, scaled = (thresholds_of(finished_run, phantom_table, scale) for scale in (THRESHOLD_SCALE, 2.1))
    assert found.ood is not None
    assert scaled.ood is not None
    assert (found.ood.images, found.ood.validation_images) == (8, 8)
    assert scaled.ood.subspace.threshold == pytest.approx(2 * found.ood.subspace.threshold)
    assert found.prediction_sets is not None
    assert set(found.prediction_sets.quantiles) == set(phantom_table.classes)
    assert found.prediction_sets.unit == "patient"


@pytest.mark.parametrize("subset", ["train", "val"])
def test_without_train_or_validation_images_there_are_none(
    subset: str, finished_run: Run, phantom_table: Table
) -> None:
    found = thresholds_of(finished_run, phantom_table.subset(subset))
    assert found.ood is None
    assert found.prediction_sets is None


def test_test_images_do_not_change_the_thresholds(finished_run: Run, phantom_table: Table) -> None:
    one = thresholds_of(finished_run, phantom_table)
    two = thresholds_of(finished_run, phantom_table.filter(lambda sample: sample.split != "test"))
    assert one.ood is not None
    assert two.ood is not None
    assert one.ood.subspace.threshold == two.ood.subspace.threshold
    assert one.prediction_sets == two.prediction_sets


@pytest.mark.parametrize(
    ("measured", "validation", "splits", "expected"),
    [
        ("test", (1,), ("train", "val", "test"), True),
        ("val", (1,), ("train", "val", "test"), False),
        ("test", (), ("train", "test"), False),
        ("all", (1,), ("val", "test"), False),
    ],
)
def test_thresholds_are_not_fitted_where_validation_images_are_measured(
    measured: str, validation: tuple[int, ...], splits: tuple[str, ...], expected: bool
) -> None:
    table = SimpleNamespace(samples=[SimpleNamespace(split=split) for split in splits])
    context = SimpleNamespace(subset_name=measured, validation=validation, table=table)
    assert may_fit(cast(Any, context)) == expected


def test_prediction_sets_count_patients_and_not_their_slices(phantom_table: Table) -> None:
    validation = phantom_table.subset("val").samples
    logits = np.eye(4)[[phantom_table.classes.index(sample.label) for sample in validation]] * 3
    found = fit_prediction_sets(phantom_table, validation, logits)
    assert {name: one.units for name, one in found.quantiles.items()} == dict.fromkeys(phantom_table.classes, 1)
    assert found.unit == "patient"
