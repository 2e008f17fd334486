"""Phantoms -> a contact sheet for visual inspection."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tumorlens.datasets.phantom.acquisition import PLANES
from tumorlens.datasets.phantom.render import PHANTOM_CLASSES, PhantomSlice, render_patient

_PATIENTS = 3  # of each class in each plane
_TITLE = 20  # pixels of the strip above each image


def contact_sheet(seed: int = 0, size: int = 192, outlines: bool = False, patients: int = _PATIENTS) -> Image.Image:
    """Render one row per class with some patients per plane, the middle slice of each, below its class and plane.

    Args:
        seed: of the first patient.
        size: of each image, pixels.
        outlines: mark the outline of the tumor mask.
        patients: of each class in each plane.
    """
    columns = [(plane, i) for plane in PLANES for i in range(patients)]
    page = Image.new("RGB", (size * len(columns), (size + _TITLE) * len(PHANTOM_CLASSES)), "black")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(_TITLE - 4)
    for row, label in enumerate(PHANTOM_CLASSES):
        for col, (plane, i) in enumerate(columns):
            left, top = col * size, row * (size + _TITLE)
            number = seed * 1000 + row * len(columns) + col
            item = render_patient(label, number, plane=plane, slices=1, size=size)[0]
            page.paste(_image(item, outlines), (left, top + _TITLE))
            number_of = f" {i + 1}" if patients > 1 else ""
            pen.text((left + 3, top + 1), f"{label}, {plane}{number_of}", "white", font)
    return page


def _image(item: PhantomSlice, outline: bool) -> Image.Image:
    """The slice in color; with the outline of its mask in red, if `outline`."""
    rgb = np.stack([item.image] * 3, axis=-1)
    if outline:
        inner = np.pad(item.mask, 1)
        inner = inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
        rgb[(item.mask == 1) & (inner == 0)] = (255, 60, 60)
    return Image.fromarray(rgb)
