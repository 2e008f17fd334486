"""Phantoms -> a contact sheet for visual inspection."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tumorlens.datasets.phantom.acquisition import PLANES
from tumorlens.datasets.phantom.render import PHANTOM_CLASSES, PhantomSlice, render_patient

_PATIENTS = 3  # of each class in each plane


def contact_sheet(seed: int = 0, size: int = 192, outlines: bool = False) -> Image.Image:
    """Render one row per class with three patients per plane, the middle slice of each.

    Args:
        seed: of the first patient.
        size: of each image, pixels.
        outlines: mark the outline of the tumor mask.
    """
    columns = [(plane, i) for plane in PLANES for i in range(_PATIENTS)]
    page = Image.new("RGB", (size * len(columns), (size + 14) * len(PHANTOM_CLASSES)), "black")
    pen = ImageDraw.Draw(page)
    for row, label in enumerate(PHANTOM_CLASSES):
        for col, (plane, i) in enumerate(columns):
            left, top = col * size, row * (size + 14)
            number = seed * 1000 + row * len(columns) + col
            item = render_patient(label, number, plane=plane, slices=1, size=size)[0]
            page.paste(_image(item, outlines), (left, top + 14))
            pen.text((left + 3, top + 1), f"{label}, {plane} {i + 1}", fill="white")
    return page


def _image(item: PhantomSlice, outline: bool) -> Image.Image:
    """The slice in color; with the outline of its mask in red, if `outline`."""
    rgb = np.stack([item.image] * 3, axis=-1)
    if outline:
        inner = np.pad(item.mask, 1)
        inner = inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
        rgb[(item.mask == 1) & (inner == 0)] = (255, 60, 60)
    return Image.fromarray(rgb)
