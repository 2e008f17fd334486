"""mask -> lesion measurements of a radiologist: number, area, two diameters, location."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Ints
from tumorlens.scan.connected_components import label_components, outline
from tumorlens.scan.input_geometry import Box
from tumorlens.scan.types import Mask

Point = tuple[int, int]  # row, column

_MIDLINE = 0.05  # of the width of the image: a centroid nearer to its middle is neither left nor right
_SIDES = {"L": ("right", "left"), "R": ("left", "right")}  # side at the start and at the end of a direction


@dataclass(frozen=True)
class Diameter:
    """A line between the centers of two pixels; a single pixel has a diameter of 0.

    Attributes:
        start: row and column of one end, the upper one.
        end: row and column of the other end.
        pixels: length in pixels.
        mm: length in millimeters; None where the spacing is unknown.
    """

    start: Point
    end: Point
    pixels: float
    mm: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "pixels": round(self.pixels, 2),
            "mm": None if self.mm is None else round(self.mm, 2),
            "start": list(self.start),
            "end": list(self.end),
        }


@dataclass(frozen=True)
class Lesion:
    """One connected component of a mask.

    The two diameters are those of the bidimensional measurement (Macdonald 1990, J Clin Oncol 8:1277; RANO, Wen 2010,
    J Clin Oncol 28:1963): the longest diameter in the slice, and the longest one perpendicular to it.

    Attributes:
        pixels: area in pixels.
        mm2: area in square millimeters; None where the spacing is unknown.
        centroid: row and column of its center of mass, pixels; (0, 0) is the center of the first pixel.
        box: bounding box: top, left, height and width in pixels.
        diameter: the longest line between two pixels of the outline.
        perpendicular: the longest line perpendicular to it, within half a pixel.
        side: the patient's ``"left"`` or ``"right"``, or ``"midline"``; None where the orientation is unknown, or
            neither rows nor columns run from left to right. The middle of the image is taken as the midline.
    """

    pixels: int
    mm2: float | None
    centroid: tuple[float, float]
    box: Box
    diameter: Diameter
    perpendicular: Diameter
    side: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "pixels": self.pixels,
            "mm2": None if self.mm2 is None else round(self.mm2, 2),
            "centroid": [round(value, 2) for value in self.centroid],
            "box": list(self.box),
            "diameter": self.diameter.to_dict(),
            "perpendicular": self.perpendicular.to_dict(),
            "side": self.side,
        }


def measure_lesions(
    mask: Mask, spacing: tuple[float, ...] | None = None, orientation: str | None = None
) -> tuple[int, Lesion | None]:
    """Count the connected components of a mask and measure the largest.

    Args:
        mask: (H, W), 1 = tumor; 8-connectivity.
        spacing: millimeters between rows and between columns, the last two of `Scan.spacing`; None where unknown.
        orientation: of the scan, as in `Scan`; None where unknown.

    Returns:
        The number of components, and the largest; None where there is none.
    """
    if not mask.any():
        return 0, None
    top, left, height, width = bounding_box(mask)
    components, count = label_components(mask[top : top + height, left : left + width])
    inside = components == 1
    rows, columns, height, width = bounding_box(inside)
    corner = np.array([top + rows, left + columns])
    inside = inside[rows : rows + height, columns : columns + width]
    pixels = np.argwhere(inside) + corner
    row, column = (float(value) for value in pixels.mean(axis=0))
    scale = (spacing[-2], spacing[-1]) if spacing else None
    diameter, perpendicular = _diameters(np.argwhere(outline(inside)) + corner, scale)
    lesion = Lesion(
        pixels=len(pixels),
        mm2=len(pixels) * scale[0] * scale[1] if scale else None,
        centroid=(row, column),
        box=(int(corner[0]), int(corner[1]), height, width),
        diameter=diameter,
        perpendicular=perpendicular,
        side=_side((row, column), mask.shape, orientation),
    )
    return count, lesion


def bounding_box(inside: npt.NDArray[Any]) -> Box:
    """Top, left, height and width of the nonzero pixels; there must be at least one."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return top, left, int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left


def _diameters(pixels: Ints, spacing: tuple[float, float] | None) -> tuple[Diameter, Diameter]:
    """The longest line between two of the pixels, and the longest one perpendicular to it."""
    scale = np.array(spacing or (1.0, 1.0))
    corners = _hull(pixels)
    points = corners * scale
    first, last = np.unravel_index(
        np.square(points[:, None] - points).sum(axis=2).argmax(), (len(corners), len(corners))
    )
    longest = _line(corners[first], corners[last], spacing)
    step = (corners[last] - corners[first]) * scale
    length = np.linalg.norm(step)
    if not length:
        return longest, longest
    along = step / length
    across = np.array([-along[1], along[0]])
    pixels = pixels[np.argsort(pixels * scale @ along, kind="stable")]
    position, height = pixels * scale @ along, pixels * scale @ across
    near = np.linalg.norm(along * scale) / 2  # half a pixel in this direction
    best = (-1.0, 0, 0)
    for begin, end in enumerate(np.searchsorted(position, position + near + 1e-9, side="right")):
        distance = np.abs(height[begin:end] - height[begin])
        far = int(distance.argmax())
        best = max(best, (float(distance[far]), -begin, begin + far))
    return longest, _line(pixels[-best[1]], pixels[best[2]], spacing)


def _line(one: Ints, other: Ints, spacing: tuple[float, float] | None) -> Diameter:
    start, end = sorted([(int(one[0]), int(one[1])), (int(other[0]), int(other[1]))])
    rows, columns = end[0] - start[0], end[1] - start[1]
    mm = math.hypot(rows * spacing[0], columns * spacing[1]) if spacing else None
    return Diameter(start, end, math.hypot(rows, columns), mm)


def _hull(pixels: Ints) -> Ints:
    """The corners of the convex hull (Andrew 1979), which include the two pixels with the largest distance."""
    points: list[Point] = sorted({(int(row), int(column)) for row, column in pixels})
    if len(points) < 3:
        return np.array(points)
    chains = []
    for order in (points, points[::-1]):
        chain: list[Point] = []
        for point in order:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        chains += chain[:-1]
    return np.array(chains)


def _turn(a: Point, b: Point, c: Point) -> int:
    """Positive or negative where the path from a over b to c turns one way or the other, 0 where it is straight."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _side(centroid: tuple[float, float], shape: tuple[int, ...], orientation: str | None) -> str | None:
    """The patient's side of the centroid, from its distance to the middle of the image."""
    for axis, direction in enumerate((orientation or "")[-2:]):
        if direction in _SIDES:
            offset = (centroid[axis] + 0.5) / shape[axis] - 0.5
            return "midline" if abs(offset) < _MIDLINE else _SIDES[direction][offset > 0]
    return None
