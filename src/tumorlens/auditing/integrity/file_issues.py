"""image records -> integrity issues: unreadable, blank or mislabeled files, odd sizes and pixel modes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tumorlens._arrays import Flags
from tumorlens._progress import Progress, silent
from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.integrity.coco_issues import find_coco_issues
from tumorlens.auditing.integrity.dicom_issues import HeaderFacts, find_dicom_issues
from tumorlens.auditing.integrity.mask_issues import find_mask_issues
from tumorlens.auditing.issues import IntegrityIssue
from tumorlens.datasets import Table
from tumorlens.report.text import percentage
from tumorlens.stats import wilson

_LEVELS = ("danger", "warning", "info")
_EXTENSIONS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".mpo"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "MATLAB v7.3": (".mat",),
}
_COMMON_MODES = ("L", "RGB")  # every reader shows these alike
_SIDES = (64, 2048)  # smaller shows no tumor, larger is a scan of film or a whole page
_ELONGATED = 2.0  # ratio of the sides: a head is not twice as long as wide
_AREA_RATIO = 4.0  # to the median area, either way
_SHARE_DIFFERENCE = 0.2  # between two classes, that a network can use
_FEW = 10  # images of a class, below which its share says nothing


def find_integrity_issues(
    table: Table,
    records: Sequence[ImageRecord],
    *,
    headers: Mapping[Path, HeaderFacts] | None = None,
    masks: bool = True,
    progress: Progress = silent,
) -> tuple[IntegrityIssue, ...]:
    """All integrity issues of a table's files, the most severe first.

    Args:
        table: any.
        records: one for each sample, in the table's order.
        headers: of the DICOM files among them, from `read_header_facts`.
        masks: also read the masks; each is decoded once.
        progress: called after each mask.
    """
    issues = [
        *_unreadable(records),
        *_blank(records),
        *_extensions(records),
        *_modes(records),
        *_sizes(records),
        *_sizes_by_class(table, records),
        *_text(records),
        *find_coco_issues(table, records),
        *find_dicom_issues(dict(headers or {})),
    ]
    if masks:
        issues += find_mask_issues(table, records, progress=progress)
    return tuple(sorted(issues, key=lambda issue: _LEVELS.index(issue.level)))


def _unreadable(records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    items = tuple((record.path, record.read_error) for record in records if record.read_error is not None)
    message = (
        f"{len(items):,} of {len(records):,} images cannot be read, and training stops at them; "
        "copy or export them again, or remove them from the table."
    )
    return [IntegrityIssue("unreadable", message, "danger", items)] if items else []


def _blank(records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    items = tuple((record.path, "one gray value only") for record in records if record.is_blank)
    message = f"{len(items):,} of {len(records):,} images are blank: they have one gray value only; remove them."
    return [IntegrityIssue("blank", message, "warning", items)] if items else []


def _text(records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    items = tuple((record.path, f"text {' and '.join(record.text)} the head") for record in records if record.text)
    message = (
        f"{len(items):,} of {len(records):,} images seem to have text in their pixels, which may name the patient, and "
        "which a network can learn in place of the tumor; look at them, and remove or mask it."
    )
    return [IntegrityIssue("burned-in-text", message, "warning", items)] if items else []


def _extensions(records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    items = []
    for record in records:
        suffix = record.path.suffix.lower()
        if record.format in _EXTENSIONS and suffix and suffix not in _EXTENSIONS[record.format]:
            items.append((record.path, f"contains {record.format}"))
    message = (
        f"{len(items):,} of {len(records):,} files have the extension of another format; tumorlens reads the content, "
        "but other programs may fail on them; rename them."
    )
    return [IntegrityIssue("extension", message, "info", tuple(items))] if items else []


def _modes(records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    counts = Counter(record.mode for record in records if record.mode)
    if len(counts) < 2:
        return []
    items = tuple((record.path, record.mode) for record in records if record.mode and record.mode not in _COMMON_MODES)
    listed = ", ".join(f"{n:,} {mode}" for mode, n in counts.most_common())
    message = (
        f"The images have {len(counts)} pixel modes: {listed}; tumorlens converts them all to gray, with transparency "
        "on black, but other programs may show them differently; store all in one mode."
    )
    return [IntegrityIssue("modes", message, "warning" if items else "info", items)]


def _sizes(records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    sizes = Counter(record.size for record in records if record.read_error is None)
    if len(sizes) < 2 and not any(map(_extreme_shape, sizes)):
        return []
    median = float(np.median([height * width for height, width in sizes.elements()]))
    issues: list[IntegrityIssue] = []
    shapes: list[tuple[Path, str]] = []
    areas: list[tuple[Path, str]] = []
    for record in records:
        if record.read_error is None:
            shape, area = _extreme_shape(record.size), _extreme_area(record.size, median)
            if shape or area:
                item = (record.path, f"{_width_by_height(record.size)} pixels: {', '.join([*shape, *area])}")
                (shapes if shape else areas).append(item)
    extreme = (*shapes, *areas)
    if extreme:
        message = (
            f"{len(extreme):,} of {len(records):,} images have an extreme size or shape (a side below {_SIDES[0]} or "
            f"above {_SIDES[1]:,} pixels, one side over {_ELONGATED:g} times the other, or over {_AREA_RATIO:g} times "
            "more or less area than the median); view them, and remove those that are no single slice."
        )
        issues.append(IntegrityIssue("extreme-size", message, "warning", extreme))
    if len(sizes) > 1:
        (common, n), *_ = sizes.most_common(1)
        least, most = (pick(sizes, key=lambda size: size[0] * size[1]) for pick in (min, max))
        message = (
            f"Images have {len(sizes):,} different sizes, from {_width_by_height(least)} to {_width_by_height(most)}; "
            f"the most frequent is {_width_by_height(common)} ({percentage(n / sizes.total())}). Training resizes "
            "all to one size, which blurs some more than others."
        )
        issues.append(IntegrityIssue("mixed-sizes", message, "info"))
    return issues


def _extreme_shape(size: tuple[int, int]) -> list[str]:
    short, long = sorted(size)
    checks = {
        f"a side below {_SIDES[0]}": short < _SIDES[0],
        f"a side above {_SIDES[1]:,}": long > _SIDES[1],
        f"one side {long / max(short, 1):.1f} times the other": long > _ELONGATED * short,
    }
    return [reason for reason, holds in checks.items() if holds]


def _extreme_area(size: tuple[int, int], median: float) -> list[str]:
    area = max(size[0] * size[1], 1)
    if area > _AREA_RATIO * median:
        return [f"{area / median:.1f} times the median area"]
    return [f"{median / area:.1f} times less area than the median"] if area * _AREA_RATIO < median else []


def _sizes_by_class(table: Table, records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    """Whether the classes differ in image size: in the share of the most frequent size, of larger or smaller images."""
    readable = [i for i, record in enumerate(records) if record.read_error is None]
    labels = np.array(table.labels)[readable]
    counts = np.bincount(labels, minlength=len(table.classes))
    classes = [index for index, n in enumerate(counts) if n >= _FEW]
    if len(classes) < 2:
        return []
    sizes = [records[i].size for i in readable]
    (common, _), *_ = Counter(sizes).most_common(1)
    areas = np.array([height * width for height, width in sizes])
    median = np.median(areas)
    features: dict[str, Flags] = {
        f"have {_width_by_height(common)} pixels": np.array([size == common for size in sizes]),
        "are larger than the set's median": areas > median,
        "are smaller than the set's median": areas < median,
    }
    best: tuple[float, str] = (_SHARE_DIFFERENCE, "")
    for feature, holds in features.items():
        hits = np.bincount(labels[holds], minlength=len(table.classes))
        share = dict(sorted(((i, float(hits[i] / counts[i])) for i in classes), key=lambda pair: pair[1]))
        low, *_, high = share
        significant = wilson(int(hits[low]), int(counts[low]))[1] < wilson(int(hits[high]), int(counts[high]))[0]
        if significant and share[high] - share[low] > best[0]:
            text = (
                f"{percentage(share[high])} of the images of {table.classes[high]} {feature}, but only "
                f"{percentage(share[low])} of {table.classes[low]}"
            )
            best = (share[high] - share[low], text)
    if not best[1]:
        return []
    message = (
        f"Image size differs between the classes: {best[1]}; a network can learn the source in place of the "
        "tumor, and no split fixes that: take all classes from the same sources."
    )
    return [IntegrityIssue("size-by-class", message, "warning")]


def _width_by_height(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]}"
