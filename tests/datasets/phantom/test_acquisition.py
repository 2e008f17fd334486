"""Scans of phantoms vary as those of scanners do."""

from __future__ import annotations

import numpy as np

from tumorlens.datasets.phantom import PLANES
from tumorlens.datasets.phantom.acquisition import Acquisition


def test_a_given_plane_and_size_do_not_change_the_rest_of_the_scan() -> None:
    sampled, given = (Acquisition.random(np.random.default_rng(1), *pair) for pair in ((None, None), ("axial", 64)))
    assert given.plane == "axial"
    assert given.size == 64
    assert (given.noise, given.contrast, given.gain) == (sampled.noise, sampled.contrast, sampled.gain)


def test_scans_vary_in_plane_and_size() -> None:
    scans = [Acquisition.random(np.random.default_rng(i), None, None) for i in range(60)]
    assert {s.plane for s in scans} == set(PLANES)
    assert len({s.size for s in scans}) > 2
