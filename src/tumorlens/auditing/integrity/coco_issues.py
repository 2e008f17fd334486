"""COCO annotations -> damage: what a file lists, and whether its outlines are any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.integrity.mask_issues import NEARLY_ALL
from tumorlens.auditing.issues import IntegrityIssue
from tumorlens.datasets import MaskLocation, Sample, Table
from tumorlens.datasets.formats.class_folders import SPLIT_NAMES
from tumorlens.datasets.formats.coco import FILE, annotation_files, unlisted, unused_categories
from tumorlens.datasets.formats.coco_annotations import read_annotations
from tumorlens.datasets.formats.coco_types import Annotations, CocoAnnotation, CocoImage
from tumorlens.errors import DataError

_ROUNDING = 1.5  # pixels that a box may reach over the edge: exports round its corner and its sides one by one
_SLIVER = 3  # pixels: an object this thin is a slip of the mouse

Level = Literal["danger", "warning", "info"]
Items = list[tuple[Path, str]]


def find_coco_issues(table: Table, image_records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    """What is wrong with the annotation files beside a table's images; nothing where there are none.

    The files of an export's other split folders are read as well, also where none of their images is there.
    Outlines are not judged where the images beside them have masks from elsewhere.

    Args:
        table: any.
        image_records: one for each sample, in the table's order.
    """
    found: list[IntegrityIssue] = []
    masks = {MaskLocation.of(sample.mask).file for sample in table.samples if sample.mask}
    for files in _exports(table.samples):
        parts: list[Annotations] = []
        broken: Items = []
        for path in files:
            try:
                parts.append(read_annotations(path))
            except DataError as error:
                broken.append((path, str(error).removeprefix(f"{path}: ")))
        if broken:
            what = f"{len(broken):,} of {len(files):,} files of annotations cannot be read; export them again."
            found.append(IntegrityIssue("coco-unreadable", what, "danger", tuple(broken)))
        if parts:
            found += [*_entries(parts), *_listing(parts), *_sizes(parts, image_records)]
            if not masks or masks.intersection(files):
                found += _outlines(parts)
    return found


def _exports(samples: Iterable[Sample]) -> list[list[Path]]:
    """The annotation files of each export, found by its images: beside them, or one folder up.

    The other split folders belong to it where the set was read as a whole, which the samples' ids tell.
    """
    found: dict[Path, list[Path]] = {}
    places = dict.fromkeys(
        (place, place.name in s.id.split("/")[1:-1]) for s in samples for place in s.image.parents[:2]
    )
    for folder, inside in places:
        if (folder / FILE).is_file():
            root = folder.parent if inside and folder.name.lower() in SPLIT_NAMES else folder
            found[root] = [path for _, path in annotation_files(root)]
    return list(found.values())


def _entries(parts: Sequence[Annotations]) -> Iterator[IntegrityIssue]:
    faults = [(part.path, fault) for part in parts for fault in part.faults]
    what = f"{len(faults):,} entries of the annotations cannot be used or do not fit together; export them again."
    yield from _found("coco-entries", "warning", what, faults)
    twice = []
    for part in parts:
        images = Counter(image.id for image in part.images)
        own = Counter(a.id for a in part.annotations if a.id is not None)
        files = Counter(image.file for image in part.images)
        twice += [(part.path, f"image {name}, {n} times") for name, n in images.items() if n > 1]
        twice += [(part.path, f"annotation {name}, {n} times") for name, n in own.items() if n > 1]
        twice += [(file, f"listed {n} times") for file, n in files.items() if n > 1]
    what = (
        f"{len(twice):,} ids or files are used more than once, so that nobody can say which image an annotation "
        "belongs to; export them again."
    )
    yield from _found("coco-ids", "warning", what, twice)


def _listing(parts: Sequence[Annotations]) -> Iterator[IntegrityIssue]:
    listed = [image for part in parts for image in part.images]
    bare = []
    for part in parts:
        shown = {annotation.image for annotation in part.annotations}
        bare += [(image.file, "no annotation") for image in part.images if image.id not in shown]
    what = (
        f"{len(bare):,} of {len(listed):,} listed images have no annotation; look whether they show no tumor or "
        "were forgotten, for a segmentation takes them for healthy."
    )
    yield from _found("coco-unannotated", "warning", what, bare)
    absent = [(image.file, "listed, not there") for image in listed if not image.file.is_file()]
    what = f"{len(absent):,} of {len(listed):,} listed images are not there; copy them, or export again."
    yield from _found("coco-absent", "warning", what, absent)
    spare = [(file, "there, not listed") for part in parts for file in unlisted(part)]
    what = (
        f"{len(spare):,} images beside the annotations are not listed, so nobody uses them; list them or remove them."
    )
    yield from _found("coco-unlisted", "warning", what, spare)
    unused = [
        (part.path, name) for name in unused_categories(parts) for part in parts if name in part.categories.values()
    ]
    names = ", ".join(f"'{name}'" for name in unused_categories(parts))
    what = f"No annotation uses the category {names}; programs that count categories make a class of it nevertheless."
    yield from _found("coco-unused-category", "info", what, unused)


def _sizes(parts: Sequence[Annotations], image_records: Sequence[ImageRecord]) -> Iterator[IntegrityIssue]:
    """Images that are not as large as their annotations say."""
    sizes = {look.path: look.size for look in image_records if look.problem is None}
    compared = [i for part in parts for i in part.images if i.file in sizes and i.width and i.height]
    items = []
    for image in compared:
        height, width = sizes[image.file]
        if (width, height) != (image.width, image.height):
            items.append((image.file, f"{width} x {height} pixels, listed with {image.width} x {image.height}"))
    what = (
        f"{len(items):,} of {len(compared):,} images have another size than listed, so that every outline lies "
        "elsewhere; export images and annotations together."
    )
    yield from _found("coco-size", "danger", what, items)


def _outlines(parts: Sequence[Annotations]) -> Iterator[IntegrityIssue]:
    by_id = {(part.path, image.id): image for part in parts for image in part.images}
    drawn: Items = []
    boxes: Items = []
    empty: Items = []
    outside: Items = []
    rectangles: Items = []
    total = 0
    for part in parts:
        for annotation in part.annotations:
            total += 1
            image = by_id.get((part.path, annotation.image))
            item = (image.file if image else part.path, f"annotation {annotation.id}")
            if annotation.kind == "box":
                boxes.append(item)
            if annotation.kind == "polygon":
                drawn.append(item)
            if annotation.is_box_shaped:
                rectangles.append(item)
            if annotation.is_empty or _is_sliver(annotation):
                empty.append((item[0], f"{item[1]}, {annotation.area:,.0f} square pixels"))
            if image and _is_outside(annotation, image):
                outside.append(item)
    count = f"{len(rectangles):,} of {len(drawn):,} polygons are rectangles with sides parallel to the image's"
    if len(rectangles) >= NEARLY_ALL * len(drawn):
        what = (
            f"{count}: rectangles are not outlines. A Dice measured against them says nothing about outlines; "
            "use them as boxes, or have the tumors outlined."
        )
        yield from _found("coco-rectangles", "danger", what, rectangles)
    else:
        yield from _found("coco-rectangles", "warning", f"{count}; look whether somebody drew boxes there.", rectangles)
    what = f"{len(boxes):,} of {total:,} annotations are boxes without an outline; they teach no segmentation."
    yield from _found("coco-boxes", "warning", what, boxes)
    what = f"{len(empty):,} of {total:,} annotations cover nothing or a sliver; remove or redraw them."
    yield from _found("coco-empty", "warning", what, empty)
    what = f"{len(outside):,} of {total:,} annotations reach beyond their image; look whether its size changed."
    yield from _found("coco-outside", "warning", what, outside)


def _is_sliver(annotation: CocoAnnotation) -> bool:
    extent = annotation.extent
    return extent is not None and min(extent[2] - extent[0], extent[3] - extent[1]) < _SLIVER


def _is_outside(annotation: CocoAnnotation, image: CocoImage) -> bool:
    extent = annotation.extent
    if extent is None or not (image.width and image.height):
        return False
    left, top, right, bottom = extent
    return min(left, top) < -_ROUNDING or right > image.width + _ROUNDING or bottom > image.height + _ROUNDING


def _found(kind: str, level: Level, what: str, items: Items) -> Iterator[IntegrityIssue]:
    """The finding, where there is anything to find."""
    if items:
        yield IntegrityIssue(kind, what, level, tuple(items))
