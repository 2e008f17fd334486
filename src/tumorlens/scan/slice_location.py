"""A slice in a file with several -> its path, and back: `head.nii.gz#axial=012`, `series.dcm#frame=3`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tumorlens.scan.volume import PLANES

_LOCATION = re.compile(
    rf"(?P<file>.+)#(?P<plane>{'|'.join(PLANES)}|frame)=(?P<index>\d{{1,7}})(?:&labels=(?P<labels>\d+(?:,\d+)*))?"
    r"(?P<filled>&filled)?"
)


@dataclass(frozen=True)
class SliceLocation:
    """The meaning of the path of a slice. Where a path of an image is wanted, `path` can be given.

    Attributes:
        file: the file on disk.
        plane: one of `PLANES`, of a slice in a NIfTI volume; None for a frame of a DICOM file, which keeps its plane.
        index: of the slice in the upright volume, from 0; number of the frame in its DICOM file, from 1.
        labels: values of the voxels that count as tumor, of a slice in a mask; empty for all but 0.
        filled: whether holes in the slice of a mask count as tumor, as for a mask of the enhancing rim alone.

    Example:
        >>> from pathlib import Path
        >>> location = SliceLocation(Path("heads/a.nii.gz"), "axial", 12)
        >>> location.path.as_posix(), SliceLocation.parse(location.path) == location
        ('heads/a.nii.gz#axial=012', True)
    """

    file: Path
    plane: str | None
    index: int
    labels: tuple[int, ...] = ()
    filled: bool = False

    @classmethod
    def parse(cls, path: Path) -> SliceLocation | None:
        """The location that a path means; None for a path of a file."""
        match = _LOCATION.fullmatch(path.name)
        if match is None or path.exists():
            return None
        plane = None if match["plane"] == "frame" else match["plane"]
        labels = tuple(map(int, match["labels"].split(","))) if match["labels"] else ()
        return cls(path.with_name(match["file"]), plane, int(match["index"]), labels, bool(match["filled"]))

    @property
    def fragment(self) -> str:
        """The part of the path behind the name of the file."""
        labels = f"&labels={','.join(map(str, self.labels))}" if self.labels else ""
        filled = "&filled" if self.filled else ""
        return f"{self.plane}={self.index:03d}{labels}{filled}" if self.plane else f"frame={self.index}"

    @property
    def path(self) -> Path:
        """The path, composed again."""
        return self.file.with_name(f"{self.file.name}#{self.fragment}")


def file_of(path: Path) -> Path:
    """The file on disk that a path of an image or of a slice names."""
    location = SliceLocation.parse(path)
    return path if location is None else location.file
