"""DICOM file -> frames: one image, or one frame of an enhanced file, with its place in the patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.scan.dicom.dicom_file import DicomFile
from tumorlens.scan.dicom.gray_values import gray_values
from tumorlens.scan.dicom.header_value import header_value
from tumorlens.scan.types import Pixels
from tumorlens.scan.volume import SliceSource

if TYPE_CHECKING:
    from pydicom import Dataset

_PER_FRAME = 0x52009230  # PerFrameFunctionalGroupsSequence
_UNIT = 1e-2  # deviation of the length of a direction from 1, and of two directions from a right angle

# Where several frames have one place, the first of these that explains it splits them. Keyword in a file with one
# image; functional group and keyword in an enhanced file.
SPLITTING = {
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "EchoNumbers": (None, None),
    "InversionTime": ("MRModifierSequence", "InversionTimes"),
    "FlipAngle": ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "TemporalPositionIdentifier": ("FrameContentSequence", "TemporalPositionIndex"),
    "TriggerTime": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "DiffusionGradientOrientation": ("MRDiffusionSequence", "DiffusionGradientDirectionSequence"),
    "StackID": ("FrameContentSequence", "StackID"),
    "AcquisitionNumber": ("FrameContentSequence", "FrameAcquisitionNumber"),
    "ImageType": ("MRImageFrameTypeSequence", "FrameType"),
    "AcquisitionTime": ("FrameContentSequence", "FrameAcquisitionDateTime"),
    "ContentTime": (None, None),
    "InstanceCreationTime": (None, None),
}
"""Keyword of an attribute -> functional group and keyword in enhanced files."""


_PLACE = (
    ("PlanePositionSequence", "ImagePositionPatient"),
    ("PlaneOrientationSequence", "ImageOrientationPatient"),
    ("PixelMeasuresSequence", "PixelSpacing"),
)


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice of a DICOM file.

    Attributes:
        file: that holds it.
        index: in the file, counted from 0.
        number: of the frame, counted from 1; None in a file with a single image.
        position: (3,) center of the first pixel, LPS millimeters.
        row_direction: (3,) unit vector of increasing rows, LPS.
        column_direction: (3,) unit vector of increasing columns, LPS.
        spacing: millimeters between rows and between columns.
    """

    file: DicomFile
    index: int
    number: int | None
    position: Floats
    row_direction: Floats
    column_direction: Floats
    spacing: tuple[float, float]

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(header_value(self.file.header, "Rows")), int(header_value(self.file.header, "Columns"))

    @cached_property
    def source(self) -> SliceSource:
        """Where it is stored."""
        return SliceSource(self.file.content.path, self.number, self.uid, self.file.header)

    @property
    def uid(self) -> str | None:
        """SOP instance UID of the file."""
        uid = header_value(self.file.header, "SOPInstanceUID")
        return str(uid) if uid else None

    def attribute(self, keyword: str) -> str:
        """The value of a key of `SPLITTING`, as text; empty where there is none."""
        group, name = SPLITTING[keyword]
        if self.number is None:
            value = self.file.header.get(keyword)
        else:
            value = frame_value(self.file.header, self.index, group, name) if group and name else None
            if keyword == "DiffusionGradientOrientation" and value:
                value = value[0].get(keyword)
        return _as_text(value)

    def read(self) -> Pixels:
        """Gray values (H, W); higher is brighter.

        Raises:
            ScanError, MissingExtraError: as `DicomFile.stored`.
        """
        stored = self.file.stored(self.index)
        rescale = transformation(self.file.header, self.index) if self.number is not None else self.file.header
        return gray_values(stored, self.file.header, rescale)


def frames_of(file: DicomFile) -> Iterator[Frame | None]:
    """The frames of a file in stored order; None for each that has no place in the patient."""
    header = file.header
    if _PER_FRAME not in header:
        if file.frames > 1:  # frames without functional groups have no place of their own
            yield from [None] * file.frames
            return
        place = (
            header_value(header, name) for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
        )
        yield _placed(file, 0, None, place)
        return
    for index in range(min(file.frames, len(header.PerFrameFunctionalGroupsSequence))):
        yield _placed(file, index, index + 1, (frame_value(header, index, *name) for name in _PLACE))


def frame_value(header: Dataset, index: int, group: str, keyword: str) -> Any:
    """A value of one frame of an enhanced file: that of the frame, else that of all frames; None without one."""
    for groups in _groups(header, index):
        if items := groups.get(group):
            return header_value(items[0], keyword)
    return None


def transformation(header: Dataset, index: int) -> Dataset:
    """Where slope and intercept of one frame of an enhanced file are."""
    for groups in _groups(header, index):
        if items := groups.get("PixelValueTransformationSequence"):
            found: Dataset = items[0]
            return found
    return header


def _groups(header: Dataset, index: int) -> Iterator[Dataset]:
    """The functional groups of one frame, then those of all frames."""
    yield header.PerFrameFunctionalGroupsSequence[index]
    if shared := header.get("SharedFunctionalGroupsSequence"):
        yield shared[0]


def _placed(file: DicomFile, index: int, number: int | None, values: Iterable[Any]) -> Frame | None:
    """A frame at a position, orientation and spacing; None where the header gives none that can be true."""
    place, cosines, steps = (_numbers(value, count) for value, count in zip(values, (3, 6, 2), strict=True))
    if place is None or cosines is None or steps is None or (steps <= 0).any():
        return None
    across, down = cosines[:3], cosines[3:]
    lengths = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(float(across @ down))) > _UNIT:
        return None
    across = across / lengths[0]
    down = down - (down @ across) * across  # rounded cosines are not quite perpendicular
    down = down / np.linalg.norm(down)
    return Frame(file, index, number, place, down, across, (float(steps[0]), float(steps[1])))


def _numbers(value: Any, count: int) -> Floats | None:
    """So many finite numbers; None where there are others."""
    try:
        numbers = np.array([float(part) for part in value], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def _as_text(value: Any) -> str:
    """A value such that equal ones have equal text; numbers to six digits."""
    if value is None:
        return ""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        try:
            return f"{float(value):.6g}"
        except (TypeError, ValueError, OverflowError):
            return str(value)
    return ",".join(_as_text(part) for part in value)
