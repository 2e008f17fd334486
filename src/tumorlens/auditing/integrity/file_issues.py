"""looks -> damage: files, images, masks and annotations that are not what they should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tumorlens.auditing.duplicates.image_records import ImageRecord, Progress
from tumorlens.auditing.integrity.coco_issues import find_coco_issues
from tumorlens.auditing.integrity.mask_issues import find_mask_issues
from tumorlens.auditing.issues import IntegrityIssue
from tumorlens.datasets import Table
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
_PLAIN = ("L", "RGB")  # modes that every reader shows alike
_SIDES = (64, 2048)  # smaller shows no tumor, larger is a scan of film or a whole page
_LONG = 2.0  # ratio of the sides: a head is not twice as long as wide
_FAR = 4.0  # times the median area, either way
_APART = 0.2  # difference of two classes' shares that a network can use
_FEW = 10  # images of a class, below which its share says nothing


def find_integrity_issues(
    table: Table,
    image_records: Sequence[ImageRecord],
    *,
    masks: bool = True,
    progress: Progress | None = None,
) -> tuple[IntegrityIssue, ...]:
    """Everything wrong with the files of a table, the worst first.

    Args:
        table: any.
        image_records: one for each sample, in the table's order.
        masks: read the masks, too; each is decoded once.
        progress: called with (masks read, masks there are).
    """
    found = [
        *_unreadable(image_records),
        *_blank(image_records),
        *_extensions(image_records),
        *_modes(image_records),
        *_sizes(image_records),
        *_sizes_of_classes(table, image_records),
        *find_coco_issues(table, image_records),
    ]
    if masks:
        found += find_mask_issues(table, image_records, progress=progress)
    return tuple(sorted(found, key=lambda damage: _LEVELS.index(damage.level)))


def _unreadable(image_records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    items = tuple((look.path, look.problem) for look in image_records if look.problem is not None)
    what = (
        f"{len(items):,} of {len(image_records):,} images cannot be read, and training stops at them; "
        "copy or export them again, or take them out of the table."
    )
    return [IntegrityIssue("unreadable", what, "danger", items)] if items else []


def _blank(image_records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    items = tuple((look.path, "one gray everywhere") for look in image_records if look.blank)
    what = f"{len(items):,} of {len(image_records):,} images are of one gray and show nothing; take them out."
    return [IntegrityIssue("blank", what, "warning", items)] if items else []


def _extensions(image_records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    items = []
    for look in image_records:
        suffix = look.path.suffix.lower()
        if look.format in _EXTENSIONS and suffix and suffix not in _EXTENSIONS[look.format]:
            items.append((look.path, f"holds {look.format}"))
    what = (
        f"{len(items):,} of {len(image_records):,} files hold another format than their name says; tumorlens goes by the "
        "content, but programs that trust the name fail on them; rename them."
    )
    return [IntegrityIssue("extension", what, "info", tuple(items))] if items else []


def _modes(image_records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    counts = Counter(look.mode for look in image_records if look.mode)
    if len(counts) < 2:
        return []
    items = tuple((look.path, look.mode) for look in image_records if look.mode and look.mode not in _PLAIN)
    listed = ", ".join(f"{n:,} {mode}" for mode, n in counts.most_common())
    what = (
        f"Pixels are stored in {len(counts)} ways: {listed}; tumorlens reads them all as gray, with transparency laid "
        "over black, but other programs may show them differently; store all alike."
    )
    return [IntegrityIssue("modes", what, "warning" if items else "info", items)]


def _sizes(image_records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    sizes = Counter(look.size for look in image_records if look.problem is None)
    if len(sizes) < 2 and not any(map(_shape, sizes)):
        return []
    median = float(np.median([height * width for height, width in sizes.elements()]))
    found: list[IntegrityIssue] = []
    worst: list[tuple[Path, str]] = []
    others: list[tuple[Path, str]] = []
    for look in image_records:
        if look.problem is None:
            shape, distance = _shape(look.size), _distance(look.size, median)
            if shape or distance:
                item = (look.path, f"{_words(look.size)} pixels: {', '.join([*shape, *distance])}")
                (worst if shape else others).append(item)
    odd = (*worst, *others)
    if odd:
        what = (
            f"{len(odd):,} of {len(image_records):,} images have an extreme size or shape (a side below {_SIDES[0]} or "
            f"above {_SIDES[1]:,}, one side over {_LONG:g} times the other, or over {_FAR:g} times more or less area "
            "than the median); look at them, and take out what is no single slice."
        )
        found.append(IntegrityIssue("extreme-size", what, "warning", odd))
    if len(sizes) > 1:
        (common, n), *_ = sizes.most_common(1)
        least, most = (pick(sizes, key=lambda size: size[0] * size[1]) for pick in (min, max))
        what = (
            f"Images have {len(sizes):,} different sizes, from {_words(least)} to {_words(most)}; the commonest is "
            f"{_words(common)} ({n / sizes.total():.1%}). Training brings them to one size, which blurs some more than "
            "others."
        )
        found.append(IntegrityIssue("mixed-sizes", what, "info"))
    return found


def _shape(size: tuple[int, int]) -> list[str]:
    short, long = sorted(size)
    checks = {
        f"a side below {_SIDES[0]}": short < _SIDES[0],
        f"a side above {_SIDES[1]:,}": long > _SIDES[1],
        f"one side {long / max(short, 1):.1f} times the other": long > _LONG * short,
    }
    return [reason for reason, holds in checks.items() if holds]


def _distance(size: tuple[int, int], median: float) -> list[str]:
    area = max(size[0] * size[1], 1)
    if area > _FAR * median:
        return [f"{area / median:.1f} times the median area"]
    return [f"{median / area:.1f} times less area than the median"] if area * _FAR < median else []


def _sizes_of_classes(table: Table, image_records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    """Whether a class has its own sizes: its share of the commonest one, of larger, or of smaller images."""
    read = [i for i, look in enumerate(image_records) if look.problem is None]
    labels = np.array(table.labels)[read]
    counts = np.bincount(labels, minlength=len(table.classes))
    classes = [index for index, n in enumerate(counts) if n >= _FEW]
    if len(classes) < 2:
        return []
    sizes = [image_records[i].size for i in read]
    (common, _), *_ = Counter(sizes).most_common(1)
    areas = np.array([height * width for height, width in sizes])
    median = np.median(areas)
    features: dict[str, npt.NDArray[np.bool_]] = {
        f"are {_words(common)} pixels": np.array([size == common for size in sizes]),
        "are larger than the set's median": areas > median,
        "are smaller than the set's median": areas < median,
    }
    best: tuple[float, str] = (_APART, "")
    for feature, holds in features.items():
        hits = np.bincount(labels[holds], minlength=len(table.classes))
        share = dict(sorted(((i, float(hits[i] / counts[i])) for i in classes), key=lambda pair: pair[1]))
        low, *_, high = share
        apart = wilson(int(hits[low]), int(counts[low]))[1] < wilson(int(hits[high]), int(counts[high]))[0]
        if apart and share[high] - share[low] > best[0]:
            words = (
                f"{share[high]:.1%} of the images of {table.classes[high]} {feature}, but only "
                f"{share[low]:.1%} of {table.classes[low]}"
            )
            best = (share[high] - share[low], words)
    if not best[1]:
        return []
    what = (
        f"Image size differs between the classes: {best[1]}; a network can learn the source in place of the "
        "tumor, and no split mends that: take all classes from the same sources."
    )
    return [IntegrityIssue("size-by-class", what, "warning")]


def _words(size: tuple[int, int]) -> str:
    """Width first, as people say it."""
    return f"{size[1]} x {size[0]}"
