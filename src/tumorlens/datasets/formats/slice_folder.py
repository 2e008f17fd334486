"""Folder with images/ and slices.csv, one row for each slice -> table of one class."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tumorlens.datasets.formats.class_folders import SUFFIXES
from tumorlens.datasets.formats.csv_rows import CsvRow, read_rows
from tumorlens.datasets.slice_origin import AcquisitionFacts
from tumorlens.datasets.table import Sample, Table
from tumorlens.datasets.volume_samples import NO_TUMOR
from tumorlens.errors import DataError

INDEX = "slices.csv"


@dataclass(frozen=True)
class SliceFolder:
    """A set of slices without a tumor, with a row for each in slices.csv.

    Attributes:
        name: of the set.
        images: number of images in the set. A folder without a stated set is taken for this one only if it has as
            many: a folder of someone else may have the same columns and kind of names, and tumors.
        image: the whole name of an image without its ending.
        columns: what is known -> the column that states it, of ``patient``, ``sequence`` and ``plane``.
        acquisition: what holds for all of its images; columns take precedence.
        notes: of the table.
    """

    name: str
    images: int
    image: re.Pattern[str]
    columns: Mapping[str, str] = field(default_factory=dict)
    acquisition: AcquisitionFacts = field(default_factory=AcquisitionFacts)
    notes: tuple[str, ...] = ()

    def recognizes(self, folder: Path) -> bool:
        """Whether slices.csv has the columns of this set, a row for each of its images, and no other names."""
        index = folder / INDEX
        if not index.is_file() or not (folder / "images").is_dir():
            return False
        try:
            rows = read_rows(index, ("image", *self.columns.values()))
        except (DataError, OSError):
            return False
        return len(rows) == self.images and all(self.image.fullmatch(row["image"]) for _, row in rows)

    def read(self, folder: Path) -> Table:
        """The table: all slices are of class no_tumor, each with its patient.

        Raises:
            DataError: no slices.csv, a column or an image is missing, a row without a patient, or an image that is not
                called like those of the set.
        """
        index = folder / INDEX
        if not index.is_file():
            raise DataError(file=folder, found=f"no {INDEX} found", expected=f"images/ and {INDEX}")
        files = {path.stem: path for path in (folder / "images").glob("*") if path.suffix.lower() in SUFFIXES}
        rows = read_rows(index, ("image", *self.columns.values()))
        samples = [self._sample(index, line, row, files) for line, row in rows]
        return Table(self.name, tuple(samples), (NO_TUMOR,), self.notes)

    def _sample(self, index: Path, line: int, row: CsvRow, files: Mapping[str, Path]) -> Sample:
        name, patient = row["image"], row[self.columns["patient"]]
        if not self.image.fullmatch(name):
            raise DataError(
                file=index,
                line=line,
                found=f"image '{name}', which is not of {self.name}",
                expected=f"names like {self.image.pattern}",
                advice="slices of your own need a table that states their class",
            )
        if name not in files:
            raise DataError(file=index, line=line, found=f"images/{name} does not exist", expected="an image each row")
        if not patient:
            raise DataError(file=index, line=line, found=f"slice {name} has no patient", expected="one for each")
        known = {key: row[column] for key, column in self.columns.items() if key != "patient"}
        acquisition = AcquisitionFacts(
            plane=known.get("plane") or self.acquisition.plane,
            sequence=known.get("sequence") or self.acquisition.sequence,
            contrast=self.acquisition.contrast,
            skull_stripped=self.acquisition.skull_stripped,
        )
        return Sample(
            id=f"{self.name}/{name}",
            image=files[name],
            label=NO_TUMOR,
            group=f"{self.name}:{patient}",
            acquisition=acquisition,
        )
