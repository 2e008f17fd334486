"""masks -> damage: missing, unreadable, of another size, empty, or boxes where outlines are expected."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tumorlens.auditing.duplicates.image_records import ImageRecord, Progress
from tumorlens.auditing.issues import IntegrityIssue
from tumorlens.datasets import UNANNOTATED, MaskLocation, Sample, Table, load_mask
from tumorlens.datasets.classes import HEALTHY
from tumorlens.datasets.formats.coco import FILE
from tumorlens.errors import DataError, ScanError
from tumorlens.scan import is_box_mask, read_scan

NEARLY_ALL = 0.95
"""Share of rectangles from which a set has boxes in place of outlines."""

_WITHOUT = HEALTHY | {UNANNOTATED}

_WHAT: dict[str, tuple[Literal["danger", "warning"], str]] = {
    "mask-unreadable": ("danger", "cannot be read; copy or export them again."),
    "mask-values": (
        "danger",
        "hold more than two values, so nobody can say what is tumor; save masks as PNG, not JPEG.",
    ),
    "mask-missing": ("warning", "do not exist; copy them, or empty the column."),
    "mask-size": ("danger", "have another size than their image, so the outline lies elsewhere; export them again."),
    "mask-empty": ("warning", "are empty although the class is a tumor; draw what is missing, or take them out."),
    "mask-unexpected": ("warning", "show a tumor although the class has none; correct the class or the mask."),
}

Key = tuple[Path, tuple[int, int]]
"""A mask and the size of its image."""


@dataclass(frozen=True)
class _Drawn:
    """What one reading of a mask says; `kind` and `detail` name a problem, and then there is nothing else."""

    size: tuple[int, int] = (0, 0)
    area: int = 0
    rectangle: bool = False
    kind: str = ""
    detail: str = ""


def find_mask_issues(
    table: Table, image_records: Sequence[ImageRecord], *, progress: Progress | None = None
) -> list[IntegrityIssue]:
    """What is wrong with the masks of a table; nothing where it has none.

    Masks drawn from COCO annotations are not looked at here: `find_coco_issues` judges the outlines themselves.

    Args:
        table: any.
        image_records: one for each sample, in the table's order.
        progress: called with (masks read, masks there are).
    """
    judged = [
        (s, look) for s, look in zip(table.samples, image_records, strict=True) if s.mask and _judged(s.mask, look)
    ]
    keys = list(dict.fromkeys((sample.mask, look.size) for sample, look in judged if sample.mask))
    if not keys:
        return []
    drawn: dict[Key, _Drawn] = {}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for key, one in zip(keys, threads.map(_draw, keys), strict=True):
            drawn[key] = one
            if progress:
                progress(len(drawn), len(keys))
    return [*_each(judged, drawn), *_without(table), *_rectangles(drawn)]


def _judged(mask: Path, look: ImageRecord) -> bool:
    """Whether it is no drawing in a COCO file, nor one for an image whose size nobody knows."""
    place = MaskLocation.of(mask)
    return place.file.name != FILE and (place.image is None or look.problem is None)


def _draw(key: Key) -> _Drawn:
    path, size = key
    place = MaskLocation.of(path)
    if not place.file.is_file():
        return _Drawn(kind="mask-missing", detail="does not exist")
    if not all(size):  # the image cannot be read, so the mask cannot be fitted to it
        path = place.file
    try:
        mask = load_mask(path, size)
    except DataError as error:
        return _Drawn(kind="mask-unreadable", detail=str(error).removeprefix(f"{place.file}: "))
    except ScanError as error:
        return _Drawn(kind="mask-values" if _is_image(place.file) else "mask-unreadable", detail=error.found)
    return _Drawn((mask.shape[0], mask.shape[1]), int(np.count_nonzero(mask)), is_box_mask(mask))


def _is_image(path: Path) -> bool:
    """Whether the file is sound, and only its values are not those of a mask."""
    try:
        read_scan(path)
    except ScanError:
        return False
    return True


def _each(judged: Sequence[tuple[Sample, ImageRecord]], drawn: dict[Key, _Drawn]) -> list[IntegrityIssue]:
    items: dict[str, list[tuple[Path, str]]] = {kind: [] for kind in _WHAT}
    for sample, look in judged:
        if sample.mask:
            for kind, detail in _problems(sample, look, drawn[sample.mask, look.size]):
                items[kind].append((sample.mask, detail))
    return [
        IntegrityIssue(kind, f"{len(items[kind]):,} of {len(judged):,} masks {words}", level, tuple(items[kind]))
        for kind, (level, words) in _WHAT.items()
        if items[kind]
    ]


def _problems(sample: Sample, look: ImageRecord, one: _Drawn) -> list[tuple[str, str]]:
    if one.kind:
        return [(one.kind, one.detail)]
    found = []
    if look.problem is None and one.size != look.size:
        sizes = [f"{width} x {height}" for height, width in (one.size, look.size)]
        found.append(("mask-size", f"{sizes[0]} pixels, its image {sizes[1]}"))
    if not one.area and sample.label not in _WITHOUT:
        found.append(("mask-empty", f"empty, of class {sample.label}"))
    if one.area and sample.label in _WITHOUT:
        found.append(("mask-unexpected", f"{one.area:,} pixels of tumor, of class {sample.label}"))
    return found


def _without(table: Table) -> list[IntegrityIssue]:
    """Images of tumors without a mask, in sets where others have one."""
    have = {sample.dataset for sample in table.samples if sample.mask}
    tumors = [s for s in table.samples if s.dataset in have and s.label not in _WITHOUT]
    items = tuple((s.image, f"no mask, of class {s.label}") for s in tumors if s.mask is None)
    what = (
        f"{len(items):,} of {len(tumors):,} images of a tumor have no mask although others have one; "
        "add the masks, or measure outlines on the others alone."
    )
    return [IntegrityIssue("mask-none", what, "warning", items)] if items else []


def _rectangles(drawn: dict[Key, _Drawn]) -> list[IntegrityIssue]:
    filled = [one for one in drawn.values() if one.area]
    items = tuple((path, "a filled rectangle") for (path, _), one in drawn.items() if one.rectangle)
    if not items:
        return []
    count = f"{len(items):,} of {len(filled):,} masks that show a tumor are filled rectangles"
    if len(items) >= NEARLY_ALL * len(filled):
        what = f"{count}: boxes, not outlines. A Dice measured against them says nothing about outlines."
        return [IntegrityIssue("mask-rectangles", what, "danger", items)]
    return [IntegrityIssue("mask-rectangles", f"{count}; look whether somebody drew boxes there.", "warning", items)]
