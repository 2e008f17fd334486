"""paths of DICOM slices -> the upright volume that they make, and the place of each of them in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tumorlens.scan.content import FileContent
from tumorlens.scan.dicom.dicom_file import quiet, read_dicom_file
from tumorlens.scan.dicom.frames import Frame, frames_of
from tumorlens.scan.dicom.stacks import stack_of, unreadable
from tumorlens.scan.slice_location import SliceLocation
from tumorlens.scan.volume import Reorientation, Volume, slice_reorientation, upright


@dataclass(frozen=True, eq=False)
class FrameVolume:
    """The volume of some frames of DICOM files.

    Attributes:
        volume: upright; it holds these frames alone.
        places: for each frame, in the order in which they were given, its index in the volume.
        turn: from the rows and columns of a frame as it is stored to those of the volume.
    """

    volume: Volume
    places: tuple[int, ...]
    turn: Reorientation


def read_frame_volume(locations: Sequence[SliceLocation]) -> FrameVolume | str:
    """Read the headers of the files, and sort their frames along their normal.

    Args:
        locations: one or more frames, in any order.

    Returns:
        The volume, or why they make none of equally spaced slices, as a clause.

    Raises:
        ScanError: a file cannot be read.
    """
    paths = dict.fromkeys(location.file for location in locations)
    files = [read_dicom_file(FileContent(path)) for path in paths]
    for file in files:
        if reason := unreadable(file):
            return f"a file with {reason}"
    with quiet():
        stored = {file.content.path: list(frames_of(file)) for file in files}
        frames: list[Frame] = []
        for location in locations:
            of_file = stored[location.file]
            frame = of_file[location.index - 1] if 0 < location.index <= len(of_file) else None
            if frame is None:
                return "slices without a place in the patient"
            frames.append(frame)
        stack = stack_of(frames)
        if isinstance(stack, str):
            return stack
        if not stack.affine:
            return "slices that are not equally spaced"
        volume = stack.volume()
    turned = upright(volume)
    index = {(source.path, source.frame): i for i, source in enumerate(turned.sources)}
    places = tuple(index[frame.source.path, frame.source.frame] for frame in frames)
    return FrameVolume(turned, places, slice_reorientation(volume.steps))
