"""Seed -> the DICOM study of one phantom patient: localizer, T1, T1 after contrast, T2, FLAIR, diffusion and CT.

The T1 after contrast is there three times: as one file a slice, as one enhanced multi-frame file, and as a mosaic.
The files are valid MR, enhanced MR and CT Image Storage. Their geometry is that of `render_volume`; nothing here
reads DICOM, so that a reader can be tested against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tumorlens._progress import ProgressOption, progress_of
from tumorlens.datasets.phantom.acquisition import PLANES
from tumorlens.datasets.phantom.phantom_folder import SEEDS_PER_SET, folder_once_complete
from tumorlens.datasets.phantom.phantom_multiframe import enhanced_image, mosaic_image
from tumorlens.datasets.phantom.phantom_volume import WHITE, PhantomVolume, render_volume
from tumorlens.datasets.phantom.render import PHANTOM_CLASSES

if TYPE_CHECKING:
    from pydicom import Dataset

_DATE, _TIME = "20260101", "120000"


@dataclass(frozen=True)
class PhantomSeries:
    """What the headers of one series say.

    Attributes:
        number: of the series.
        description: of the series.
        sequences: a volume of each is in the series, as in `SEQUENCES`.
        planes: of the volumes.
        slices: of each volume.
        modality: ``"MR"`` or ``"CT"``.
        tags: keyword -> value of further tags, in every image.
        b_values: one for each volume of a diffusion series, s/mm2.
        storage: ``"single-frame"``, one file a slice; ``"enhanced"`` or ``"mosaic"``, all slices in one file.
    """

    number: int
    description: str
    sequences: tuple[str, ...]
    planes: tuple[str, ...] = ("axial",)
    slices: int | None = None
    modality: str = "MR"
    tags: tuple[tuple[str, Any], ...] = ()
    b_values: tuple[float, ...] = ()
    storage: str = "single-frame"


def _spin_echo(repetition: float, echo: float, *more: tuple[str, Any]) -> tuple[tuple[str, Any], ...]:
    return (
        ("ScanningSequence", "SE"),
        ("SequenceVariant", "NONE"),
        ("RepetitionTime", repetition),
        ("EchoTime", echo),
        *more,
    )


_T1_POST = _spin_echo(550.0, 12.0, ("ContrastBolusAgent", "gadolinium chelate, simulated"))

STUDY_SERIES = (
    PhantomSeries(
        1, "localizer", ("T1",), PLANES, 3,
        tags=(*_spin_echo(20.0, 5.0), ("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"])),
    ),
    PhantomSeries(2, "T1 axial", ("T1",), tags=_spin_echo(550.0, 12.0)),
    PhantomSeries(3, "T1 axial post contrast", ("T1 post",), tags=_T1_POST),
    PhantomSeries(4, "T2 axial", ("T2",), tags=_spin_echo(4500.0, 100.0)),
    PhantomSeries(
        5, "FLAIR axial", ("FLAIR",),
        tags=(*_spin_echo(9000.0, 100.0, ("InversionTime", 2500.0)), ("ScanningSequence", ["SE", "IR"])),
    ),
    PhantomSeries(
        6, "DWI axial", ("T2", "DWI"),
        tags=(*_spin_echo(5000.0, 80.0), ("ScanningSequence", "EP")), b_values=(0.0, 1000.0),
    ),
    PhantomSeries(7, "CT head", ("CT",), modality="CT"),
    PhantomSeries(8, "T1 axial post contrast enhanced", ("T1 post",), tags=_T1_POST, storage="enhanced"),
    PhantomSeries(9, "T1 axial post contrast mosaic", ("T1 post",), tags=_T1_POST, storage="mosaic"),
)  # fmt: skip
"""The series of a study, in the order of their acquisition."""


def phantom_study(
    folder: Path,
    *,
    label: str = "glioma",
    seed: int = 0,
    slices: int = 24,
    gap: float = 5.0,
    size: int = 192,
    series: Sequence[PhantomSeries] = STUDY_SERIES,
) -> Path:
    """Write a study as DICOM files, ``FOLDER/NUMBER_DESCRIPTION/IMAGE.dcm``. Names and identifiers are made up.

    Args:
        folder: to write; must not exist yet, or be empty.
        label: class of the phantom.
        seed: of the phantom; the same seed gives the same files.
        slices: of each volume of 3D series; a localizer has three in each plane.
        gap: millimeters between the centers of neighboring slices.
        size: height and width in pixels.
        series: of the study.

    Returns:
        The folder.

    Raises:
        DataError: the folder is not empty, or a number is out of range.
    """
    with folder_once_complete(folder) as unfinished:
        for one in series:
            place = unfinished / f"{one.number:02d}_{one.description.replace(' ', '_')}"
            place.mkdir()
            for i, image in enumerate(series_images(one, label=label, seed=seed, slices=slices, gap=gap, size=size), 1):
                image.save_as(place / f"{i:04d}.dcm", enforce_file_format=True)
    return folder


def phantom_studies(
    folder: Path,
    *,
    patients: int = 1,
    seed: int = 0,
    slices: int = 24,
    size: int = 192,
    progress: ProgressOption = None,
) -> Path:
    """Write a study of each of several phantoms, ``FOLDER/PATIENT/SERIES/IMAGE.dcm``; their classes alternate.

    Args:
        folder: to write; must not exist yet, or be empty.
        patients: number of studies.
        seed: the same seed gives the same files; other seeds give other patients.
        slices: of each volume of 3D series.
        size: height and width in pixels.
        progress: a callable, True for bars, None for silence.

    Returns:
        The folder.

    Raises:
        DataError: the folder is not empty, or a number is out of range.
    """
    with folder_once_complete(folder) as unfinished, progress_of(progress) as shown:
        for i in range(patients):
            label, number = PHANTOM_CLASSES[i % len(PHANTOM_CLASSES)], seed * SEEDS_PER_SET + i
            phantom_study(unfinished / f"phantom{number:07d}", label=label, seed=number, slices=slices, size=size)
            shown("writing studies", i + 1, patients)
    return folder


def series_images(
    series: PhantomSeries, *, label: str = "glioma", seed: int = 0, slices: int = 24, gap: float = 5.0, size: int = 192
) -> Iterator[Dataset]:
    """The images of one series, in the order of their acquisition; arguments as in `phantom_study`.

    One that is enhanced or a mosaic has a single image.
    """
    images = _slice_images(series, label, seed, slices, gap, size)
    if series.storage == "enhanced":
        all_images = list(images)
        yield enhanced_image(all_images, uid=_uid(all_images[0].SeriesInstanceUID, "dimensions"))
    elif series.storage == "mosaic":
        yield mosaic_image(list(images))
    else:
        yield from images


def _slice_images(
    series: PhantomSeries, label: str, seed: int, slices: int, gap: float, size: int
) -> Iterator[Dataset]:
    """One image of each slice."""
    number = 0
    for plane in series.planes:
        for i, sequence in enumerate(series.sequences):
            volume = render_volume(
                label,
                seed,
                plane=plane,
                slices=series.slices or slices,
                gap=4 * gap if series.slices else gap,
                size=size,
                sequence=sequence,
            )
            for image in volume_images(volume, series, number + 1):
                number += 1
                if series.b_values:
                    image.DiffusionBValue = series.b_values[i]
                yield image


def volume_images(volume: PhantomVolume, series: PhantomSeries, first: int = 1) -> Iterator[Dataset]:
    """One single-frame image of each slice of a volume, in a series.

    Args:
        volume: of any plane and tilt.
        series: what the headers say; `sequences`, `planes` and `b_values` are not used.
        first: instance number of the first slice.
    """
    for position in range(len(volume.voxels)):
        yield _image(volume, position, series, first + position)


def _image(volume: PhantomVolume, position: int, series: PhantomSeries, number: int) -> Dataset:
    """One slice as a DICOM data set with its file header."""
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

    storage = CTImageStorage if series.modality == "CT" else MRImageStorage
    image = Dataset()
    image.SOPClassUID = storage
    image.SOPInstanceUID = _uid(volume.patient, volume.label, series.number, number)
    image.InstanceNumber = number
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if series.modality == "CT" else "OTHER"]
    _add_study(image, volume, series)
    _add_plane(image, volume, position)
    _add_pixels(image, volume.voxels[position], series.modality)
    for keyword, value in series.tags:
        setattr(image, keyword, value)
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = storage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.ImplementationClassUID = UID(_uid("tumorlens"))
    return image


def _add_study(image: Dataset, volume: PhantomVolume, series: PhantomSeries) -> None:
    """Patient, study, series and equipment."""
    image.PatientName = f"Phantom^{volume.patient.removeprefix('phantom')}"
    image.PatientID, image.PatientBirthDate, image.PatientSex = volume.patient, "", ""
    image.PatientIdentityRemoved, image.DeidentificationMethod = "YES", "synthetic phantom, there is no patient"
    image.StudyInstanceUID = _uid(volume.patient, volume.label)
    image.StudyDate = image.SeriesDate = image.ContentDate = _DATE
    image.StudyTime = image.SeriesTime = image.ContentTime = _TIME
    image.ReferringPhysicianName = image.AccessionNumber = ""
    image.StudyID, image.StudyDescription = "1", "MRI of a phantom head"
    image.SeriesInstanceUID = _uid(volume.patient, volume.label, series.number)
    image.SeriesNumber, image.SeriesDescription = series.number, series.description
    image.Modality, image.BodyPartExamined, image.PatientPosition = series.modality, "HEAD", "HFS"
    image.Manufacturer, image.ManufacturerModelName = "tumorlens", "phantom"
    image.FrameOfReferenceUID, image.PositionReferenceIndicator = _uid(volume.patient, "frame"), ""


def _add_plane(image: Dataset, volume: PhantomVolume, position: int) -> None:
    """Where the slice is, in LPS millimeters."""
    between, rows, columns = volume.spacing
    cosines = [*(volume.affine[:3, 2] / columns), *(volume.affine[:3, 1] / rows)]
    corner = volume.affine @ [position, 0.0, 0.0, 1.0]
    image.ImageOrientationPatient = [_decimal(value) for value in cosines]
    image.ImagePositionPatient = [_decimal(value) for value in corner[:3]]
    image.PixelSpacing = [_decimal(rows), _decimal(columns)]
    image.SliceThickness = _decimal(min(volume.thickness, between))
    image.SpacingBetweenSlices = _decimal(between)


def _add_pixels(image: Dataset, pixels: np.ndarray[Any, np.dtype[np.uint16]], modality: str) -> None:
    """Gray values, and what the modality requires beside them."""
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = pixels.shape
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.PixelData = pixels.astype("<u2").tobytes()
    if modality == "CT":
        image.RescaleIntercept, image.RescaleSlope, image.RescaleType = -1024, 1, "HU"
        image.KVP, image.AcquisitionNumber = 120, 1
        del image.SpacingBetweenSlices
        return
    image.ScanOptions, image.MRAcquisitionType, image.EchoTrainLength = "", "2D", 1
    image.MagneticFieldStrength = 1.5
    image.WindowCenter, image.WindowWidth = WHITE // 3, 2 * WHITE // 3


def _decimal(value: float) -> str:
    """A number in at most 16 characters, as DICOM stores it."""
    return f"{value:.9g}" if abs(value) >= 1e-4 else f"{value:.9f}"


def _uid(*parts: object) -> str:
    """An identifier that depends on the parts alone."""
    digest = sha256("/".join(map(str, ("tumorlens phantom", *parts))).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"
