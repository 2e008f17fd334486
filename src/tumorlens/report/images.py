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

NOTICE = "Research use only, not a medical device"
"""Stands below images that leave the page."""

Line = tuple[tuple[int, int], tuple[int, int]]

# Seven anchors of matplotlib's "inferno" (van der Walt and Smith, CC0). Its lightness rises evenly, so that the order
# of values is kept in gray and for color-blind readers. Its black end would darken the scan, so the table begins at the
# first quarter of the color map.
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
_TRANSPARENT, _OPAQUE = 0.15, 0.6  # below the first value the scan does not change; from the second on opacity is full
_MASK_COLOR = (0, 229, 255)  # cyan, which neither a gray scan nor the color map contains
_REFERENCE_COLOR = (255, 140, 0)  # orange, which color-blind readers tell from cyan, too
_NOTICE_COLOR, _NOTICE_BACKGROUND = (235, 235, 235), (24, 27, 30)
_GAP_COLOR = (70, 78, 86)  # visible on a white page, on a black page and between black scans


def overlay(
    gray: GrayImage,
    heatmap: npt.NDArray[np.floating] | None = None,
    mask: Mask | None = None,
    alpha: float = 0.45,
    *,
    reference: Mask | None = None,
    lines: Sequence[Line] = (),
) -> Image.Image:
    """A scan in RGB, with a heat map, the contours of masks, and lines over it, in this order.

    The opacity of the heat map grows with its values: where they are low, the pixels of the scan do not change.

    Args:
        gray: (H, W) uint8.
        heatmap: (H, W) in [0, 1]; other values are clipped, NaN counts as 0.
        mask: (H, W), 1 inside, usually the predicted mask; its contour is cyan, one pixel wide, on the inside.
        alpha: opacity of the highest values.
        reference: (H, W), a second mask to compare `mask` with; its contour is orange, and dotted in both colors where
            the two contours overlap.
        lines: each from one (row, column) to another, one pixel wide, cyan.

    Raises:
        ValueError: `gray` is not a uint8 slice, or the shapes differ.
    """
    if gray.ndim != 2 or gray.dtype != np.uint8:
        raise ValueError(f"{gray.shape} {gray.dtype} found; expected a (H, W) uint8 slice")
    for name, layer in (("heatmap", heatmap), ("mask", mask), ("reference", reference)):
        if layer is not None and layer.shape != gray.shape:
            raise ValueError(f"the {name} is {layer.shape}, the slice {gray.shape}; resize it first")
    pixels = np.repeat(gray[:, :, None], 3, axis=2)
    if heatmap is not None:
        values = np.clip(np.nan_to_num(heatmap.astype(np.float64), nan=0.0), 0.0, 1.0)
        opacity = alpha * np.clip((values - _TRANSPARENT) / (_OPAQUE - _TRANSPARENT), 0.0, 1.0)[:, :, None]
        pixels = np.rint(pixels * (1 - opacity) + colors(values) * opacity).astype(np.uint8)
    if mask is not None:
        pixels[outline(mask > 0)] = _MASK_COLOR
    if reference is not None:
        contour = outline(reference > 0)
        if mask is not None:
            rows, columns = np.indices(contour.shape)
            contour &= ~outline(mask > 0) | ((rows + columns) % 4 < 2)
        pixels[contour] = _REFERENCE_COLOR
    image = Image.fromarray(pixels)
    for (top, left), (bottom, right) in lines:
        ImageDraw.Draw(image).line((left, top, right, bottom), fill=_MASK_COLOR)
    return image


def colors(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The color of each value in [0, 1]: shape (..., 3), 0 to 255, not rounded."""
    anchors = np.linspace(0, 1, len(_INFERNO))
    return np.stack([np.interp(values, anchors, channel) for channel in _INFERNO.T], axis=-1)


def side_by_side(images: Sequence[Image.Image], gap: int = 8) -> Image.Image:
    """Images in one row, resized to the height of the tallest.

    Raises:
        ValueError: no image was given.
    """
    if not images:
        raise ValueError("expected at least one image")
    height = max(image.height for image in images)
    row = [_to_height(image.convert("RGB"), height) for image in images]
    width = sum(image.width for image in row) + gap * (len(row) - 1)
    joined = Image.new("RGB", (width, height), _GAP_COLOR)
    left = 0
    for image in row:
        joined.paste(image, (left, 0))
        left += image.width + gap
    return joined


def marked(image: Image.Image, message: str) -> Image.Image:
    """An image in an orange frame with a message above it, for warnings that nobody should miss."""
    size = max(11, image.width // 40)
    text, strip = _wrapped(message, image.width, size)
    edge = max(2, size // 4)
    framed = Image.new("RGB", (image.width + 2 * edge, image.height + strip + edge), _REFERENCE_COLOR)
    framed.paste(image, (edge, strip))
    _write(framed, text, (edge + 2, size // 4), size, "black")
    return framed


def with_notice(image: Image.Image) -> Image.Image:
    """An image with a line below it that says that it is for research only."""
    size = max(11, image.height // 30)
    text, strip = _wrapped(NOTICE, image.width, size)
    whole = Image.new("RGB", (image.width, image.height + strip), _NOTICE_BACKGROUND)
    whole.paste(image, (0, 0))
    _write(whole, text, (size // 3, image.height + size // 4), size, _NOTICE_COLOR)
    return whole


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
    """Write a PNG atomically: the file appears only when it is complete."""
    with atomic_write(path) as temporary:
        image.save(temporary, "PNG")


def save_overlay(image: Image.Image, path: str | Path) -> None:
    """Write an image that people will look at without its page as PNG, with the research-only notice below it."""
    save_png(with_notice(image), path)


def _wrapped(text: str, width: int, size: int) -> tuple[str, int]:
    """Text in lines that fit into a width, and their height; in pixels."""
    lines = textwrap.wrap(text, max(12, int(width / (0.55 * size))))
    return "\n".join(lines), round(1.4 * size) * len(lines) + size // 2


def _write(image: Image.Image, text: str, at: tuple[int, int], size: int, color: str | tuple[int, int, int]) -> None:
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).multiline_text(at, text, color, font, spacing=size // 4)


def _to_height(image: Image.Image, height: int) -> Image.Image:
    if image.height == height:
        return image
    width = max(1, round(image.width * height / image.height))
    return image.resize((width, height), Image.Resampling.LANCZOS)
