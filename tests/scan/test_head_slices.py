"""Which slices of a volume show a part of a head."""

from __future__ import annotations

import numpy as np

from tumorlens.datasets.phantom import render_volume
from tumorlens.scan.head_slices import HeadFinder, head_slices


def test_slices_of_air_are_told_from_slices_of_a_head_by_the_gray_values_of_all() -> None:
    head = render_volume("no_tumor", 1, slices=6, size=64, gap=10.0)
    assert head_slices(head.to_volume()).all()
    noise = np.random.default_rng(0).integers(0, 60, (2, 64, 64))
    finder = HeadFinder()
    for pixels in (noise[0], *head.voxels, noise[1]):
        finder.add(pixels)
    assert finder.heads().tolist() == [False, *[True] * 6, False]


def test_a_volume_of_one_gray_value_shows_no_head() -> None:
    finder = HeadFinder()
    for _ in range(3):
        finder.add(np.full((300, 200), 7))
    assert not finder.heads().any()
