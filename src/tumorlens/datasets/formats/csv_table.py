"""CSV file <-> table: one comment line above the header holds the classes and the split plan."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tumorlens._files import atomic_write
from tumorlens.datasets.formats.class_folders import SPLIT_NAMES, class_name
from tumorlens.datasets.formats.csv_rows import CsvRow, read_rows
from tumorlens.datasets.formats.volume_rows import VOLUME_COLUMNS, volume_table
from tumorlens.datasets.reference_masks import MaskLocation
from tumorlens.datasets.slice_origin import COLUMNS as ORIGIN_COLUMNS
from tumorlens.datasets.slice_origin import AcquisitionFacts, SliceOrigin, cells, from_cells
from tumorlens.datasets.table import Sample, SplitPlan, Table, check_groups
from tumorlens.errors import DataError
from tumorlens.scan.slice_location import file_of

_MARK = "# tumorlens table "
_COLUMNS = ("id", "image", "label", "mask", "group", "split")


def write_table(table: Table, path: Path, *, comments: Mapping[str, str] | None = None) -> Path:
    """Write a table, whole or not at all; file paths become relative to `path`'s folder.

    Args:
        table: the table.
        path: the .csv file.
        comments: by id; they become a last column for human readers, which `read_table` ignores.

    Returns:
        The path.
    """
    header = {
        "name": table.name,
        "classes": table.classes,
        "notes": table.notes,
        "plan": asdict(table.plan) if table.plan else None,
        "split_hash": table.split_hash,
    }
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        stream.write(_MARK + json.dumps(header) + "\n")
        writer = csv.writer(stream, lineterminator="\n")
        origins = ORIGIN_COLUMNS if table.has_origins else ()
        writer.writerow([*_COLUMNS, *origins, *(["comment"] if comments is not None else [])])
        for s in table.samples:
            mask = _relative(s.mask, path.parent) if s.mask else ""
            image = _relative(s.image, path.parent)
            comment = [] if comments is None else [comments.get(s.id, "")]
            origin = cells(s.origin, s.acquisition) if origins else ()
            writer.writerow([s.id, image, s.label, mask, s.group or "", s.split or "", *origin, *comment])
    return path


def read_table(path: Path) -> Table:
    """Read a table of `write_table`, or a plain CSV that was made by hand.

    By hand, the columns ``image`` and ``label`` are enough; ``mask``, ``group`` (the patient), ``split``
    and ``id`` are optional. A column ``volume`` in place of ``image`` names NIfTI volumes, see `volume_table`.
    Labels are then normalized like class folders (`class_name`), classes are the sorted labels, and ids and patients
    carry the file's name. Paths start from the table's folder.

    Raises:
        DataError: a column, a value or a file is missing, a split has an unknown name, or the rows of
            a split of `write_table` were changed.
        SplitError: one patient in two splits, or a split for some samples only.
    """
    if not path.is_file():
        raise DataError(file=path, found="no such table", expected="a CSV with the columns image and label")
    rows = read_rows(path, ())
    columns = set(rows[0][1]) if rows else set()
    if "image" not in columns and columns & set(VOLUME_COLUMNS):
        return volume_table(path, rows)
    rows = read_rows(path, ("image", "label"))
    samples = [_sample(path, line, row) for line, row in rows]
    header = _read_header(path)
    table = _made_by_hand(path.stem, samples) if header is None else _as_written(path, header, samples)
    check_groups(table)
    return table


@dataclass(frozen=True)
class _Header:
    """The comment line of `write_table`."""

    name: str
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    plan: SplitPlan | None
    split_hash: str | None


def _as_written(path: Path, header: _Header, samples: list[Sample]) -> Table:
    """The table; its rows may have been edited unless a split plan depends on them."""
    table = Table(header.name, tuple(samples), header.classes, header.notes, header.plan)
    if header.plan and table.split_hash != header.split_hash:
        raise DataError(
            file=path,
            found="its rows were changed after the split, since they no longer match its split_hash",
            advice="make the split anew, or remove the first line to have it read as a table made by hand",
        )
    return table


def _made_by_hand(name: str, samples: list[Sample]) -> Table:
    prefixed = tuple(
        replace(
            s,
            id=f"{name}/{s.id}",
            label=class_name(s.label),
            group=f"{name}:{s.group}" if s.group else None,
        )
        for s in samples
    )
    without_patient = sum(s.group is None for s in prefixed)
    note = f"{name}: {without_patient} of {len(prefixed)} images name no patient; each counts as its own"
    plan = None
    if any(s.split for s in prefixed):
        plan = SplitPlan(by="image" if without_patient == len(prefixed) else "patient", source="file")
    return Table(name, prefixed, tuple(sorted({s.label for s in prefixed})), (note,) if without_patient else (), plan)


def _sample(path: Path, line: int, row: CsvRow) -> Sample:
    """A row as it stands in the file."""
    for name in ("image", "label"):
        if not row[name]:
            raise DataError(file=path, line=line, found=f"no {name}", expected="one in every row")
    split = row.get("split", "").lower()
    if split and split not in SPLIT_NAMES:
        raise DataError(file=path, line=line, found=f"split '{split}' found", expected=f"one of {list(SPLIT_NAMES)}")
    origin, acquisition = _origin(path, line, row)
    return Sample(
        id=row.get("id") or _portable(row["image"]),
        image=_file(path, line, row["image"]),
        label=row["label"],
        mask=_mask(path, line, row["mask"]) if row.get("mask") else None,
        group=row.get("group") or None,
        split=SPLIT_NAMES.get(split),
        origin=origin,
        acquisition=acquisition,
    )


def _origin(path: Path, line: int, row: CsvRow) -> tuple[SliceOrigin | None, AcquisitionFacts | None]:
    try:
        return from_cells(row)
    except DataError as error:
        raise DataError(file=path, line=line, found=error.found, expected=error.expected) from None


def _file(path: Path, line: int, name: str) -> Path:
    file = path.parent / _portable(name)
    if not file_of(file).is_file():
        raise DataError(
            file=path, line=line, found=f"{file_of(file)} does not exist", advice="paths start from the table's folder"
        )
    return file


def _mask(path: Path, line: int, name: str) -> Path:
    location = MaskLocation.parse(Path(_portable(name)))
    return replace(location, file=_file(path, line, str(location.file))).path


def _portable(name: str) -> str:
    """A path with forward slashes, also when the table was written on Windows."""
    return name.replace("\\", "/")


def _read_header(path: Path) -> _Header | None:
    """The comment line of `write_table`; None for a table made by hand."""
    with path.open(encoding="utf-8-sig") as stream:
        line = stream.readline()
    if not line.startswith(_MARK):
        return None
    try:
        content = dict(json.loads(line[len(_MARK) :]))
        plan = SplitPlan(**content["plan"]) if content["plan"] else None
        split_hash = content["split_hash"] if plan else None
        return _Header(content["name"], tuple(content["classes"]), tuple(content["notes"]), plan, split_hash)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            file=path, found=f"its first line is damaged ({error})", advice="write the table anew"
        ) from None


def _relative(path: Path, folder: Path) -> str:
    """The path relative to `folder`, with links resolved: '..' starts at the target of a link."""
    target = path.parent.resolve() / path.name
    try:
        return Path(os.path.relpath(target, folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return target.as_posix()
