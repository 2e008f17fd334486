"""The OOD threshold is from the validation images, every patient with the same weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tumorlens.datasets import Table
from tumorlens.evaluation import infer
from tumorlens.evaluation.fit_ood import MAX_TRAINING_IMAGES, THRESHOLD_SCALE, OODFit, fit_ood, fitting_samples
from tumorlens.training import Run


@pytest.fixture(scope="module")
def fit(finished_run: Run, phantom_table: Table) -> OODFit:
    held_out = phantom_table.subset("val").samples
    pipeline = finished_run.pipeline()
    found = fit_ood(pipeline, fitting_samples(phantom_table), held_out, infer(pipeline, held_out).features)
    assert found is not None
    return found


def test_it_is_fitted_on_train_with_the_threshold_from_validation(
    fit: OODFit, finished_run: Run, phantom_table: Table
) -> None:
    held_out = phantom_table.subset("val").samples
    assert (fit.images, fit.units, fit.validation_images, fit.validation_units) == (8, 4, 8, 4)
    scores = fit.scores(infer(finished_run.pipeline(), held_out).features)
    assert scores.max() == pytest.approx(1 / THRESHOLD_SCALE, rel=1e-4)  # of eight images 95 % are all
    assert fit.kept == pytest.approx(1)


def test_one_unusual_image_of_a_patient_with_many_does_not_move_the_threshold(
    finished_run: Run, phantom_table: Table
) -> None:
    sample = phantom_table.subset("val").samples[0]
    train, pipeline = fitting_samples(phantom_table), finished_run.pipeline()
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
    assert fit_ood(pipeline, fitting_samples(phantom_table), [], nothing) is None
    assert fit_ood(pipeline, [], held_out, infer(pipeline, held_out).features) is None


def test_it_is_fitted_on_training_images_alone_and_not_on_all_of_many(phantom_table: Table) -> None:
    assert {sample.split for sample in fitting_samples(phantom_table)} == {"train"}
    first = phantom_table.subset("train").samples[0]
    many = tuple(replace(first, id=f"{i:04d}", group=f"p{i % 30}", mask=None) for i in range(MAX_TRAINING_IMAGES + 100))
    chosen = fitting_samples(replace(phantom_table, samples=many))
    assert len(chosen) == MAX_TRAINING_IMAGES
    assert len({sample.unit for sample in chosen}) == 30
