"""CSV table with a column `volume` -> table of the slices of NIfTI volumes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tumorlens.datasets.formats.class_folders import class_name
from tumorlens.datasets.formats.csv_rows import CsvRow
from tumorlens.datasets.formats.nifti_names import sequence_of, stem_of
from tumorlens.datasets.table import Table
from tumorlens.datasets.volume_samples import LeftOut, VolumeEntry, volume_samples
from tumorlens.errors import DataError
from tumorlens.scan.volume import PLANES

VOLUME_COLUMNS = ("volume", "volume_path")
"""Either one makes the rows of a table volumes, where there is no column `image`."""


def volume_table(path: Path, rows: Sequence[tuple[int, CsvRow]]) -> Table:
    """The slices of the volumes that the rows name.

    Args:
        path: of the CSV file; the paths in it start from its folder.
        rows: with line numbers. ``mask``, ``patient`` (or ``group``), ``label``, ``plane`` and ``mask_labels`` (values
            of the mask that count as tumor, by default all but 0) are optional.

    Raises:
        DataError: a file is missing, a value cannot be one, or no volume can be read.
    """
    name = path.stem
    left_out = LeftOut()
    entries = [_entry(path, line, row) for line, row in rows]
    samples = volume_samples(entries, left_out)
    notes = left_out.notes(name)
    if not samples:
        advice = "; ".join(notes) or None
        raise DataError(file=path, found="no volume in it can be used", expected="NIfTI volumes", advice=advice)
    if unknown := sum(entry.group is None for entry in entries):
        notes += (f"{name}: {unknown} of {len(entries)} volumes name no patient; each counts as its own",)
    labels = {sample.label for sample in samples}
    return Table(name, samples, tuple(sorted(labels)), notes)


def _entry(path: Path, line: int, row: CsvRow) -> VolumeEntry:
    written = (row.get("volume") or row.get("volume_path") or "").replace("\\", "/")
    if not written:
        raise DataError(file=path, line=line, found="no volume", expected="the path of a NIfTI file in every row")
    plane = row.get("plane", "").lower()
    if plane not in (*PLANES, ""):
        raise DataError(file=path, line=line, found=f"plane '{plane}'", expected=f"one of {', '.join(PLANES)}, or none")
    patient = row.get("patient") or row.get("group")
    sequence = sequence_of(stem_of(PurePosixPath(written)))
    return VolumeEntry(
        id=f"{path.stem}/{written}",
        image=_file(path, line, written),
        mask=_file(path, line, row["mask"].replace("\\", "/")) if row.get("mask") else None,
        label=class_name(row["label"]) if row.get("label") else None,
        group=f"{path.stem}:{patient}" if patient else None,
        plane=plane or None,
        mask_labels=_labels(path, line, row.get("mask_labels", "")),
        sequence=row.get("sequence") or sequence.name,
        contrast=sequence.contrast,
    )


def _file(path: Path, line: int, name: str) -> Path:
    file = path.parent / name
    if not file.is_file():
        advice = "paths start from the table's folder"
        raise DataError(file=path, line=line, found=f"{file} does not exist", advice=advice)
    return file


def _labels(path: Path, line: int, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(value) for value in text.replace(",", " ").split())
    except ValueError:
        expected = "whole numbers with spaces between them"
        raise DataError(file=path, line=line, found=f"mask_labels '{text}'", expected=expected) from None
