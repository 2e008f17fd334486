"""Phantoms are reproducible, and differ between classes by the tumor alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.phantom import PHANTOM_CLASSES, PLANES, render_patient
from tumorlens.errors import DataError

SIZE = 96


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_head() -> None:
    first, again, other = (render_patient("glioma", seed, size=SIZE) for seed in (7, 7, 8))
    assert [s.image.tobytes() for s in first] == [s.image.tobytes() for s in again]
    assert [s.mask.tobytes() for s in first] == [s.mask.tobytes() for s in again]
    assert first[0].image.tobytes() != other[0].image.tobytes()
    assert first[0].patient == again[0].patient != other[0].patient


def _filled(tissue: np.ndarray) -> np.ndarray:
    """The pixels between the first and the last tissue pixel of each row: the head without holes."""
    return np.maximum.accumulate(tissue, axis=1) & np.maximum.accumulate(tissue[:, ::-1], axis=1)[:, ::-1]


@pytest.mark.parametrize("label", PHANTOM_CLASSES)
def test_masks_show_the_tumor_in_every_slice_and_lie_inside_the_head(label: str) -> None:
    for seed in range(12):
        for item in render_patient(label, seed, plane=PLANES[seed % 3], slices=3, size=SIZE):
            assert item.image.shape == item.mask.shape == (SIZE, SIZE)
            assert item.image.dtype == item.mask.dtype == np.uint8
            assert set(np.unique(item.mask)) <= {0, 1}
            assert (item.mask.sum() > 8) == (label != "no_tumor")
            assert not (item.mask.astype(bool) & ~_filled(item.image > 40)).any()


def test_neighboring_slices_of_a_patient_are_similar_but_not_identical() -> None:
    for label in PHANTOM_CLASSES:
        slices = render_patient(label, 11, slices=4, size=SIZE)
        assert len({s.patient for s in slices}) == 1
        assert [s.index for s in slices] == [0, 1, 2, 3]
        other = render_patient(label, 12, plane=slices[0].plane, size=SIZE)[0].image
        for a, b in pairwise(slices):
            similarity = np.corrcoef(a.image.ravel(), b.image.ravel())[0, 1]
            assert not np.array_equal(a.image, b.image)
            assert similarity > np.corrcoef(a.image.ravel(), other.ravel())[0, 1]


def test_the_same_seed_is_the_same_person_with_and_without_tumor() -> None:
    slices = [render_patient(label, 5, slices=1)[0] for label in PHANTOM_CLASSES]
    assert len({(s.patient, s.plane, s.image.shape) for s in slices}) == 1


@pytest.mark.parametrize(
    "arguments",
    [{"label": "cyst"}, {"plane": "oblique"}, {"slices": 0}, {"size": 8}, {"seed": -1}],
)
def test_invalid_arguments_are_refused(arguments: dict[str, object]) -> None:
    with assert_refused(DataError, expected="."):
        render_patient(**{"label": "glioma", "seed": 0, **arguments})  # type: ignore[arg-type]
