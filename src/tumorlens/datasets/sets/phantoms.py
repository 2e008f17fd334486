"""Synthetic phantoms: a folder that `tumorlens data phantom` wrote, see `tumorlens.datasets.phantom`."""

from __future__ import annotations

from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.csv_rows import read_rows
from tumorlens.datasets.phantom import PHANTOM_CLASSES
from tumorlens.datasets.table import Sample, Table
from tumorlens.errors import DataError

NOTES = ("phantom: synthetic images; results on them say nothing about patients",)


def read(folder: Path) -> Table:
    """The table of a folder with phantom.csv.

    Raises:
        DataError: there is no phantom.csv, or it names an image that is missing.
    """
    index = folder / "phantom.csv"
    if not index.is_file():
        raise DataError(
            file=folder, found="no phantom.csv found", advice="make phantoms with: tumorlens data phantom FOLDER"
        )
    samples = []
    for line, row in read_rows(index, ("image", "mask", "label", "patient")):
        image = folder / row["image"]
        if not image.is_file():
            raise DataError(file=index, line=line, found=f"{image} does not exist", expected="the image of each row")
        samples.append(
            Sample(
                id=f"phantom/{row['image']}",
                image=image,
                label=row["label"],
                mask=folder / row["mask"] if row["mask"] else None,
                group=f"phantom:{row['patient']}",
            )
        )
    return Table("phantom", tuple(samples), PHANTOM_CLASSES, NOTES)


DATASET = Dataset(
    DatasetCard(
        name="phantom",
        summary="synthetic heads of tumorlens, for tests, demonstrations and documentation",
        images=None,
        patients=None,
        classes=PHANTOM_CLASSES,
        format="8-bit PNG with masks",
        layout="images/*.png, masks/*.png, phantom.csv; written by: tumorlens data phantom FOLDER",
        license="CC0",
        citation="none; made by tumorlens",
        problems=("Not patients: results on phantoms only show that the software works.",),
    ),
    read,
    lambda folder: (folder / "phantom.csv").is_file(),
    order=60,
)
