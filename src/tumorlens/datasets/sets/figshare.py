"""Figshare (Cheng 2017), T1 contrast-enhanced slices: the original .mat files, or images, masks and patients.csv."""

from __future__ import annotations

import re
from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.download.figshare_download import get_figshare
from tumorlens.datasets.formats.csv_rows import read_rows
from tumorlens.datasets.table import Sample, Table
from tumorlens.errors import DataError
from tumorlens.scan import read_figshare

CLASSES = ("glioma", "meningioma", "pituitary")
_LABELS = {1: "meningioma", 2: "glioma", 3: "pituitary"}
_STUDY_LETTER = re.compile(r"^(.*\d)[A-Z]$")


def patient_group(patient_id: str) -> str:
    """The patient behind an id: MR040240B is most likely a second study of MR040240."""
    match = _STUDY_LETTER.match(patient_id)
    return match[1] if match else patient_id


def read(folder: Path) -> Table:
    """The table of either layout; ids are ``figshare/<slice number>`` in both.

    Raises:
        DataError: the folder has neither layout, patients.csv lacks a column or a patient, or it names an
            image that is missing.
        ScanError: a .mat file that cannot be read.
    """
    if _has_csv(folder):
        samples = _from_csv(folder / "patients.csv")
    elif files := _mat_files(folder):
        samples = [_from_mat(path) for path in files]
    else:
        raise DataError(
            file=folder,
            found="neither patients.csv with images/ nor numbered .mat files found",
            expected="the Figshare set",
            advice="fetch it with: tumorlens data get figshare",
        )
    return Table("figshare", tuple(samples), CLASSES)


def _from_csv(index: Path) -> list[Sample]:
    samples = []
    for line, row in read_rows(index, ("slice", "label", "patient_id")):
        number = row["slice"]
        group = row.get("patient_group") or patient_group(row["patient_id"])
        if not group:
            raise DataError(file=index, line=line, found=f"slice {number} has no patient_id", expected="one for each")
        image, mask = (index.parent / name for name in (f"images/{number}.jpg", f"masks/{number}.png"))
        if not image.is_file():
            raise DataError(file=index, line=line, found=f"{image} does not exist", expected="the image of each row")
        samples.append(
            Sample(
                id=f"figshare/{number}",
                image=image,
                label=row["label"],
                mask=mask if mask.is_file() else None,
                group=f"figshare:{group}",
            )
        )
    return samples


def _from_mat(path: Path) -> Sample:
    record = read_figshare(path)
    group = patient_group(record.patient_id)
    return Sample(f"figshare/{path.stem}", path, _LABELS[record.label], path, f"figshare:{group}")


def _has_csv(folder: Path) -> bool:
    return (folder / "patients.csv").is_file() and (folder / "images").is_dir()


def _mat_files(folder: Path) -> list[Path]:
    return [p for p in folder.glob("*.mat") if p.stem.isdigit()]


DATASET = Dataset(
    DatasetCard(
        name="figshare",
        summary="T1 contrast-enhanced slices of three tumors, with the radiologists' outlines",
        images=3064,
        patients=233,
        classes=CLASSES,
        format="MATLAB v7.3 (.mat), 512x512 16-bit; or JPEG + PNG masks + patients.csv",
        layout="1.mat ... 3064.mat; or images/N.jpg, masks/N.png, patients.csv",
        license="CC BY 4.0",
        citation="Cheng 2017, brain tumor dataset, figshare 1512427; Cheng et al. 2015, PLoS ONE 10:e0140381",
        homepage="https://figshare.com/articles/dataset/brain_tumor_dataset/1512427",
        problems=(
            "233 patient ids, some of them repeat studies of one patient: grouped by the id without its letter.",
            "13 neighboring slices per patient on average: an image-level split puts most test patients into train.",
            "Classes differ in plane and location (pituitary low and central), so position alone predicts much.",
        ),
    ),
    read,
    lambda folder: _has_csv(folder) or bool(_mat_files(folder)),
    lambda folder, progress: get_figshare(folder, progress=progress),
    order=10,
)
