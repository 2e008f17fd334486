"""A phantom has the layers of a head."""

from __future__ import annotations

import numpy as np

from tumorlens.datasets.phantom import render_patient


def test_the_scalp_is_bright_between_dark_air_and_dark_skull() -> None:
    image = render_patient("no_tumor", 3, plane="coronal", slices=1, size=192)[0].image.astype(float)
    row = image[60]
    scalp = int(np.flatnonzero(row > 100)[0])
    assert row[: scalp - 4].mean() < 20
    skull = row[scalp : scalp + 14].min()
    assert skull < 0.5 * row[scalp : scalp + 6].max()
    assert skull < 0.6 * np.median(row[80:112])
