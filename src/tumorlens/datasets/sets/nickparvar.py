"""Nickparvar (2021, Kaggle): four classes, Training and Testing."""

from __future__ import annotations

from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.download.kaggle_download import get_kaggle
from tumorlens.datasets.formats.class_folders import read_classes
from tumorlens.datasets.table import Table

CLASSES = ("glioma", "meningioma", "pituitary", "no_tumor")
NOTES = ("nickparvar: no patient ids",)


def read(folder: Path) -> Table:
    """The table with the official split: Training -> train, Testing -> test.

    Raises:
        DataError: the folder holds other classes, or no images.
    """
    return read_classes(folder, "nickparvar", CLASSES, NOTES)


def recognizes(folder: Path) -> bool:
    """True for Training and Testing with a notumor folder."""
    return all((folder / subset / "notumor").is_dir() for subset in ("Training", "Testing"))


DATASET = Dataset(
    DatasetCard(
        name="nickparvar",
        summary="the most used public set: glioma, meningioma, pituitary, no tumor",
        images=7023,
        patients=None,
        classes=CLASSES,
        format="JPEG of mixed sizes and modes",
        layout="Training/<class>/*.jpg, Testing/<class>/*.jpg; glioma, meningioma, notumor, pituitary",
        license="CC0",
        citation="Nickparvar 2021, Brain Tumor MRI Dataset, Kaggle",
        homepage="https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset",
        problems=(
            "998 of 1,311 test images have a near-duplicate in Training, among them all 405 without tumor.",
            "4,751 of 5,023 tumor images are Figshare slices; every known test patient is in Training.",
            "7,023 files are about 3,600 different images; 2,000 'notumor' files are about 400.",
            "Four meningiomas are filed under pituitary (Tr-pi_0043, Tr-pi_0515, Tr-pi_0520, Te-piTr_0002).",
            "Image width and height alone separate glioma from no tumor in 99.5 % of cases.",
        ),
    ),
    read,
    recognizes,
    lambda folder, _progress: get_kaggle("masoudnickparvar/brain-tumor-mri-dataset", folder),
    order=20,
)
