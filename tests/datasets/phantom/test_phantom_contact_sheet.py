"""The contact sheet shows every kind of phantom."""

from __future__ import annotations

import numpy as np

from tumorlens.datasets.phantom import contact_sheet


def test_the_contact_sheet_has_every_class_in_every_plane() -> None:
    image = contact_sheet(size=48, outlines=True)
    assert image.width == 9 * 48
    pixels = np.asarray(image).astype(int)
    assert ((pixels[..., 0] - pixels[..., 1]) > 150).any()
