"""Finding -> outline and axes in its largest slice, in columns and rows of the source image as SCOORD counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats
from tumorlens.scan.connected_components import label_components
from tumorlens.scan.lesion_size import Diameter
from tumorlens.studies.plane_stack import acquired_stack
from tumorlens.studies.study_result import Finding, StudyResult

# Around a pixel in the direction of the clock: its sides as (corner to start at, step) in rows and columns.
_SIDES = (((0, 0), (0, 1)), ((0, 1), (1, 0)), ((1, 1), (0, -1)), ((1, 0), (-1, 0)))
_BEYOND = ((-1, 0), (0, 1), (1, 0), (0, -1))  # the neighbor on the other side of each


@dataclass(frozen=True, eq=False)
class LesionOutline:
    """The largest slice of a finding; (0, 0) is the upper left corner of the first pixel, (0.5, 0.5) its center.

    Attributes:
        slice_index: of the slice in the volume.
        polygon: (n, 2) column and row of each corner, closed, along the sides of the pixels.
        mm2: area, without holes, square millimeters; None where the spacing is unknown.
        long_axis: (2, 2) column and row of its ends.
        short_axis: (2, 2) likewise.
    """

    slice_index: int
    polygon: Floats
    mm2: float | None
    long_axis: Floats
    short_axis: Floats


def lesion_outline(result: StudyResult, finding: Finding) -> LesionOutline:
    """The outline and the axes of a finding in the pixels of the source image.

    The finding was measured upright; its points are turned back into the image as it is stored.

    Args:
        result: with the finding.
        finding: one of its findings.
    """
    index = finding.largest_slice
    _, rows, columns = result.volume.size
    stored = acquired_stack(result.volume).turn.apply(np.arange(rows * columns).reshape(1, rows, columns))[0]

    def ends(line: Diameter) -> Floats:
        numbers = [int(stored[point]) for point in (line.start, line.end)]
        return np.array([(number % columns + 0.5, number // columns + 0.5) for number in numbers])

    long_axis, short_axis = ends(finding.lesion.diameter), ends(finding.lesion.perpendicular)
    components, _ = label_components(result.labels[index] == finding.number)
    column, row = long_axis[0].astype(int)
    inside = components == components[row, column]
    return LesionOutline(index, outline_polygon(inside), finding.lesion.mm2, long_axis, short_axis)


def outline_polygon(inside: Flags) -> Floats:
    """The outer border of one component, along the sides of its pixels.

    Args:
        inside: (H, W), pixels that touch each other by a side or a corner.

    Returns:
        (n, 2) column and row of the corners, closed: the last is the first. Its area is the number of pixels, with
        those of holes.

    Example:
        >>> import numpy as np
        >>> from tumorlens.dicom_results.lesion_outline import outline_polygon
        >>> outline_polygon(np.array([[False, True], [False, True]])).tolist()
        [[1.0, 0.0], [2.0, 0.0], [2.0, 2.0], [1.0, 2.0], [1.0, 0.0]]
    """
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    padded = np.pad(inside, 1)
    for (corner, step), (down, right) in zip(_SIDES, _BEYOND, strict=True):
        beyond = padded[1 + down : 1 + down + inside.shape[0], 1 + right : 1 + right + inside.shape[1]]
        for row, column in np.argwhere(inside & ~beyond).tolist():
            steps.setdefault((row + corner[0], column + corner[1]), []).append(step)
    rows, columns = np.nonzero(inside)
    start = int(rows[0]), int(columns[0])  # the upper left pixel: its upper side is on the outer border
    at, step = start, (0, 1)
    corners = [start]
    while True:
        at = at[0] + step[0], at[1] + step[1]
        if at == start:
            break
        left = (-step[1], step[0])  # where two pixels touch by a corner, the border goes around both
        ways = steps[at]
        after = left if len(ways) > 1 and left in ways else next(way for way in ways if len(ways) == 1 or way != left)
        if after != step:
            corners.append(at)
        step = after
    return np.array([(column, row) for row, column in [*corners, start]], dtype=np.float64)


def as_graphic(points: Floats) -> npt.NDArray[Any]:
    """Points as SCOORD stores them, float32."""
    return np.asarray(points, dtype=np.float32)
