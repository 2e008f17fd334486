"""The type of the arrow from files to volumes: slices of gray values with their places in the patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats
from tumorlens.scan.types import Pixels, Scan

if TYPE_CHECKING:
    from pydicom import Dataset

PLANES = ("axial", "coronal", "sagittal")
"""Names of the planes; the normal of an axial slice is nearest to the foot-head axis."""

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From patient coordinates of DICOM to those of NIfTI, and back: the one place where they are converted."""

# Directions of increasing slices, rows and columns of an upright image, in LPS: axial nose up, coronal head up,
# sagittal head up and nose left, as the slices of the training data are stored.
_UPRIGHT = {
    "axial": ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
    "coronal": ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
    "sagittal": ((-1, 0, 0), (0, 0, -1), (0, 1, 0)),
}
_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))  # decreasing and increasing x, y and z in LPS


@dataclass(frozen=True)
class SliceSource:
    """Where a slice of a volume is stored.

    Attributes:
        path: of the file; of a member of a zip archive ARCHIVE/MEMBER.
        frame: number of the frame in the file, counted from 1; None in a file with a single image.
        sop_instance_uid: of the DICOM file; None for other formats.
        header: of the DICOM file, without pixels: it holds patient data, and is in no text and no comparison.
    """

    path: Path
    frame: int | None = None
    sop_instance_uid: str | None = None
    header: Dataset | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class NiftiGrid:
    """The grid of a NIfTI file, so that a mask can be written on it.

    Attributes:
        turn: from the array of the file to the slices of the volume.
        affine: (4, 4) of the file, to RAS millimeters.
        codes: of the sform and the qform, what space the affine leads to.
    """

    turn: Reorientation
    affine: Floats
    codes: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Volume:
    """Parallel slices of one size, sorted along their normal; gray values are read when they are asked for.

    Attributes:
        size: number of slices, rows and columns (D, H, W).
        origins: (D, 3) float64, the center of the first pixel of each slice, LPS millimeters.
        row_step: (3,) from one row to the next, LPS millimeters.
        column_step: (3,) from one column to the next, LPS millimeters.
        irregular: why the slices are not equally spaced along their normal, or sheared; None for a box of slices.
        read: number of a slice -> its gray values (H, W); higher is brighter.
        path: of the file or folder.
        format: ``"DICOM"`` or ``"NIfTI"``.
        sources: where each slice is stored; empty for NIfTI.
        spacing_known: False where the header gives no spacing that can be true; sizes are then in voxels.
        notes: what was found in the files and did not prevent reading, one sentence each.
        grid: of a NIfTI file; None for other formats.

    Example:
        >>> import numpy as np
        >>> from pathlib import Path
        >>> from tumorlens import Volume
        >>> voxels = np.zeros((3, 4, 5), np.uint8)
        >>> steps = [[0, 0, 0], [0, 0, 2], [0, 0, 4]], [0, 1, 0], [1, 0, 0]
        >>> volume = Volume((3, 4, 5), *map(np.array, steps), None, voxels.__getitem__, Path("x"), "NIfTI")
        >>> volume
        Volume(x: NIfTI, 3 x 4 x 5, axial, 2 x 1 x 1 mm)
        >>> volume.affine[:3, 0].tolist(), np.asarray(volume).shape
        ([0.0, 0.0, 2.0], (3, 4, 5))
    """

    size: tuple[int, int, int]
    origins: Floats
    row_step: Floats
    column_step: Floats
    irregular: str | None
    read: Callable[[int], Pixels]
    path: Path
    format: str
    sources: tuple[SliceSource, ...] = ()
    spacing_known: bool = True
    notes: tuple[str, ...] = ()
    grid: NiftiGrid | None = None

    def __repr__(self) -> str:
        spacing = f"{' x '.join(f'{mm:.4g}' for mm in self.spacing)} mm" if self.spacing else "no spacing"
        parts = [self.format, " x ".join(map(str, self.size)), self.plane, spacing]
        return f"Volume({self.path.name}: {', '.join(parts)}{', irregular' if self.irregular else ''})"

    def __len__(self) -> int:
        return self.size[0]

    def __getitem__(self, index: int) -> Scan:
        """One slice, with its spacing and orientation."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"slice {index} of a volume with {len(self)} slices")
        index %= len(self)
        source = self.sources[index].path if self.sources else self.path
        return Scan(
            self.read(index),
            source,
            self.format,
            "gray",
            spacing=self._pixel_spacing if self.spacing_known else None,
            orientation=direction_letter(self.row_step) + direction_letter(self.column_step),
        )

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All gray values (D, H, W); each slice is decoded."""
        if copy is False:
            raise ValueError("a volume is read from files; expected copy=None or True")
        first = self.read(0)
        voxels = np.empty(self.size, dtype or first.dtype)
        voxels[0] = first
        for i in range(1, len(self)):
            pixels = self.read(i)
            if dtype is None and (wider := np.promote_types(voxels.dtype, pixels.dtype)) != voxels.dtype:
                voxels = voxels.astype(wider)
            voxels[i] = pixels
        return voxels

    @property
    def _pixel_spacing(self) -> tuple[float, float]:
        return float(np.linalg.norm(self.row_step)), float(np.linalg.norm(self.column_step))

    @property
    def normal(self) -> Floats:
        """(3,) unit vector in LPS; slices increase along it."""
        normal = np.cross(self.column_step, self.row_step)
        return np.asarray(normal / np.linalg.norm(normal))

    @property
    def slice_step(self) -> Floats:
        """(3,) from one slice to the next on average, LPS millimeters."""
        if len(self) == 1:
            return self.normal
        return np.asarray((self.origins[-1] - self.origins[0]) / (len(self) - 1))

    @property
    def affine(self) -> Floats | None:
        """(4, 4) from (slice, row, column, 1) to LPS millimeters; None where slices are not equally spaced."""
        steps = self.origins[0] + np.arange(len(self))[:, None] * self.slice_step
        if self.irregular and np.abs(steps - self.origins).max() > 1e-3:
            return None
        affine = np.eye(4)
        affine[:3] = np.stack([self.slice_step, self.row_step, self.column_step, self.origins[0]], axis=1)
        return affine

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Millimeters between slices (on average), rows and columns; None where the header gives none."""
        if not self.spacing_known:
            return None
        rows, columns = self._pixel_spacing
        return abs(float(self.slice_step @ self.normal)), rows, columns

    @property
    def plane(self) -> str:
        """One of `PLANES`: that of the acquired slices."""
        return plane_across(self.normal)

    @property
    def steps(self) -> Floats:
        """(3, 3), columns are the steps along slices (on average), rows and columns, LPS millimeters."""
        return np.stack([self.slice_step, self.row_step, self.column_step], axis=1)

    def with_notes(self, *notes: str) -> Volume:
        """The same volume with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def with_spacing(self, spacing: tuple[float, float, float]) -> Volume:
        """The same voxels with another spacing, where the header gives none or a wrong one.

        Args:
            spacing: millimeters between slices, rows and columns; slices become equally spaced.
        """
        slices, rows, columns = (
            step / np.linalg.norm(step) * mm for step, mm in zip(self.steps.T, spacing, strict=True)
        )
        header = " x ".join(f"{mm:.4g}" for mm in self.spacing) + " mm" if self.spacing else "none"
        given = " x ".join(f"{mm:.4g}" for mm in spacing)
        kept = tuple(note for note in self.notes if "no spacing" not in note)
        return replace(
            self,
            origins=self.origins[0] + np.arange(len(self))[:, None] * slices,
            row_step=rows,
            column_step=columns,
            spacing_known=True,
            notes=(*kept, f"the user gave the spacing {given} mm; the header gives {header}"),
        )


def scan_of(volume: Volume) -> Scan:
    """All slices of a volume as one scan (D, H, W); each slice is decoded."""
    letters = [direction_letter(step) for step in (volume.slice_step, volume.row_step, volume.column_step)]
    return Scan(np.asarray(volume), volume.path, volume.format, "gray", volume.spacing, "".join(letters))


@dataclass(frozen=True)
class Reorientation:
    """Axes of a volume -> axes of its upright slices in a plane: a transposition and flips, which can be undone.

    Attributes:
        axes: for slices, rows and columns of the result, the axis of the volume.
        flips: whether each axis of the result runs against that of the volume.
    """

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    def apply(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(D, H, W) as stored -> upright slices; returns a view."""
        return self._flipped(voxels.transpose(self.axes))

    def undo(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Upright slices -> (D, H, W) as stored; returns a view."""
        return self._flipped(voxels).transpose(np.argsort(self.axes))

    def spacing(self, spacing: tuple[float, float, float]) -> tuple[float, float, float]:
        """Millimeters between slices, rows and columns of the result."""
        slices, rows, columns = (spacing[axis] for axis in self.axes)
        return slices, rows, columns

    def steps(self, steps: Floats) -> Floats:
        """(3, 3) steps of the volume, one a column -> those along slices, rows and columns of the result."""
        return np.asarray(steps[:, list(self.axes)] * np.where(self.flips, -1.0, 1.0))

    def _flipped(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return voxels[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]


def upright(volume: Volume) -> Volume:
    """The same slices, each upright, in the order of upright slices: axial to the head, coronal to the back.

    Slices stay slices; gray values are still read when they are asked for. A volume of a NIfTI file is upright already.
    """
    turn = slice_reorientation(volume.steps)
    steps = turn.steps(volume.steps)
    turned = zip(turn.axes, turn.flips, strict=True)
    starts = [(volume.size[axis] - 1) * volume.steps[:, axis] for axis, flip in turned if flip]
    normal = np.cross(steps[:, 2], steps[:, 1])
    order = range(len(volume))[:: 1 if normal @ volume.normal > 0 else -1]
    return replace(
        volume,
        size=(len(volume), volume.size[turn.axes[1]], volume.size[turn.axes[2]]),
        origins=volume.origins[list(order)] + sum(starts, np.zeros(3)),
        row_step=steps[:, 1],
        column_step=steps[:, 2],
        read=lambda index: np.ascontiguousarray(turn.apply(volume.read(order[index])[None])[0]),
        sources=tuple(volume.sources[i] for i in order) if volume.sources else (),
        grid=None,
    )


def plane_across(normal: Floats) -> str:
    """The plane of slices with this normal, one of `PLANES`.

    Args:
        normal: (3,) in LPS or RAS, of any length.
    """
    return PLANES[2 - int(np.abs(normal).argmax())]


def reorientation(steps: Floats, plane: str) -> Reorientation:
    """How to turn a volume so that its slices in a plane are upright.

    Args:
        steps: (3, 3), columns are the steps along slices, rows and columns, LPS.
        plane: one of `PLANES`.

    Returns:
        Slices upright as on a workstation: axial nose up and the patient's left on the right; coronal head up and left
        on the right; sagittal head up and nose left. Oblique volumes keep their angle.

    Example:
        >>> import numpy as np
        >>> reorientation(np.eye(3)[:, ::-1], "axial")  # slices to the head, rows to the back, columns to the left
        Reorientation(axes=(0, 1, 2), flips=(False, False, False))
    """
    return _nearest(steps, plane, _PERMUTATIONS)


def slice_reorientation(steps: Floats) -> Reorientation:
    """How to put the slices of a volume upright one by one: its slices stay slices, in their order.

    Args:
        steps: as of `reorientation`. Also for slices that are as near to another plane.

    Example:
        >>> import numpy as np
        >>> slice_reorientation(-np.eye(3)[:, ::-1])  # slices to the feet, rows to the front, columns to the right
        Reorientation(axes=(0, 1, 2), flips=(False, True, True))
    """
    normal = np.cross(steps[:, 2], steps[:, 1])
    turn = _nearest(steps, plane_across(normal), _PERMUTATIONS[:2])
    return replace(turn, flips=(False, *turn.flips[1:]))


def _nearest(steps: Floats, plane: str, orders: Sequence[tuple[int, int, int]]) -> Reorientation:
    """Of some orders of axes the one that is nearest to upright slices of a plane."""
    directions = steps / np.linalg.norm(steps, axis=0)
    cosines = np.asarray(_UPRIGHT[plane], dtype=np.float64) @ directions  # (slices, rows, columns) x (axes)
    axes = max(orders, key=lambda order: sum(abs(cosines[i, axis]) for i, axis in enumerate(order)))
    flips = tuple(bool(cosines[i, axis] < 0) for i, axis in enumerate(axes))
    return Reorientation(axes, (flips[0], flips[1], flips[2]))


_PERMUTATIONS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def direction_letter(step: Floats) -> str:
    """The patient direction that a step in LPS is nearest to: R, L, A, P, I (inferior) or S (superior).

    Example:
        >>> direction_letter(np.array([0.1, -0.9, 0.2]))
        'A'
    """
    axis = int(np.abs(step).argmax())
    return _LETTERS[axis][bool(step[axis] > 0)]
