"""Nickparvar's Kaggle set: four classes, Training and Testing."""

from __future__ import annotations

from pathlib import Path

from tumorlens.datasets.card import Dataset, DatasetCard
from tumorlens.datasets.download_kaggle import get_kaggle
from tumorlens.datasets.folder import read_classes
from tumorlens.datasets.types import Table

CLASSES = ("glioma", "meningioma", "pituitary", "no_tumor")
NOTES = (
    "nickparvar: no patient ids",
    "nickparvar: the official split leaks: 992 of 1,311 test images have a twin in Training, and every test "
    "image that can be traced to a patient shares that patient with Training",
)


def read(folder: Path) -> Table:
    """The table with the official split: Training -> train, Testing -> test.

    Raises:
        DataError: the folder holds other classes, or no pictures.
    """
    return read_classes(folder, "nickparvar", CLASSES, NOTES)


def recognises(folder: Path) -> bool:
    """True for Training and Testing with a notumor folder."""
    return all((folder / part / "notumor").is_dir() for part in ("Training", "Testing"))


DATASET = Dataset(
    DatasetCard(
        name="nickparvar",
        summary="the most used public set: glioma, meningioma, pituitary, no tumour",
        images=7023,
        patients=None,
        classes=CLASSES,
        format="JPEG of mixed sizes and modes",
        layout="Training/<class>/*.jpg, Testing/<class>/*.jpg; glioma, meningioma, notumor, pituitary",
        licence="CC0",
        citation="Nickparvar 2021, Brain Tumor MRI Dataset, Kaggle",
        homepage="https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset",
        problems=(
            "992 of 1,311 test images have a twin in Training, 403 of the 405 without tumour among them.",
            "4,750 of 5,023 tumour images are Figshare slices; no patient ids are given.",
            "7,023 files are 3,631 distinct pictures; 2,000 'notumor' files are 417.",
            "Four meningiomas are filed under pituitary (Tr-pi_0043, Tr-pi_0515, Tr-pi_0520, Te-piTr_0002).",
            "Picture width and height alone tell tumour from no tumour in 97.8 % of cases.",
        ),
    ),
    read,
    recognises,
    lambda folder, _progress: get_kaggle("masoudnickparvar/brain-tumor-mri-dataset", folder),
)
