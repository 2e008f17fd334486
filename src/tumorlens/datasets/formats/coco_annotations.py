"""COCO JSON -> Annotations: images, annotations and categories, and every entry that cannot be used."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from tumorlens.datasets.classes import HEALTHY
from tumorlens.datasets.formats.class_folders import class_name
from tumorlens.datasets.formats.coco_types import Annotations, CocoAnnotation, CocoBox, CocoId, CocoImage, CocoKind
from tumorlens.datasets.formats.json_file import read_json
from tumorlens.datasets.formats.outlines import (
    ImageOutlines,
    Polygon,
    RunLengths,
    Shape,
    box_polygon,
    decode_run_lengths,
)
from tumorlens.errors import DataError
from tumorlens.scan.content import MAX_PIXELS

_Entry = TypeVar("_Entry")


def read_annotations(path: Path) -> Annotations:
    """Read an annotation file; entries that cannot be used are skipped and described in `faults`.

    Raises:
        DataError: the file cannot be read, is not JSON, or has no list of images.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise DataError(
            file=path,
            found="has no list 'images'",
            expected="a COCO file with images, annotations and categories",
        )
    faults: list[str] = []
    images = _each(content, "images", lambda entry: _image(path.parent, entry), faults)
    annotations = _each(content, "annotations", _annotation, faults)
    categories = _each(content, "categories", _category, faults)
    names = dict(reversed(categories))
    listed = {image.id for image in images}
    for annotation in annotations:
        if annotation.image not in listed:
            faults.append(f"annotation {annotation.id} belongs to image {annotation.image}, which is not listed")
        if annotation.category not in names:
            faults.append(f"annotation {annotation.id} has category {annotation.category}, which is not listed")
    return Annotations(path, tuple(images), tuple(annotations), names, tuple(faults))


def outlines_by_image(path: Path) -> dict[str, ImageOutlines]:
    """The tumor outlines in the file, by the id of the image; errors as in `read_annotations`.

    All annotations of an image count, groups (``iscrowd``) too, except those of a category without tumor. A
    file that is listed under several ids is one image.
    """
    content = read_annotations(path)
    files = defaultdict(set)
    for image in content.images:
        files[image.id].add(image.file)
    shapes: defaultdict[Path, list[Shape]] = defaultdict(list)
    for annotation in content.annotations:
        if class_name(content.name(annotation.category)) not in HEALTHY:
            for file in files[annotation.image]:
                shapes[file] += annotation.shapes
    return {str(image.id): ImageOutlines(_size(image), tuple(shapes[image.file])) for image in content.images}


def _size(image: CocoImage) -> tuple[int, int] | None:
    return (image.height, image.width) if image.width and image.height else None


def _each(content: dict[str, Any], key: str, read: Callable[[Any], _Entry], faults: list[str]) -> list[_Entry]:
    entries = content.get(key)
    if not isinstance(entries, list):
        faults.append(f"has no list '{key}'")
        return []
    usable = []
    for number, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict):
                raise ValueError("is no object")
            usable.append(read(entry))
        except KeyError as error:
            faults.append(f"{key}[{number}] lacks {error}")
        except (ValueError, TypeError, OverflowError) as error:
            faults.append(f"{key}[{number}] {error}")
    return usable


def _image(folder: Path, entry: dict[str, Any]) -> CocoImage:
    name = PurePosixPath(str(entry["file_name"]).replace("\\", "/"))
    if not name.parts or name.is_absolute() or ".." in name.parts or "\0" in str(name):
        raise ValueError(f"has the file name '{name}', expected one below the folder of the annotations")
    width, height = (int(_number(entry.get(side) or 0)) for side in ("width", "height"))
    return CocoImage(_id(entry["id"]), folder / name, width, height)


def _annotation(entry: dict[str, Any]) -> CocoAnnotation:
    segmentation, area = entry.get("segmentation"), entry.get("area")
    box = _box(entry["bbox"]) if entry.get("bbox") else None
    kind: CocoKind = "rle" if isinstance(segmentation, dict) else "polygon" if segmentation else "box"
    shapes: tuple[Shape, ...]
    if isinstance(segmentation, dict):
        shapes = (_run_lengths(segmentation),)
    elif segmentation:
        polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
        shapes = tuple(_polygon(numbers) for numbers in polygons)
    elif box:
        shapes = (box_polygon(*box),)
    else:
        raise ValueError("has neither segmentation nor bbox")
    return CocoAnnotation(
        id=None if entry.get("id") is None else _id(entry["id"]),
        image=_id(entry["image_id"]),
        category=_id(entry["category_id"]),
        kind=kind,
        box=box,
        area=sum(shape.area for shape in shapes) if area is None else _number(area),
        iscrowd=bool(entry.get("iscrowd", 0)),
        shapes=shapes,
    )


def _category(entry: dict[str, Any]) -> tuple[CocoId, str]:
    return _id(entry["id"]), str(entry["name"]).strip()


def _id(value: Any) -> CocoId:
    if not isinstance(value, (int, str)) or value == "":
        raise ValueError(f"has the id {value!r}, expected a number")
    return value


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"holds {number} where a number is expected")
    return number


def _box(values: Any) -> CocoBox:
    left, top, width, height = (_number(value) for value in values)
    return left, top, width, height


def _polygon(values: Any) -> Polygon:
    numbers = [_number(value) for value in values]
    if len(numbers) % 2:
        raise ValueError(f"has a polygon of {len(numbers)} numbers, expected pairs")
    return Polygon(tuple(zip(numbers[::2], numbers[1::2], strict=True)))


def _run_lengths(segmentation: dict[str, Any]) -> RunLengths:
    height, width = (int(_number(side)) for side in segmentation["size"])
    counts = segmentation["counts"]
    lengths = decode_run_lengths(counts) if isinstance(counts, str) else tuple(int(_number(n)) for n in counts)
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise ValueError(f"has run lengths for {width} x {height} pixels")
    if min(lengths, default=0) < 0 or sum(lengths) > height * width:
        raise ValueError(f"has run lengths that do not fit {width} x {height} pixels")
    return RunLengths((height, width), lengths)
