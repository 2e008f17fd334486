"""Navoneel (Chakrabarty 2019, Kaggle): tumor yes or no."""

from __future__ import annotations

from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.download.kaggle_download import get_kaggle
from tumorlens.datasets.formats.class_folders import image_files
from tumorlens.datasets.table import Sample, Table
from tumorlens.errors import DataError

CLASSES = ("no_tumor", "tumor")
_FOLDERS = {"no": "no_tumor", "yes": "tumor"}
NOTES = ("navoneel: no patient ids",)


def read(folder: Path) -> Table:
    """The table of the folders ``yes`` and ``no``.

    Raises:
        DataError: one of the two is missing or empty.
    """
    samples = []
    for name, label in _FOLDERS.items():
        images = image_files(folder / name) if (folder / name).is_dir() else []
        if not images:
            raise DataError(file=folder, found=f"no images in {name}/ found", expected="some in yes/ and in no/")
        samples += [Sample(f"navoneel/{name}/{image.name}", image, label) for image in images]
    return Table("navoneel", tuple(samples), CLASSES, NOTES)


DATASET = Dataset(
    DatasetCard(
        name="navoneel",
        summary="tumor yes / no; small, and collected from the web",
        images=253,
        patients=None,
        classes=CLASSES,
        format="JPEG and PNG in L, RGB, RGBA and palette; six PNGs are named .jpg",
        layout="yes/* (155 files) and no/* (98 files)",
        license="see Kaggle",
        citation="Chakrabarty 2019, Brain MRI Images for Brain Tumor Detection, Kaggle",
        homepage="https://www.kaggle.com/datasets/navoneel/brain-mri-images-for-brain-tumor-detection",
        problems=(
            "253 files are 199 different images.",
            "No patient ids, mixed sequences and sources; at n = 50 an accuracy of 0.88 means 0.76 to 0.94.",
        ),
    ),
    read,
    lambda folder: (folder / "yes").is_dir() and (folder / "no").is_dir(),
    lambda folder, _progress: get_kaggle("navoneel/brain-mri-images-for-brain-tumor-detection", folder),
    order=40,
)
