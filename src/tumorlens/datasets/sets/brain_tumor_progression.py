"""Brain-Tumor-Progression (TCIA): glioblastoma, T1 after contrast, with masks of the enhancing rim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.table import Table
from tumorlens.datasets.volume_samples import NO_TUMOR, LeftOut, VolumeEntry, volume_samples
from tumorlens.errors import DataError

_NAME = "brain_tumor_progression"
_TIMES = ("Pre", "Post")
_SMALLEST = 20
"""Pixels: slices in which less of a tumor is marked are neither positive nor negative."""


def read(folder: Path) -> Table:
    """The axial slices of all volumes; the masks of the enhancing rim are filled slice by slice.

    Raises:
        DataError: no volume can be read.
    """
    left_out = LeftOut()
    samples = volume_samples(list(_entries(folder)), left_out)
    notes = left_out.notes(_NAME)
    if not samples:
        expected = "NN/Pre_Scan_T1.nii.gz, NN/Pre_Mask.nii.gz and the same with Post"
        raise DataError(file=folder, found="no volume can be used", expected=expected, advice="; ".join(notes) or None)
    note = f"{_NAME}: masks of the enhancing rim are filled; slices with fewer than {_SMALLEST} pixels are left out"
    return Table(_NAME, samples, ("glioma", NO_TUMOR), (note, *notes))


def _entries(folder: Path) -> Iterator[VolumeEntry]:
    for patient in sorted(path for path in folder.glob("[0-9][0-9]") if path.is_dir()):
        for time in _TIMES:
            image, mask = patient / f"{time}_Scan_T1.nii.gz", patient / f"{time}_Mask.nii.gz"
            if image.is_file() and mask.is_file():
                yield VolumeEntry(
                    id=f"{_NAME}/{patient.name}/{time}",
                    image=image,
                    mask=mask,
                    label="glioma",
                    group=f"{_NAME}:{patient.name}",
                    study=f"{patient.name}/{time}",
                    sequence="T1 after contrast",
                    contrast=True,
                    skull_stripped=False,
                    filled=True,
                    smallest=_SMALLEST,
                )


DATASET = Dataset(
    DatasetCard(
        name=_NAME,
        summary="glioblastoma before and after progression, whole heads, T1 after contrast",
        images=None,
        patients=20,
        classes=("glioma", NO_TUMOR),
        format="NIfTI",
        layout="NN/Pre_Scan_T1.nii.gz, NN/Pre_Mask.nii.gz, NN/Post_Scan_T1.nii.gz, NN/Post_Mask.nii.gz",
        license="CC BY 3.0",
        citation="Schmainda and Prah 2018, Brain-Tumor-Progression, TCIA, 10.7937/K9/TCIA.2018.15quzvnb",
        homepage="https://www.cancerimagingarchive.net/collection/brain-tumor-progression/",
        problems=(
            "The masks show the enhancing rim alone: they are filled before use.",
            "Converted copies state no true voxel size.",
        ),
    ),
    read,
    lambda folder: any(folder.glob("[0-9][0-9]/Pre_Scan_T1.nii.gz")) and any(folder.glob("[0-9][0-9]/Pre_Mask.nii.gz")),
    order=55,
)
