"""Distinct images without a tumor, to be pooled with any set that has only tumors."""

from __future__ import annotations

from collections import Counter
from importlib import resources
from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.class_folders import image_files
from tumorlens.datasets.formats.csv_rows import read_rows
from tumorlens.datasets.table import Sample, Table
from tumorlens.errors import DataError

NOTES = (
    "no_tumor: no patient ids; its images come from other scanners, sequences and sizes than the images with "
    "tumors, so a network can separate them without the brain",
)


def read(folder: Path) -> Table:
    """The table of ``images/*``, all of one class, without those that no_tumor_left_out.csv lists.

    Raises:
        DataError: there is no images folder, or it is empty.
    """
    images = image_files(folder / "images") if (folder / "images").is_dir() else []
    if not images:
        raise DataError(file=folder, found="no images in images/ found", expected="images/* and images.csv")
    reasons = _left_out()
    samples = tuple(Sample(f"no_tumor/{i.name}", i, "no_tumor") for i in images if i.name not in reasons)
    counts = Counter(reasons[image.name].split(":")[0] for image in images if image.name in reasons)
    left = tuple(f"no_tumor: {n} images left out: {reason}" for reason, n in sorted(counts.items()))
    return Table("no_tumor", samples, ("no_tumor",), NOTES + left)


def _left_out() -> dict[str, str]:
    """Name of an image that is CT or may show a tumor -> the reason; all images were looked at."""
    with resources.as_file(resources.files("tumorlens.datasets.sets") / "no_tumor_left_out.csv") as path:
        return {row["file"]: row["reason"] for _, row in read_rows(path, ("file", "reason"))}


DATASET = Dataset(
    DatasetCard(
        name="no_tumor",
        summary="one representative of each distinct 'notumor' image of the Nickparvar set",
        images=417,
        patients=None,
        classes=("no_tumor",),
        format="JPEG, mixed sequences, sizes and color modes",
        layout="images/*.jpg and images.csv (file, copies_in_nickparvar)",
        license="CC0",
        citation="Nickparvar 2021, Brain Tumor MRI Dataset, Kaggle",
        homepage="https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset",
        problems=(
            "42 images are left out, by name: 23 are CT, and 19 may show a tumor (no_tumor_left_out.csv).",
            "Other scanners, sequences and sizes than the tumor sets that it is pooled with: a shortcut.",
        ),
    ),
    read,
    lambda folder: (folder / "images.csv").is_file() and (folder / "images").is_dir(),
    order=50,
)
