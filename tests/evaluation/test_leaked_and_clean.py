"""Leaked and clean images are measured apart, and together they are all images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.fixtures.tiny_datasets import patients
from tumorlens.evaluation.leaked_and_clean import LeakedAndClean, leaked_and_clean
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.metrics.surfaces import Surfaces
from tumorlens.stats import ClusterBootstrap

CLASSES = ("glioma", "no_tumor")
SAMPLES = patients({"glioma": 4, "no_tumor": 4}, slices=(1,)).samples
IDS = [sample.id for sample in SAMPLES]
LABELS = np.array([CLASSES.index(sample.label) for sample in SAMPLES])


def measured(leaks: dict[str, set[str]], *, wrong: int = 0, masks: bool = False) -> LeakedAndClean | None:
    """The first `wrong` images are classified wrongly; predicted masks get worse from image to image."""
    predicted = np.where(np.arange(8) < wrong, 1 - LABELS, LABELS)
    cases = [SegmentationCase(64, 8, 8, 8 - i, surfaces=Surfaces(1.0, 0.5)) for i in range(8)] if masks else []
    bootstrap = ClusterBootstrap([sample.unit for sample in SAMPLES], "patient", n_resamples=50)
    return leaked_and_clean(leaks, SAMPLES, np.eye(2)[predicted] * 0.8 + 0.1, LABELS, bootstrap, CLASSES, cases)


def test_where_nothing_leaks_there_is_no_result() -> None:
    assert measured({}) is None


def test_an_image_counts_once_however_it_leaks() -> None:
    found = measured({"duplicate": {IDS[0], IDS[1]}, "patient": {IDS[1], IDS[2]}}, wrong=2)
    assert found is not None
    assert found.leaked is not None
    assert found.clean is not None
    assert (found.duplicates, found.patients, found.images) == (2, 2, 8)
    assert (found.leaked.overall["accuracy"].n, found.clean.overall["accuracy"].n) == (3, 5)
    assert found.leaked.overall["accuracy"].value == pytest.approx(1 / 3)
    assert found.clean.overall["accuracy"].value == 1
    assert found.clean.overall["accuracy"].units == 5
    assert found.leaked_segmentation is found.clean_segmentation is None


def test_a_leak_without_images_leaves_all_clean_and_one_of_all_leaves_none() -> None:
    none, everything = measured({"duplicate": set()}), measured({"patient": set(IDS)})
    assert none is not None
    assert everything is not None
    assert none.leaked is None
    assert none.clean is not None
    assert none.clean.overall["accuracy"].n == 8
    assert everything.clean is None
    assert everything.leaked is not None
    assert (everything.duplicates, everything.patients) == (0, 8)


def test_masks_are_measured_in_the_same_two_parts() -> None:
    found = measured({"duplicate": {IDS[0], IDS[7]}}, masks=True)
    assert found is not None
    assert found.leaked_segmentation is not None
    assert found.clean_segmentation is not None
    assert found.leaked_segmentation.masks == 2
    assert found.leaked_segmentation.overall["dice"].value == pytest.approx((1 + 1 / 8) / 2)
    assert found.clean_segmentation.overall["dice"].value == pytest.approx(np.mean([7, 6, 5, 4, 3, 2]) / 8)


def test_leaks_of_other_images_change_nothing() -> None:
    found = measured({"duplicate": {"other/1"}}, wrong=1)
    assert found is not None
    assert found.clean is not None
    assert replace(found, duplicates=0) != found
    assert (found.leaked, found.clean.overall["accuracy"].value) == (None, 7 / 8)
