"""Each of the eight dihedral transforms does what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fixtures.scans import GRAY
from tumorlens.scan.dihedral import DIHEDRAL_NAMES, apply_dihedral

EXPECTED = {
    "as it is": GRAY,
    "turned by 90°": np.rot90(GRAY),
    "turned by 180°": GRAY[::-1, ::-1],
    "turned by 270°": np.rot90(GRAY, 3),
    "transposed": GRAY.T,
    "mirrored left to right": GRAY[:, ::-1],
    "transposed along the other diagonal": GRAY[::-1, ::-1].T,
    "mirrored top to bottom": GRAY[::-1],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_transform_does_what_its_name_says(name: str) -> None:
    transform = DIHEDRAL_NAMES.index(name)
    np.testing.assert_array_equal(apply_dihedral(GRAY, transform), EXPECTED[name])
    np.testing.assert_array_equal(apply_dihedral(np.stack([GRAY, GRAY]), transform)[1], EXPECTED[name])
