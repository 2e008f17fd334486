"""COCO annotations -> integrity issues: the listed images, ids and categories, and the quality of the outlines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.integrity.mask_issues import BOX_MASK_SHARE
from tumorlens.auditing.issues import IntegrityIssue, IssueLevel
from tumorlens.datasets import MaskLocation, Sample, Table
from tumorlens.datasets.formats.class_folders import SPLIT_NAMES
from tumorlens.datasets.formats.coco import ANNOTATION_FILE, annotation_files, unlisted, unused_categories
from tumorlens.datasets.formats.coco_annotations import read_annotations
from tumorlens.datasets.formats.coco_types import Annotations, CocoAnnotation, CocoImage
from tumorlens.errors import DataError

_ROUNDING = 1.5  # pixels that a box may extend over the edge: exports round its corner and its sides one by one
_SLIVER = 3  # pixels: an object this thin is a slip of the mouse

Items = list[tuple[Path, str]]


def find_coco_issues(table: Table, records: Sequence[ImageRecord]) -> list[IntegrityIssue]:
    """The issues of the annotation files beside a table's images; none where there are no such files.

    The files of an export's other split folders are read as well, even if the table has none of their images.
    Outlines are not checked where the images have masks from other files.

    Args:
        table: any.
        records: one for each sample, in the table's order.
    """
    issues: list[IntegrityIssue] = []
    masks = {MaskLocation.parse(sample.mask).file for sample in table.samples if sample.mask}
    for files in _exports(table.samples):
        annotations: list[Annotations] = []
        unreadable: Items = []
        for path in files:
            try:
                annotations.append(read_annotations(path))
            except DataError as error:
                unreadable.append((path, str(error).removeprefix(f"{path}: ")))
        if unreadable:
            message = f"{len(unreadable):,} of {len(files):,} annotation files cannot be read; export them again."
            issues.append(IntegrityIssue("coco-unreadable", message, "danger", tuple(unreadable)))
        if annotations:
            issues += [*_entries(annotations), *_listing(annotations), *_sizes(annotations, records)]
            if not masks or masks.intersection(files):
                issues += _outlines(annotations)
    return issues


def _exports(samples: Iterable[Sample]) -> list[list[Path]]:
    """The annotation files of each export, found by its images: beside them, or one folder up.

    The other split folders belong to an export that was read as a whole, which the samples' ids show.
    """
    exports: dict[Path, list[Path]] = {}
    folders = dict.fromkeys(
        (folder, folder.name in s.id.split("/")[1:-1]) for s in samples for folder in s.image.parents[:2]
    )
    for folder, inside in folders:
        if (folder / ANNOTATION_FILE).is_file():
            root = folder.parent if inside and folder.name.lower() in SPLIT_NAMES else folder
            exports[root] = [path for _, path in annotation_files(root)]
    return list(exports.values())


def _entries(files: Sequence[Annotations]) -> Iterator[IntegrityIssue]:
    faults = [(file.path, fault) for file in files for fault in file.faults]
    message = f"{len(faults):,} annotation entries are invalid or contradict each other; export them again."
    yield from _issue("coco-invalid-entries", "warning", message, faults)
    repeated = []
    for file in files:
        image_ids = Counter(image.id for image in file.images)
        annotation_ids = Counter(a.id for a in file.annotations if a.id is not None)
        image_files = Counter(image.file for image in file.images)
        repeated += [(file.path, f"image {name}, {n} times") for name, n in image_ids.items() if n > 1]
        repeated += [(file.path, f"annotation {name}, {n} times") for name, n in annotation_ids.items() if n > 1]
        repeated += [(path, f"listed {n} times") for path, n in image_files.items() if n > 1]
    message = (
        f"{len(repeated):,} ids or files are used more than once, so the image of an annotation is ambiguous; "
        "export them again."
    )
    yield from _issue("coco-duplicate-ids", "warning", message, repeated)


def _listing(files: Sequence[Annotations]) -> Iterator[IntegrityIssue]:
    listed = [image for file in files for image in file.images]
    unannotated = []
    for file in files:
        annotated = {annotation.image for annotation in file.annotations}
        unannotated += [(image.file, "no annotation") for image in file.images if image.id not in annotated]
    message = (
        f"{len(unannotated):,} of {len(listed):,} listed images have no annotation; check whether they show no tumor "
        "or were forgotten, since segmentation training takes them for healthy."
    )
    yield from _issue("coco-unannotated", "warning", message, unannotated)
    missing = [(image.file, "listed, but missing") for image in listed if not image.file.is_file()]
    message = f"{len(missing):,} of {len(listed):,} listed images are missing; copy them, or export again."
    yield from _issue("coco-missing", "warning", message, missing)
    extra = [(path, "not listed") for file in files for path in unlisted(file)]
    message = f"{len(extra):,} images beside the annotations are not listed, so they are not used; list or remove them."
    yield from _issue("coco-unlisted", "warning", message, extra)
    unused = [
        (file.path, name) for name in unused_categories(files) for file in files if name in file.categories.values()
    ]
    names = ", ".join(f"'{name}'" for name in unused_categories(files))
    message = f"No annotation uses the category {names}, but programs that count categories make a class of it."
    yield from _issue("coco-unused-category", "info", message, unused)


def _sizes(files: Sequence[Annotations], records: Sequence[ImageRecord]) -> Iterator[IntegrityIssue]:
    """Images with another size than listed in the annotations."""
    sizes = {record.path: record.size for record in records if record.read_error is None}
    compared = [i for file in files for i in file.images if i.file in sizes and i.width and i.height]
    items = []
    for image in compared:
        height, width = sizes[image.file]
        if (width, height) != (image.width, image.height):
            items.append((image.file, f"{width} x {height} pixels, listed with {image.width} x {image.height}"))
    message = (
        f"{len(items):,} of {len(compared):,} images have another size than listed, so every outline is displaced; "
        "export images and annotations together."
    )
    yield from _issue("coco-size", "danger", message, items)


def _outlines(files: Sequence[Annotations]) -> Iterator[IntegrityIssue]:
    image_of = {(file.path, image.id): image for file in files for image in file.images}
    polygons: Items = []
    box_polygons: Items = []
    boxes: Items = []
    empty: Items = []
    out_of_bounds: Items = []
    total = 0
    for file in files:
        for annotation in file.annotations:
            total += 1
            image = image_of.get((file.path, annotation.image))
            item = (image.file if image else file.path, f"annotation {annotation.id}")
            if annotation.kind == "box":
                boxes.append(item)
            if annotation.kind == "polygon":
                polygons.append(item)
            if annotation.is_box_shaped:
                box_polygons.append(item)
            if annotation.is_empty or _is_sliver(annotation):
                empty.append((item[0], f"{item[1]}, {annotation.area:,.0f} square pixels"))
            if image and _is_out_of_bounds(annotation, image):
                out_of_bounds.append(item)
    count = f"{len(box_polygons):,} of {len(polygons):,} polygons are axis-aligned boxes"
    if len(box_polygons) >= BOX_MASK_SHARE * len(polygons):
        message = (
            f"{count}, not outlines. A Dice score against boxes says nothing about outlines; "
            "use them as boxes, or have the tumors outlined."
        )
        yield from _issue("coco-box-polygons", "danger", message, box_polygons)
    else:
        message = f"{count}; check whether they were drawn as boxes."
        yield from _issue("coco-box-polygons", "warning", message, box_polygons)
    message = (
        f"{len(boxes):,} of {total:,} annotations are boxes without an outline; segmentation training needs outlines."
    )
    yield from _issue("coco-boxes", "warning", message, boxes)
    message = f"{len(empty):,} of {total:,} annotations cover nothing or a sliver; remove or redraw them."
    yield from _issue("coco-empty", "warning", message, empty)
    message = (
        f"{len(out_of_bounds):,} of {total:,} annotations extend beyond their image; check whether its size changed."
    )
    yield from _issue("coco-out-of-bounds", "warning", message, out_of_bounds)


def _is_sliver(annotation: CocoAnnotation) -> bool:
    extent = annotation.extent
    return extent is not None and min(extent[2] - extent[0], extent[3] - extent[1]) < _SLIVER


def _is_out_of_bounds(annotation: CocoAnnotation, image: CocoImage) -> bool:
    extent = annotation.extent
    if extent is None or not (image.width and image.height):
        return False
    left, top, right, bottom = extent
    return min(left, top) < -_ROUNDING or right > image.width + _ROUNDING or bottom > image.height + _ROUNDING


def _issue(kind: str, level: IssueLevel, message: str, items: Items) -> Iterator[IntegrityIssue]:
    """The issue, if it concerns any item."""
    if items:
        yield IntegrityIssue(kind, message, level, tuple(items))
