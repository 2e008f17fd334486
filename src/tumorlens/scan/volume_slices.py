"""path of a slice -> its gray values or mask, upright; a few volumes stay open, so that each is read once."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.errors import ScanError
from tumorlens.scan.content import FileContent, identify
from tumorlens.scan.dicom.dicom_file import read_dicom_file
from tumorlens.scan.dicom.frames import Frame, frames_of
from tumorlens.scan.dicom.stacks import unreadable
from tumorlens.scan.mask import filled
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.slice_location import SliceLocation
from tumorlens.scan.types import Mask, Scan
from tumorlens.scan.volume import Volume, direction_letter, slice_reorientation

MAX_OPEN_VOXELS = 2**26
"""Maximum number of voxels in the volumes that stay open; the last one stays in any case."""


def read_slice(location: SliceLocation) -> Scan:
    """Read one slice, put upright as by `tumorlens.scan.volume.reorientation`.

    Returns:
        (H, W), with spacing and orientation where the header gives them; its path is that of the location.

    Raises:
        ScanError: the file cannot be read, is neither NIfTI nor DICOM, or has no such slice.
        MissingExtraError: its pixels need a decoder that is not installed.
    """
    opened = _opened(location)
    with opened.lock:
        scan = opened.slice(location)
    return Scan(scan.pixels, location.path, scan.format, scan.mode, scan.spacing, scan.orientation)


def slice_size(location: SliceLocation) -> tuple[int, int]:
    """Height and width of a slice, pixels, from the header; errors as above."""
    opened = _opened(location)
    return opened.size(location)


def read_mask_slice(location: SliceLocation) -> Mask:
    """Read one slice of a mask: 1 where a voxel has one of the labels of the location, or any but 0.

    Holes are filled where the location says so.

    Returns:
        (H, W) uint8.

    Raises:
        ScanError: as `read_slice`, or voxels are no whole numbers from 0.
    """
    pixels = read_slice(location).pixels
    if pixels.dtype.kind == "f" and not (np.rint(pixels) == pixels).all():
        raise ScanError(location.path, "holds values that are no whole numbers", expected="a mask with labels from 0")
    mask: Mask = (np.isin(pixels, location.labels) if location.labels else pixels != 0).astype(np.uint8)
    return filled(mask) if location.filled else mask


def frame_slice(frame: Frame) -> Scan:
    """One frame of a DICOM file, upright in the plane that it was acquired in."""
    steps = _steps(frame)
    turn = slice_reorientation(steps)
    pixels = np.ascontiguousarray(turn.apply(frame.read()[None])[0])
    letters = "".join(direction_letter(step) for step in turn.steps(steps).T[1:])
    return Scan(pixels, frame.source.path, "DICOM", "gray", turn.spacing((1.0, *frame.spacing))[1:], letters)


def _steps(frame: Frame) -> Floats:
    """(3, 3), columns are the normal and the steps along rows and columns, LPS."""
    normal = np.cross(frame.column_direction, frame.row_direction)
    rows, columns = frame.spacing
    return np.stack([normal, frame.row_direction * rows, frame.column_direction * columns], axis=1)


@dataclass(eq=False)
class _Opened:
    """An open file: a NIfTI volume in one plane, or the frames of a DICOM file."""

    volume: Volume | None
    frames: tuple[Frame | None, ...] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def voxels(self) -> int:
        """That stay in memory: those of a NIfTI volume; frames are decoded anew."""
        return int(np.prod(self.volume.size)) if self.volume else 0

    def slice(self, location: SliceLocation) -> Scan:
        if self.volume is None:
            return frame_slice(self._frame(location))
        _check(location, len(self.volume), location.index)
        return self.volume[location.index]

    def size(self, location: SliceLocation) -> tuple[int, int]:
        if self.volume is not None:
            _check(location, len(self.volume), location.index)
            return self.volume.size[1:]
        frame = self._frame(location)
        _, rows, columns = slice_reorientation(_steps(frame)).axes
        sides = (1, *frame.size)
        return sides[rows], sides[columns]

    def _frame(self, location: SliceLocation) -> Frame:
        _check(location, len(self.frames), location.index - 1)
        frame = self.frames[location.index - 1]
        if frame is None:
            raise ScanError(
                location.path, "has no position, orientation or spacing in the patient", "name the file without '#'"
            )
        return frame


def _check(location: SliceLocation, count: int, index: int) -> None:
    if not 0 <= index < count:
        raise ScanError(location.path, f"its file holds {count} slices", "make the table anew", expected="this slice")


_files: OrderedDict[tuple[Path, str | None, int, int], _Opened] = OrderedDict()
_lock = threading.Lock()


def _opened(location: SliceLocation) -> _Opened:
    """The file of a slice, from those that are open, or opened now; the oldest ones are closed."""
    content = FileContent(location.file)
    kind = identify(content)
    state = os.stat(location.file)
    key = (location.file, location.plane, state.st_mtime_ns, state.st_size)
    with _lock:
        if key in _files:
            _files.move_to_end(key)
            return _files[key]
        opened = _open(content, kind, location)
        _files[key] = opened
        while len(_files) > 1 and (
            len(_files) > _MAX_OPEN_FILES or sum(o.voxels for o in _files.values()) > MAX_OPEN_VOXELS
        ):
            _files.popitem(last=False)
        return opened


_MAX_OPEN_FILES = 64


def _open(content: FileContent, kind: str, location: SliceLocation) -> _Opened:
    if kind == "NIfTI" and location.plane:
        return _Opened(read_nifti_volume(location.file, plane=location.plane))
    if kind == "DICOM" and location.plane is None:
        file = read_dicom_file(content)
        if reason := unreadable(file):
            raise ScanError(content.path, f"holds {reason}", expected="gray slices of a scanner")
        return _Opened(None, tuple(frames_of(file)))
    expected = "a NIfTI file for a plane, a DICOM file for a frame"
    raise ScanError(
        location.path, f"is a slice of a file of the format {kind}", "make the table anew", expected=expected
    )
