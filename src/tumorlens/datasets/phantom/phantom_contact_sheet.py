"""A contact sheet of phantoms, for people to look at."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tumorlens.datasets.phantom.acquisition import PLANES
from tumorlens.datasets.phantom.render import PHANTOM_CLASSES, PhantomSlice, render_patient

_PATIENTS = 3  # of each class in each plane


def contact_sheet(seed: int = 0, size: int = 192, outlines: bool = False) -> Image.Image:
    """One row a class, three patients a plane, the middle slice of each.

    Args:
        seed: of the first patient.
        size: of each image, pixels.
        outlines: draw the edge of the tumor mask.
    """
    columns = [(plane, i) for plane in PLANES for i in range(_PATIENTS)]
    signal = Image.new("RGB", (size * len(columns), (size + 14) * len(PHANTOM_CLASSES)), "black")
    pen = ImageDraw.Draw(signal)
    for row, label in enumerate(PHANTOM_CLASSES):
        for col, (plane, i) in enumerate(columns):
            left, top = col * size, row * (size + 14)
            number = seed * 1000 + row * len(columns) + col
            item = render_patient(label, number, plane=plane, slices=1, size=size)[0]
            signal.paste(_image(item, outlines), (left, top + 14))
            pen.text((left + 3, top + 1), f"{label}, {plane} {i + 1}", fill="white")
    return signal


def _image(item: PhantomSlice, outline: bool) -> Image.Image:
    """The slice in color; with its outline, a pixel is red where the mask's edge runs."""
    rgb = np.stack([item.image] * 3, axis=-1)
    if outline:
        inner = np.pad(item.mask, 1)
        inner = inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
        rgb[(item.mask == 1) & (inner == 0)] = (255, 60, 60)
    return Image.fromarray(rgb)
