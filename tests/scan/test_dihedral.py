"""The eight flips and turns: each does what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fixtures.scans import GREY
from tumorlens.scan.dihedral import TURNS, turned

NAMED = {
    "as it is": GREY,
    "turned by 90°": np.rot90(GREY),
    "turned by 180°": GREY[::-1, ::-1],
    "turned by 270°": np.rot90(GREY, 3),
    "transposed": GREY.T,
    "mirrored left to right": GREY[:, ::-1],
    "transposed along the other diagonal": GREY[::-1, ::-1].T,
    "mirrored top to bottom": GREY[::-1],
}


@pytest.mark.parametrize("name", NAMED)
def test_a_turn_does_what_its_name_says(name: str) -> None:
    turn = TURNS.index(name)
    np.testing.assert_array_equal(turned(GREY, turn), NAMED[name])
    np.testing.assert_array_equal(turned(np.stack([GREY, GREY]), turn)[1], NAMED[name])
