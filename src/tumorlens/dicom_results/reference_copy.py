"""Headers of a series -> a clean copy that writers accept: identity, study and geometry, and nothing else.

Real headers hold dates of ``***``, ages of ``42`` and cosines that differ by 6e-8 from slice to slice. What cannot be
true is left empty; what was removed from a de-identified source is not brought back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from tumorlens.errors import DicomResultError
from tumorlens.scan.dicom.dicom_file import quiet
from tumorlens.scan.dicom.frames import frame_value
from tumorlens.scan.volume import Volume

if TYPE_CHECKING:
    from pydicom import Dataset

_MOVED = 0.25  # of the distance of slices that a stored position may differ from that of the volume
_SPACING = 1e-2  # share by which the stored spacing may differ from that of the volume
_NAMES = ("PatientName", "ReferringPhysicianName")
_TEXTS = ("PatientID", "AccessionNumber", "StudyID")
_OPTIONAL = (
    "IssuerOfPatientID",
    "StudyDescription",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "LongitudinalTemporalInformationModified",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
_HEAD = ("HEAD", "BRAIN", "SKULL")


@dataclass(frozen=True, eq=False)
class SourceReference:
    """The images that a result belongs to.

    Attributes:
        headers: clean copies without pixels, one for each slice in the order of the volume; of a file with several
            frames one, with the frames of the volume in its order.
        frames: for each slice the number of its frame in the file, counted from 1; None where each file has one.
    """

    headers: tuple[Dataset, ...]
    frames: tuple[int, ...] | None = None

    @property
    def first(self) -> Dataset:
        """The header of the first slice, or of the file with all of them."""
        return self.headers[0]

    def header(self, index: int) -> Dataset:
        """The header of the file that holds a slice.

        Args:
            index: of the slice in the volume.
        """
        return self.headers[index if self.frames is None else 0]

    def frame_numbers(self, index: int) -> list[int] | None:
        """The frame that holds a slice, as references name it; None where the file has a single image."""
        return None if self.frames is None else [self.frames[index]]


def reference_copy(volume: Volume) -> SourceReference:
    """Copy what results need of the headers of a volume.

    Args:
        volume: read from DICOM files.

    Raises:
        DicomResultError: it was not read from DICOM files, an image has no identifier of its own, the slices are in
            several files with several frames, or the spacing is not that of the headers.

    Example:
        >>> import tumorlens
        >>> from tumorlens.dicom_results.reference_copy import reference_copy
        >>> volume = tumorlens.read_volume("phantom-study", series=4)  # made by: tumorlens data phantom --study
        >>> reference = reference_copy(volume)
        >>> len(reference.headers), reference.frames, "PixelData" in reference.first
        (24, None, False)
    """
    with quiet():
        sources = _headers(volume)
        common = _common(sources[0], volume)
        positions = [_position(header, source.frame) for header, source in zip(sources, volume.sources, strict=True)]
        _check_geometry(volume, np.array(positions))
        if volume.sources[0].frame is None:
            images = zip(sources, positions, strict=True)
            return SourceReference(tuple(_single(common, header, position) for header, position in images))
        frames = tuple(source.frame or 1 for source in volume.sources)
        return SourceReference((_multiframe(common, sources[0], positions),), frames)


def _headers(volume: Volume) -> list[Dataset]:
    """The header of each slice.

    Raises:
        DicomResultError: as `reference_copy`, but for the spacing.
    """
    headers = [source.header for source in volume.sources if source.header is not None]
    if len(headers) != len(volume) or not headers:
        raise DicomResultError(
            "was not read from DICOM files",
            file=volume.path,
            expected="a DICOM series, for results as DICOM objects",
            advice="write the result as NIfTI",
        )
    for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        if not all(str(header.get(keyword) or "").strip() for header in headers):
            raise DicomResultError(
                f"an image has no {keyword}", file=volume.path, expected="images that a result can refer to"
            )
    files = {str(header.SOPInstanceUID) for header in headers}
    several = volume.sources[0].frame is not None
    if several and len(files) > 1:
        raise DicomResultError(
            f"its slices are in {len(files)} files with several frames each",
            file=volume.path,
            expected="one file with all frames, or one file a slice",
        )
    if not several and len(files) < len(headers):
        raise DicomResultError(
            "several images have one SOPInstanceUID", file=volume.path, expected="an identifier of each image"
        )
    return headers


def _position(header: Dataset, frame: int | None) -> list[float]:
    """The stored position of a slice."""
    if frame is None:
        return [float(value) for value in header.ImagePositionPatient]
    value = frame_value(header, frame - 1, "PlanePositionSequence", "ImagePositionPatient")
    return [float(part) for part in value]


def _check_geometry(volume: Volume, positions: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """Check that a viewer, which goes by the headers, shows a result where the volume is.

    Raises:
        DicomResultError: the user gave another spacing than the headers.
    """
    gap = float(np.linalg.norm(volume.slice_step))
    header = volume.sources[0].header
    assert header is not None
    frame = volume.sources[0].frame
    stored = (
        header.PixelSpacing
        if frame is None
        else frame_value(header, frame - 1, "PixelMeasuresSequence", "PixelSpacing")
    )
    steps = [float(np.linalg.norm(step)) for step in (volume.row_step, volume.column_step)]
    moved = float(np.abs(volume.origins - positions).max())
    if moved > _MOVED * gap or not np.allclose(steps, [float(mm) for mm in stored], rtol=_SPACING):
        raise DicomResultError(
            "the spacing is not that of the headers",
            file=volume.path,
            expected="the spacing of the headers, by which viewers place DICOM objects",
            advice="leave out --spacing, or write the result as NIfTI",
        )


def _common(source: Dataset, volume: Volume) -> Dataset:
    """Patient, study, series and geometry, the same for all images."""
    from pydicom import Dataset
    from pydicom.valuerep import PersonName

    copy = Dataset()
    for keyword in _NAMES:
        setattr(copy, keyword, PersonName(_text(source.get(keyword))))
    for keyword in _TEXTS:
        setattr(copy, keyword, _text(source.get(keyword)))
    for keyword in _OPTIONAL:
        if value := source.get(keyword):
            setattr(copy, keyword, _several(value))
    if codes := source.get("DeidentificationMethodCodeSequence"):
        copy.DeidentificationMethodCodeSequence = deepcopy(codes)
    copy.PatientBirthDate, copy.StudyDate = (_date(source.get(name)) for name in ("PatientBirthDate", "StudyDate"))
    copy.StudyTime = _time(source.get("StudyTime"))
    sex = _text(source.get("PatientSex"))
    copy.PatientSex = sex if sex in ("M", "F", "O") else ""
    if re.fullmatch(r"\d{3}[DWMY]", age := _text(source.get("PatientAge"))):
        copy.PatientAge = age
    copy.StudyInstanceUID = str(source.StudyInstanceUID).strip()
    copy.SeriesInstanceUID = series = str(source.SeriesInstanceUID).strip()
    copy.Modality = _text(source.get("Modality")) or "MR"
    part = _text(source.get("BodyPartExamined")).upper()
    copy.BodyPartExamined = part if part in _HEAD else "HEAD"
    copy.FrameOfReferenceUID = _text(source.get("FrameOfReferenceUID")) or derived_uid(series, "frame of reference")
    copy.PositionReferenceIndicator = _text(source.get("PositionReferenceIndicator"))
    _, copy.Rows, copy.Columns = volume.size
    _add_plane(copy, source, volume)
    return copy


def _add_plane(copy: Dataset, source: Dataset, volume: Volume) -> None:
    """Spacing and orientation of the stack: one for all images."""
    steps = (volume.column_step, volume.row_step)
    copy.ImageOrientationPatient = decimals([value for step in steps for value in step / np.linalg.norm(step)])
    copy.PixelSpacing = decimals([float(np.linalg.norm(step)) for step in (volume.row_step, volume.column_step)])
    gap = abs(float(volume.slice_step @ volume.normal))
    frame = volume.sources[0].frame
    stored = (
        source.get("SliceThickness")
        if frame is None
        else frame_value(source, frame - 1, "PixelMeasuresSequence", "SliceThickness")
    )
    thickness = _positive(stored)
    (copy.SliceThickness,) = decimals([thickness or gap])
    if len(volume) > 1 and not volume.irregular:
        (copy.SpacingBetweenSlices,) = decimals([gap])


def _positive(value: Any) -> float | None:
    """A number above 0; None where there is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number < np.inf else None


def _single(common: Dataset, source: Dataset, position: Sequence[float]) -> Dataset:
    """One image of a series with one file a slice."""
    from pydicom import Dataset

    copy = Dataset()
    copy.update(common)
    _add_identity(copy, source)
    copy.ImagePositionPatient = decimals(position)
    return copy


def _multiframe(common: Dataset, source: Dataset, positions: Sequence[Sequence[float]]) -> Dataset:
    """A file with several frames: those of the volume alone, in its order."""
    from pydicom import Dataset

    copy = Dataset()
    copy.update(common)
    _add_identity(copy, source)
    measures, plane, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = copy.PixelSpacing, copy.SliceThickness
    if "SpacingBetweenSlices" in copy:
        measures.SpacingBetweenSlices = copy.SpacingBetweenSlices
        del copy.SpacingBetweenSlices
    plane.ImageOrientationPatient = copy.ImageOrientationPatient
    del copy.PixelSpacing, copy.SliceThickness, copy.ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [plane]
    copy.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for position in positions:
        place, group = Dataset(), Dataset()
        place.ImagePositionPatient = decimals(position)
        group.PlanePositionSequence = [place]
        groups.append(group)
    copy.PerFrameFunctionalGroupsSequence = groups
    copy.NumberOfFrames = len(groups)
    return copy


def _add_identity(copy: Dataset, source: Dataset) -> None:
    copy.SOPClassUID, copy.SOPInstanceUID = str(source.SOPClassUID).strip(), str(source.SOPInstanceUID).strip()


def derived_uid(*parts: object) -> str:
    """An identifier that depends on the parts alone, under 2.25 (DICOM PS3.5, B.2)."""
    digest = sha256("/".join(map(str, ("tumorlens", *parts))).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _text(value: Any) -> str:
    """A value as text; values of several parts are joined by spaces."""
    if value is None:
        return ""
    parts = [value] if isinstance(value, str) or not isinstance(value, (list, tuple, Sequence)) else value
    return " ".join(str(part) for part in parts).strip()


def _several(value: Any) -> str | list[str]:
    """A value as text, or as several texts."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return str(value)
    return [str(part) for part in value]


def _date(value: Any) -> str:
    """A date as YYYYMMDD; empty where it is none."""
    return _as(_text(value), "%Y%m%d", 8)


def _time(value: Any) -> str:
    """A time as HHMMSS, with its fraction; empty where it is none."""
    text = _text(value)
    whole, _, fraction = text.partition(".")
    formats = {2: "%H", 4: "%H%M", 6: "%H%M%S"}
    if len(whole) not in formats or not _as(whole, formats[len(whole)], len(whole)):
        return ""
    return f"{whole}.{fraction}" if len(whole) == 6 and re.fullmatch(r"\d{1,6}", fraction) else whole


def _as(text: str, form: str, length: int) -> str:
    """The text if it has this form of `strptime`, else nothing."""
    if not re.fullmatch(rf"\d{{{length}}}", text):
        return ""
    try:
        datetime.strptime(text, form)
    except ValueError:
        return ""
    return text


def decimals(values: Sequence[float]) -> list[str]:
    """Numbers in at most 16 characters, as DICOM stores them."""
    from pydicom.valuerep import format_number_as_ds

    return [format_number_as_ds(float(value)) for value in values]
