"""shapes -> mask: rasterize polygons, ellipses and run lengths.

Coordinates are as in COCO: x to the right, y down, in pixels; the pixel in column i and row j spans (i, j) to
(i + 1, j + 1). A pixel belongs to a shape if its center lies inside. A center on the left or upper edge is inside, one
on the right or lower edge is not. Overlapping shapes are merged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tumorlens.scan import Mask


@dataclass(frozen=True)
class Polygon:
    """A closed outline; where it crosses itself, the even-odd rule decides.

    Attributes:
        corners: (x, y) of each; fewer than three cover nothing.
    """

    corners: tuple[tuple[float, float], ...]

    @property
    def area(self) -> float:
        """Square pixels, by the shoelace formula."""
        following = self.corners[1:] + self.corners[:1]
        return abs(sum(x * v - u * y for (x, y), (u, v) in zip(self.corners, following, strict=True))) / 2

    def fill(self, mask: Mask) -> None:
        """Set the pixels inside to 1."""
        height, width = mask.shape
        x0, y0 = np.array(self.corners, dtype=np.float64).reshape(-1, 2).T
        x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
        centers = np.arange(height)[:, None] + 0.5
        row, edge = np.nonzero((y0 <= centers) != (y1 <= centers))
        x = x0[edge] + (row + 0.5 - y0[edge]) * ((x1 - x0)[edge] / (y1 - y0)[edge])
        flips = np.zeros((height, width + 1), dtype=np.uint8)
        np.add.at(flips, (row, np.clip(np.ceil(x - 0.5), 0, width).astype(np.intp)), 1)
        mask |= np.cumsum(flips, axis=1, dtype=np.uint8)[:, :width] & 1


@dataclass(frozen=True)
class Ellipse:
    """An ellipse, or a circle.

    Attributes:
        center: (x, y).
        radii: along its own two axes, pixels.
        angle: from the x axis to the first of them, radians, clockwise on the screen.
    """

    center: tuple[float, float]
    radii: tuple[float, float]
    angle: float = 0.0

    @property
    def area(self) -> float:
        """Square pixels."""
        return float(np.pi * self.radii[0] * self.radii[1])

    def fill(self, mask: Mask) -> None:
        """Set the pixels inside to 1."""
        if min(self.radii) <= 0:
            return
        y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
        right, down = x + 0.5 - self.center[0], y + 0.5 - self.center[1]
        along = right * np.cos(self.angle) + down * np.sin(self.angle)
        across = down * np.cos(self.angle) - right * np.sin(self.angle)
        mask |= (along / self.radii[0]) ** 2 + (across / self.radii[1]) ** 2 < 1


@dataclass(frozen=True)
class RunLengths:
    """Run-length encoding of a mask, as in COCO.

    Attributes:
        size: height and width of the image that was annotated.
        lengths: of background, tumor, background ..., down the columns one after the other; pixels after the last
            run are background.
    """

    size: tuple[int, int]
    lengths: tuple[int, ...]

    @property
    def area(self) -> float:
        """Square pixels."""
        return float(sum(self.lengths[1::2]))

    def fill(self, mask: Mask) -> None:
        """Set the pixels inside to 1.

        Raises:
            ValueError: the image has another size.
        """
        if self.size != mask.shape:
            raise ValueError(f"holds run lengths for {self.size[1]} x {self.size[0]} pixels, not for its image's")
        values = np.repeat(np.arange(len(self.lengths), dtype=np.uint8) & 1, self.lengths)
        flat = np.zeros(mask.size, dtype=np.uint8)
        flat[: len(values)] = values
        mask |= flat.reshape(mask.shape, order="F")


Shape = Polygon | Ellipse | RunLengths


@dataclass(frozen=True)
class ImageOutlines:
    """The shapes that an annotation file holds for one image.

    Attributes:
        size: height and width of the image, pixels; None where the file does not give them.
        shapes: of all tumors in the image.
    """

    size: tuple[int, int] | None
    shapes: tuple[Shape, ...]


def box_polygon(left: float, top: float, width: float, height: float) -> Polygon:
    """A bounding box as a polygon."""
    right, bottom = left + width, top + height
    return Polygon(((left, top), (right, top), (right, bottom), (left, bottom)))


def rasterize(shapes: Iterable[Shape], size: tuple[int, int]) -> Mask:
    """Render all shapes into one mask.

    Args:
        shapes: clipped at the border of the image.
        size: height and width, pixels.

    Returns:
        (H, W) uint8, 1 inside of any shape.

    Raises:
        ValueError: run lengths for another size.
    """
    mask = np.zeros(size, dtype=np.uint8)
    for shape in shapes:
        shape.fill(mask)
    return mask


def decode_run_lengths(text: str) -> tuple[int, ...]:
    """Decode COCO's compressed run lengths.

    Each number is written in groups of five bits, the lowest first, each group as the character of code
    48 plus its value; 32 is added where more groups follow, and the highest bit of the last one is the
    sign. From the fourth number on it is the difference from the last but one (Lin et al., COCO API).

    Raises:
        ValueError: other characters, or an end in the middle of a number.
    """
    lengths: list[int] = []
    value = bits = 0
    for letter in text:
        group = ord(letter) - 48
        if not 0 <= group < 64:
            raise ValueError(f"has the character {letter!r} in its run lengths")
        value |= (group & 31) << bits
        bits += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << bits
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = bits = 0
    if bits:
        raise ValueError("has run lengths that end in the middle of a number")
    return tuple(lengths)
