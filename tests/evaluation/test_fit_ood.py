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
    many = [replace(sample, id=f"set/{i}", group=f"{'a' if i % 2 else 'b'}") for i in range(len(features))]
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
    many = tuple(
        replace(first, id=f"set/{i:04d}", group=f"p{i % 30}", mask=None) for i in range(MAX_TRAINING_IMAGES + 100)
    )
    chosen = fitting_samples(replace(phantom_table, samples=many))
    assert len(chosen) == MAX_TRAINING_IMAGES
    assert len({sample.unit for sample in chosen}) == 30


def test_a_set_of_many_patients_does_not_displace_the_others(phantom_table: Table) -> None:
    first = phantom_table.subset("train").samples[0]
    many = [replace(first, id=f"many/{i:04d}", group=f"many:{i}", mask=None) for i in range(1000)]
    few = [replace(first, id=f"few/{i:04d}", group=f"few:{i % 3}", mask=None) for i in range(90)]
    chosen = fitting_samples(replace(phantom_table, samples=(*many, *few)))
    assert sum(sample.dataset == "few" for sample in chosen) == 90
    assert sum(sample.dataset == "many" for sample in chosen) == MAX_TRAINING_IMAGES


def test_the_threshold_keeps_most_images_of_each_set(finished_run: Run, phantom_table: Table) -> None:
    sample, pipeline = phantom_table.subset("val").samples[0], finished_run.pipeline()
    usual = infer(pipeline, phantom_table.subset("val").samples).features
    features = np.concatenate([np.repeat(usual[:4], 100, axis=0), usual[:1] + np.arange(1, 11)[:, None]])
    held_out = [replace(sample, id=f"{'common' if i < 400 else 'rare'}/{i}", group=f"{i}") for i in range(410)]
    found = fit_ood(pipeline, fitting_samples(phantom_table), held_out, features)
    assert found is not None
    assert (found.scores(features[400:]) <= 1).mean() >= 0.9  # they are 2 % of all images, and all of their set
    together = [replace(one, id=f"one/{i}") for i, one in enumerate(held_out)]
    pooled = fit_ood(pipeline, fitting_samples(phantom_table), together, features)
    assert pooled is not None
    assert pooled.scores(features[-1:])[0] > found.scores(features[-1:])[0]
