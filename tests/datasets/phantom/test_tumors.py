"""Tumors of phantoms have their typical look and location."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.datasets.phantom import PHANTOM_CLASSES, render_patient
from tumorlens.datasets.phantom.head_anatomy import Head
from tumorlens.datasets.phantom.tumors import TUMOR_TYPES

TUMORS = PHANTOM_CLASSES[:3]
SIZE = 96


def test_a_glioma_has_a_bright_rim_and_a_dark_core() -> None:
    for seed in range(8):
        item = max(render_patient("glioma", seed, size=160), key=lambda s: int(s.mask.sum()))
        inside = item.mask.astype(bool)
        depth, shrunk = np.zeros(inside.shape, dtype=int), inside
        while shrunk.any():
            depth += shrunk
            padded = np.pad(shrunk, 1)
            shrunk = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & shrunk
        rim, core = item.image[(depth == 2) | (depth == 3)], item.image[depth >= max(depth.max() - 2, 4)]
        assert rim.mean() > 1.3 * core.mean()


def _head(seed: int) -> Head:
    """The head that `render_patient` samples from a seed."""
    return Head.random(np.random.default_rng([seed, 0]))


@pytest.mark.parametrize("label", TUMORS)
def test_each_tumor_type_has_its_typical_location(label: str) -> None:
    steps = np.linspace(-30, 30, 41, dtype=np.float32)
    cube = np.stack(np.meshgrid(steps, steps, steps)).reshape(3, -1)
    for seed in range(25):
        head = _head(seed)
        tumor = TUMOR_TYPES[label].random(np.random.default_rng(seed), head)
        points = cube + tumor.center
        cavity = head.cavity(points)
        inside = tumor.distance(points, cavity) > 0
        x, y, z = points[:, inside].mean(axis=1)
        if label == "glioma":
            assert cavity[inside].min() > 0
        elif label == "meningioma":
            to_dura = np.minimum(cavity[inside], np.abs(points[0, inside]))
            assert cavity[inside].min() > 0
            assert (to_dura < 3).sum() > 0.04 * inside.sum()
        else:
            assert abs(x) < 6
            assert abs(y - 3) < 6
            assert -45 < z < -22


def test_a_pituitary_tumor_is_central_and_low_in_the_image() -> None:
    for seed in range(6):
        for plane in ("coronal", "sagittal"):
            item = render_patient("pituitary", seed, plane=plane, slices=1, size=SIZE)[0]
            rows, columns = np.nonzero(item.mask)
            brain_top = np.flatnonzero((item.image > 60).any(axis=1))[0]
            assert rows.mean() - brain_top > 0.35 * SIZE
            assert abs(columns.mean() - SIZE / 2) < 0.14 * SIZE
