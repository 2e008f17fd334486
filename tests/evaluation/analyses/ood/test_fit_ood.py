"""The limit is where the validation images say, patients weighing the same, and other images lie beyond."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens.datasets import Table
from tumorlens.evaluation import infer
from tumorlens.evaluation.analyses.ood import FITTED_ON, THRESHOLD_SCALE, OODFit, fit_ood, measure_ood, score_images
from tumorlens.evaluation.analyses.ood.fit_ood import to_fit_on
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.training import Run


@pytest.fixture(scope="module")
def fit(finished_run: Run, phantom_table: Table) -> OODFit:
    held_out = phantom_table.subset("val").samples
    pipeline = finished_run.pipeline()
    found = fit_ood(pipeline, to_fit_on(phantom_table), held_out, infer(pipeline, held_out).features)
    assert found is not None
    return found


def test_it_is_fitted_on_train_and_limited_by_validation(fit: OODFit, finished_run: Run, phantom_table: Table) -> None:
    held_out = phantom_table.subset("val").samples
    assert (fit.images, fit.units, fit.validation_images, fit.validation_units) == (8, 4, 8, 4)
    scores = fit.scores(infer(finished_run.pipeline(), held_out).features)
    assert scores.max() == pytest.approx(1 / THRESHOLD_SCALE, rel=1e-4)  # of eight images 95 % are all
    assert fit.kept == pytest.approx(1)


def test_one_strange_image_of_a_patient_with_many_does_not_move_the_limit(
    finished_run: Run, phantom_table: Table
) -> None:
    sample = phantom_table.subset("val").samples[0]
    train, pipeline = to_fit_on(phantom_table), finished_run.pipeline()
    usual = infer(pipeline, phantom_table.subset("val").samples).features
    features = np.concatenate([np.repeat(usual[:4], 25, axis=0), usual[:1] + 100])
    many = [replace(sample, id=f"{i}", group=f"{'a' if i % 2 else 'b'}") for i in range(len(features))]
    found = fit_ood(pipeline, train, many, features)
    assert found is not None
    assert found.scores(features[-1:])[0] > 10
    assert 0.97 < found.kept < 1


def test_without_validation_or_training_images_nothing_is_fitted(finished_run: Run, phantom_table: Table) -> None:
    pipeline, held_out = finished_run.pipeline(), phantom_table.subset("val").samples
    nothing = np.zeros((0, 128), np.float32)
    assert fit_ood(pipeline, to_fit_on(phantom_table), [], nothing) is None
    assert fit_ood(pipeline, [], held_out, infer(pipeline, held_out).features) is None


def test_it_looks_at_training_images_alone_and_not_at_all_of_many(phantom_table: Table) -> None:
    assert {sample.split for sample in to_fit_on(phantom_table)} == {"train"}
    first = phantom_table.subset("train").samples[0]
    many = tuple(replace(first, id=f"{i:04d}", group=f"p{i % 30}", mask=None) for i in range(FITTED_ON + 100))
    chosen = to_fit_on(replace(phantom_table, samples=many))
    assert len(chosen) == FITTED_ON
    assert len({sample.unit for sample in chosen}) == 30


def test_flagged_images_are_counted_by_class(fit: OODFit, finished_run: Run, phantom_table: Table) -> None:
    part = phantom_table.subset("test")
    features = infer(finished_run.pipeline(), part.samples).features
    labels = np.array(part.labels)
    features[labels == 0] += 100
    found = measure_ood(fit, features, labels, bootstrap_of(part, n_resamples=100), phantom_table.classes)
    assert found is not None
    first = phantom_table.classes[0]
    assert found.per_class[first].value == 1
    assert found.per_class[first].low is not None
    assert found.flagged.value == pytest.approx(np.mean(found.scores > 1))
    assert found.flagged.value >= 0.25
    assert found.to_dict()["fitted_on_images"] == 8
    assert measure_ood(None, features, labels, bootstrap_of(part), phantom_table.classes) is None


def test_images_of_any_size_are_scored_and_empty_ones_are_outside(fit: OODFit, finished_run: Run) -> None:
    pipeline = finished_run.pipeline(1.0, fit.subspace)
    scores = score_images(pipeline, [scans.GRAY, np.zeros((30, 50), np.uint8), np.full((9, 9), 255, np.uint8)])
    assert scores.shape == (3,)
    assert (scores[1:] > 1).all()
