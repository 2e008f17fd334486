"""Gray values, heat map and masks -> an image with overlays; images -> a row or a file."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tumorlens._files import atomic_write
from tumorlens.scan.connected_components import outline
from tumorlens.scan.types import GrayImage, Mask

Line = tuple[tuple[int, int], tuple[int, int]]

# Seven anchors of matplotlib's "inferno" (van der Walt and Smith, CC0), which rises evenly in lightness
# and so keeps its order in gray and for color-blind eyes. Its black end would darken the scan, so the
# table begins at the map's first quarter.
_INFERNO = np.array(
    [
        (87, 16, 110),
        (137, 34, 106),
        (188, 55, 84),
        (227, 89, 51),
        (249, 142, 9),
        (249, 201, 50),
        (252, 255, 164),
    ],
    dtype=np.float64,
)
_COLD, _HOT = 0.15, 0.6  # below the first the scan stays as it is; from the second on the heat is at its full
_OUTLINE = (0, 229, 255)  # cyan, which neither a gray scan nor the heat contains
_TRUTH = (255, 140, 0)  # orange, which color-blind eyes tell from cyan, too
_BETWEEN = (70, 78, 86)  # shows on a white page, a black page and between black scans


def overlay(
    gray: GrayImage,
    heat: npt.NDArray[np.floating] | None = None,
    contour: Mask | None = None,
    alpha: float = 0.45,
    *,
    truth: Mask | None = None,
    lines: Sequence[Line] = (),
) -> Image.Image:
    """A scan in RGB, with the heat over it, the outlines of masks over both, and lines over all.

    The opacity of the heat grows with it: cold pixels keep exactly the gray of the scan.

    Args:
        gray: (H, W) uint8.
        heat: (H, W) in [0, 1]; values outside are clipped, NaN counts as cold.
        contour: (H, W), 1 inside; its border is drawn one pixel wide, on the inside.
        alpha: opacity of the hottest pixels.
        truth: a second mask to compare `contour` with, drawn in orange where that is cyan; dots of both where the
            two lines meet.
        lines: each from one (row, column) to another, one pixel wide, in the color of `contour`.

    Raises:
        ValueError: `gray` is not a uint8 slice, or the shapes differ.
    """
    if gray.ndim != 2 or gray.dtype != np.uint8:
        raise ValueError(f"expected a (H, W) uint8 slice, got {gray.shape} {gray.dtype}")
    for name, layer in (("heat", heat), ("contour", contour), ("truth", truth)):
        if layer is not None and layer.shape != gray.shape:
            raise ValueError(f"the {name} is {layer.shape}, the slice {gray.shape}; resize it first")
    pixels = np.repeat(gray[:, :, None], 3, axis=2)
    if heat is not None:
        warmth = np.clip(np.nan_to_num(heat.astype(np.float64), nan=0.0), 0.0, 1.0)
        opacity = alpha * np.clip((warmth - _COLD) / (_HOT - _COLD), 0.0, 1.0)[:, :, None]
        pixels = np.rint(pixels * (1 - opacity) + colors(warmth) * opacity).astype(np.uint8)
    if contour is not None:
        pixels[outline(contour > 0)] = _OUTLINE
    if truth is not None:
        line = outline(truth > 0)
        if contour is not None:
            rows, columns = np.indices(line.shape)
            line &= ~outline(contour > 0) | ((rows + columns) % 4 < 2)
        pixels[line] = _TRUTH
    image = Image.fromarray(pixels)
    for (top, left), (bottom, right) in lines:
        ImageDraw.Draw(image).line((left, top, right, bottom), fill=_OUTLINE)
    return image


def colors(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The color of each value in [0, 1]: shape (..., 3), 0 to 255, not rounded."""
    anchors = np.linspace(0, 1, len(_INFERNO))
    return np.stack([np.interp(values, anchors, channel) for channel in _INFERNO.T], axis=-1)


def side_by_side(images: Sequence[Image.Image], gap: int = 8) -> Image.Image:
    """Images in one row, brought to the height of the tallest.

    Raises:
        ValueError: no image was given.
    """
    if not images:
        raise ValueError("expected at least one image")
    height = max(image.height for image in images)
    row = [_to_height(image.convert("RGB"), height) for image in images]
    width = sum(image.width for image in row) + gap * (len(row) - 1)
    joined = Image.new("RGB", (width, height), _BETWEEN)
    left = 0
    for image in row:
        joined.paste(image, (left, 0))
        left += image.width + gap
    return joined


def marked(image: Image.Image, words: str) -> Image.Image:
    """An image in an orange frame, with words on a strip above it: what must not be overlooked."""
    size = max(11, image.width // 40)
    font = ImageFont.load_default(size)
    lines = textwrap.wrap(words, max(12, int(image.width / (0.55 * size))))
    strip, edge = round(1.4 * size) * len(lines) + size // 2, max(2, size // 4)
    framed = Image.new("RGB", (image.width + 2 * edge, image.height + strip + edge), _TRUTH)
    framed.paste(image, (edge, strip))
    ImageDraw.Draw(framed).multiline_text((edge + 2, size // 4), "\n".join(lines), "black", font, spacing=size // 4)
    return framed


def data_uri(image: Image.Image, lossy: bool = False) -> str:
    """An image as the ``src`` of an ``<img>``: PNG, or JPEG of quality 88 where `lossy`."""
    flat = image if image.mode in ("L", "RGB") else image.convert("RGB")
    buffer = io.BytesIO()
    if lossy:
        flat.save(buffer, "JPEG", quality=88)
    else:
        flat.save(buffer, "PNG", optimize=True)
    kind = "jpeg" if lossy else "png"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def save_png(image: Image.Image, path: str | Path) -> None:
    """Write a PNG; it appears under its name only when it is whole."""
    with atomic_write(path) as temporary:
        image.save(temporary, "PNG")


def _to_height(image: Image.Image, height: int) -> Image.Image:
    if image.height == height:
        return image
    width = max(1, round(image.width * height / image.height))
    return image.resize((width, height), Image.Resampling.LANCZOS)
