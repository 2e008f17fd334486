"""masks -> integrity issues: missing, unreadable, empty or box masks, and masks of another size than their image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tumorlens._progress import Progress, silent
from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.issues import IntegrityIssue
from tumorlens.datasets import UNANNOTATED, MaskLocation, Sample, Table, load_mask
from tumorlens.datasets.classes import HEALTHY
from tumorlens.datasets.formats.coco import ANNOTATION_FILE
from tumorlens.errors import DataError, ScanError
from tumorlens.scan import is_box_mask, read_scan

BOX_MASK_SHARE = 0.95
"""Share of box masks from which a set has bounding boxes in place of outlines."""

_CLASSES_WITHOUT_TUMOR = HEALTHY | {UNANNOTATED}

_MESSAGES: dict[str, tuple[Literal["danger", "warning"], str]] = {
    "mask-unreadable": ("danger", "cannot be read; copy or export them again."),
    "mask-values": (
        "danger",
        "have more than two values, so the tumor's pixels are ambiguous; save masks as PNG, not JPEG.",
    ),
    "mask-missing": ("warning", "do not exist; copy them, or empty the column."),
    "mask-size": ("danger", "have another size than their image, so the outline is displaced; export them again."),
    "mask-empty": ("warning", "are empty although the class is a tumor; add the outline, or remove the image."),
    "mask-unexpected": ("warning", "show a tumor although the class has none; correct the class or the mask."),
}

MaskKey = tuple[Path, tuple[int, int]]
"""A mask and the size of its image."""


@dataclass(frozen=True)
class _MaskProperties:
    """Properties of a mask; `kind` and `detail` name a reading problem, and then the others are not set."""

    size: tuple[int, int] = (0, 0)
    area: int = 0
    is_box: bool = False
    kind: str = ""
    detail: str = ""


def find_mask_issues(
    table: Table, records: Sequence[ImageRecord], *, progress: Progress = silent
) -> list[IntegrityIssue]:
    """The issues of a table's masks; none where it has no masks.

    Masks from COCO annotations are not checked here: `find_coco_issues` checks the outlines themselves.

    Args:
        table: any.
        records: one for each sample, in the table's order.
        progress: called after each mask.
    """
    checked = [
        (sample, record)
        for sample, record in zip(table.samples, records, strict=True)
        if sample.mask and _is_checked(sample.mask, record)
    ]
    keys = list(dict.fromkeys((sample.mask, record.size) for sample, record in checked if sample.mask))
    if not keys:
        return []
    masks: dict[MaskKey, _MaskProperties] = {}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for key, properties in zip(keys, threads.map(_read, keys), strict=True):
            masks[key] = properties
            progress("reading masks", len(masks), len(keys))
    return [*_each(checked, masks), *_without_mask(table), *_box_masks(masks)]


def _is_checked(mask: Path, record: ImageRecord) -> bool:
    """Whether the mask is neither an outline in a COCO file, nor an outline for an image of unknown size."""
    location = MaskLocation.parse(mask)
    return location.file.name != ANNOTATION_FILE and (location.image is None or record.read_error is None)


def _read(key: MaskKey) -> _MaskProperties:
    path, size = key
    location = MaskLocation.parse(path)
    if not location.file.is_file():
        return _MaskProperties(kind="mask-missing", detail="does not exist")
    if not all(size):  # the image cannot be read, so the mask cannot be fitted to it
        path = location.file
    try:
        mask = load_mask(path, size)
    except DataError as error:
        return _MaskProperties(kind="mask-unreadable", detail=str(error).removeprefix(f"{location.file}: "))
    except ScanError as error:
        kind = "mask-values" if _is_image(location.file) else "mask-unreadable"
        return _MaskProperties(kind=kind, detail=error.found)
    return _MaskProperties((mask.shape[0], mask.shape[1]), int(np.count_nonzero(mask)), is_box_mask(mask))


def _is_image(path: Path) -> bool:
    """Whether the file can be read, and only its values are not those of a mask."""
    try:
        read_scan(path)
    except ScanError:
        return False
    return True


def _each(checked: Sequence[tuple[Sample, ImageRecord]], masks: dict[MaskKey, _MaskProperties]) -> list[IntegrityIssue]:
    items: dict[str, list[tuple[Path, str]]] = {kind: [] for kind in _MESSAGES}
    for sample, record in checked:
        if sample.mask:
            for kind, detail in _problems(sample, record, masks[sample.mask, record.size]):
                items[kind].append((sample.mask, detail))
    return [
        IntegrityIssue(kind, f"{len(items[kind]):,} of {len(checked):,} masks {text}", level, tuple(items[kind]))
        for kind, (level, text) in _MESSAGES.items()
        if items[kind]
    ]


def _problems(sample: Sample, record: ImageRecord, mask: _MaskProperties) -> list[tuple[str, str]]:
    if mask.kind:
        return [(mask.kind, mask.detail)]
    problems = []
    if record.read_error is None and mask.size != record.size:
        sizes = [f"{width} x {height}" for height, width in (mask.size, record.size)]
        problems.append(("mask-size", f"{sizes[0]} pixels, its image {sizes[1]}"))
    if not mask.area and sample.label not in _CLASSES_WITHOUT_TUMOR:
        problems.append(("mask-empty", f"empty, of class {sample.label}"))
    if mask.area and sample.label in _CLASSES_WITHOUT_TUMOR:
        problems.append(("mask-unexpected", f"{mask.area:,} pixels of tumor, of class {sample.label}"))
    return problems


def _without_mask(table: Table) -> list[IntegrityIssue]:
    """Images of tumors without a mask, in sets where others have one."""
    with_masks = {sample.dataset for sample in table.samples if sample.mask}
    tumors = [s for s in table.samples if s.dataset in with_masks and s.label not in _CLASSES_WITHOUT_TUMOR]
    items = tuple((s.image, f"no mask, of class {s.label}") for s in tumors if s.mask is None)
    message = (
        f"{len(items):,} of {len(tumors):,} tumor images have no mask although others have one; "
        "add the masks, or measure segmentation on the others alone."
    )
    return [IntegrityIssue("no-mask", message, "warning", items)] if items else []


def _box_masks(masks: dict[MaskKey, _MaskProperties]) -> list[IntegrityIssue]:
    with_tumor = [mask for mask in masks.values() if mask.area]
    items = tuple((path, "a filled box") for (path, _), mask in masks.items() if mask.is_box)
    if not items:
        return []
    count = f"{len(items):,} of {len(with_tumor):,} masks that show a tumor are filled boxes"
    if len(items) >= BOX_MASK_SHARE * len(with_tumor):
        message = f"{count}, not outlines. A Dice score against box masks says nothing about outlines."
        return [IntegrityIssue("box-masks", message, "danger", items)]
    return [IntegrityIssue("box-masks", f"{count}; check whether they were drawn as boxes.", "warning", items)]
