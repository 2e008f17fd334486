"""Tables as files: CSV with one comment line above it that holds the class map and how it was split."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tumorlens._files import atomic_write
from tumorlens.datasets.formats.class_folders import SPLIT_NAMES, class_name
from tumorlens.datasets.formats.csv_rows import Row, read_rows
from tumorlens.datasets.reference_masks import MaskLocation
from tumorlens.datasets.table import Sample, SplitPlan, Table, check_groups
from tumorlens.errors import DataError

_MARK = "# tumorlens table "
_COLUMNS = ("id", "image", "label", "mask", "group", "split")


def write_table(table: Table, path: Path, *, remarks: Mapping[str, str] | None = None) -> Path:
    """Write a table, whole or not at all; file paths become relative to `path`'s folder.

    Args:
        table: what to write.
        path: the .csv file.
        remarks: by id; they become a last column for people to read, which `read_table` passes over.

    Returns:
        The path.
    """
    head = {
        "name": table.name,
        "classes": table.classes,
        "notes": table.notes,
        "plan": asdict(table.plan) if table.plan else None,
        "split_hash": table.split_hash,
    }
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        stream.write(_MARK + json.dumps(head) + "\n")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*_COLUMNS, *(["remark"] if remarks is not None else [])])
        for s in table.samples:
            mask = _relative(s.mask, path.parent) if s.mask else ""
            image = _relative(s.image, path.parent)
            remark = [] if remarks is None else [remarks.get(s.id, "")]
            writer.writerow([s.id, image, s.label, mask, s.group or "", s.split or "", *remark])
    return path


def read_table(path: Path) -> Table:
    """Read a table that `write_table` wrote, or a plain CSV somebody made by hand.

    By hand, the columns ``image`` and ``label`` are enough; ``mask``, ``group`` (the patient), ``split``
    and ``id`` may be there. Labels are then spelled as class folders are (`class_name`), the class map is
    their sorted list, and ids and patients carry the file's name. Paths start from the table's folder.

    Raises:
        DataError: a column, a value or a file is missing, a split has an unknown name, or the rows of
            a split that `write_table` wrote were changed.
        SplitError: one patient in two splits, or a split for some samples only.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such table; expected a CSV with the columns image and label")
    rows = read_rows(path, ("image", "label"))
    samples = [_sample(path, line, row) for line, row in rows]
    head = _head(path)
    table = _made_by_hand(path.stem, samples) if head is None else _as_written(path, head, samples)
    check_groups(table)
    return table


def _as_written(path: Path, head: dict[str, Any], samples: list[Sample]) -> Table:
    """The table, whose rows may have been edited as long as no plan vouches for them."""
    try:
        plan = SplitPlan(**head["plan"]) if head["plan"] else None
        table = Table(head["name"], tuple(samples), tuple(head["classes"]), tuple(head["notes"]), plan)
        changed = plan is not None and table.split_hash != head["split_hash"]
    except (KeyError, TypeError) as error:
        raise _damaged(path, error) from None
    if changed:
        raise DataError(
            f"{path}: its rows were changed after it was split, for they no longer give its split_hash; "
            "make the split anew, or remove the first line to have it read as a table made by hand"
        )
    return table


def _made_by_hand(name: str, samples: list[Sample]) -> Table:
    named = tuple(
        replace(
            s,
            id=f"{name}/{s.id}",
            label=class_name(s.label),
            group=f"{name}:{s.group}" if s.group else None,
        )
        for s in samples
    )
    nameless = sum(s.group is None for s in named)
    note = f"{name}: {nameless} of {len(named)} images name no patient; each counts as its own"
    plan = None
    if any(s.split for s in named):
        plan = SplitPlan(by="image" if nameless == len(named) else "patient", source="file")
    return Table(name, named, tuple(sorted({s.label for s in named})), (note,) if nameless else (), plan)


def _sample(path: Path, line: int, row: Row) -> Sample:
    """A row as it stands."""
    for name in ("image", "label"):
        if not row[name]:
            raise DataError(f"{path}, line {line}: no {name}; expected one in every row")
    split = row.get("split", "").lower()
    if split and split not in SPLIT_NAMES:
        raise DataError(f"{path}, line {line}: split '{split}' found; expected one of {list(SPLIT_NAMES)}")
    return Sample(
        id=row.get("id") or _portable(row["image"]),
        image=_file(path, line, row["image"]),
        label=row["label"],
        mask=_mask(path, line, row["mask"]) if row.get("mask") else None,
        group=row.get("group") or None,
        split=SPLIT_NAMES.get(split),
    )


def _file(path: Path, line: int, name: str) -> Path:
    file = path.parent / _portable(name)
    if not file.is_file():
        raise DataError(f"{path}, line {line}: {file} does not exist; paths start from the table's folder")
    return file


def _mask(path: Path, line: int, name: str) -> Path:
    place = MaskLocation.of(Path(_portable(name)))
    return replace(place, file=_file(path, line, str(place.file))).path


def _portable(name: str) -> str:
    """A path as every system reads it, also when the table was written on Windows."""
    return name.replace("\\", "/")


def _head(path: Path) -> dict[str, Any] | None:
    """What `write_table` put above the columns; None for a table made by hand."""
    with path.open(encoding="utf-8-sig") as stream:
        line = stream.readline()
    if not line.startswith(_MARK):
        return None
    try:
        return dict(json.loads(line[len(_MARK) :]))
    except (ValueError, TypeError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: its first line is damaged ({error}); write the table anew")


def _relative(path: Path, folder: Path) -> str:
    """The way from `folder` to `path` as the system will walk it: '..' leaves the target of a link."""
    target = path.parent.resolve() / path.name
    try:
        return Path(os.path.relpath(target, folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return target.as_posix()
