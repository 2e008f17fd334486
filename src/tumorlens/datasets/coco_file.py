"""COCO JSON -> Annotations: pictures, outlines and categories, and every entry that cannot be used."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

from tumorlens.errors import DataError

Id = int | str
Box = tuple[float, float, float, float]
Polygon = tuple[tuple[float, float], ...]

_FLAT = 1e-3  # of its box's area that a rectangle's outline may lack: coordinates are rounded
_Entry = TypeVar("_Entry")


@dataclass(frozen=True)
class CocoImage:
    """A picture that the file lists.

    Attributes:
        id: what annotations call it.
        file: where it is expected; it may not exist.
        width: pixels, as the file says; 0 where it does not.
        height: likewise.
    """

    id: Id
    file: Path
    width: int
    height: int


@dataclass(frozen=True)
class CocoAnnotation:
    """One object in one picture.

    Attributes:
        id: its own; None where it has none.
        image: id of the picture.
        category: id of the category.
        kind: ``"polygon"``, ``"rle"`` (run lengths), or ``"box"`` where nothing but a box is given.
        box: left, top, width and height, pixels; None where the file gives none.
        area: square pixels, as the file says or else computed from what it draws.
        iscrowd: whether it stands for a group of objects.
        polygons: corners (x, y) in pixels; empty for other kinds.
    """

    id: Id | None
    image: Id
    category: Id
    kind: Literal["polygon", "rle", "box"]
    box: Box | None
    area: float
    iscrowd: bool
    polygons: tuple[Polygon, ...] = ()

    @property
    def is_rectangle(self) -> bool:
        """Whether its outline is that of a box (or several), sides parallel to the picture's."""
        return bool(self.polygons) and all(_is_rectangle(polygon) for polygon in self.polygons)

    @property
    def is_empty(self) -> bool:
        """Whether it covers nothing."""
        drawn = sum(map(_area, self.polygons)) if self.kind == "polygon" else 1.0
        boxed = self.box[2] * self.box[3] if self.box else 1.0
        return self.area <= 0 or drawn <= 0 or boxed <= 0

    @property
    def reach(self) -> Box | None:
        """Least x and y, largest x and y of what it draws; None where it gives run lengths alone."""
        if self.polygons:
            return _reach([point for polygon in self.polygons for point in polygon])
        return (self.box[0], self.box[1], self.box[0] + self.box[2], self.box[1] + self.box[3]) if self.box else None


@dataclass(frozen=True)
class Annotations:
    """What an annotation file holds.

    Attributes:
        path: the file.
        images: in its order.
        annotations: in its order.
        categories: name of every category by id.
        faults: entries that were passed over or do not fit together, each in words.
    """

    path: Path
    images: tuple[CocoImage, ...]
    annotations: tuple[CocoAnnotation, ...]
    categories: dict[Id, str]
    faults: tuple[str, ...] = ()

    def name(self, category: Id) -> str:
        """The category's name, or one made of its id where the file names none."""
        return self.categories.get(category) or f"category {category}"


def read_annotations(path: Path) -> Annotations:
    """Read an annotation file; entries that cannot be used are named in `faults` and passed over.

    Raises:
        DataError: the file cannot be read, is no JSON, or has no list of images.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check that it may be read") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is no JSON or damaged ({error}); export or copy it again") from None
    if not isinstance(held, dict) or not isinstance(held.get("images"), list):
        raise DataError(f"{path}: has no list 'images'; expected a COCO file with images, annotations and categories")
    faults: list[str] = []
    images = _each(held, "images", lambda entry: _image(path.parent, entry), faults)
    annotations = _each(held, "annotations", _annotation, faults)
    categories = _each(held, "categories", _category, faults)
    names = dict(reversed(categories))
    listed = {image.id for image in images}
    for annotation in annotations:
        if annotation.image not in listed:
            faults.append(f"annotation {annotation.id} belongs to image {annotation.image}, which is not listed")
        if annotation.category not in names:
            faults.append(f"annotation {annotation.id} has category {annotation.category}, which is not listed")
    return Annotations(path, tuple(images), tuple(annotations), names, tuple(faults))


def _each(held: dict[str, Any], key: str, read: Callable[[Any], _Entry], faults: list[str]) -> list[_Entry]:
    entries = held.get(key)
    if not isinstance(entries, list):
        faults.append(f"has no list '{key}'")
        return []
    found = []
    for number, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict):
                raise ValueError("is no object")
            found.append(read(entry))
        except KeyError as error:
            faults.append(f"{key}[{number}] lacks {error}")
        except (ValueError, TypeError, OverflowError) as error:
            faults.append(f"{key}[{number}] {error}")
    return found


def _image(folder: Path, entry: dict[str, Any]) -> CocoImage:
    name = PurePosixPath(str(entry["file_name"]).replace("\\", "/"))
    if not name.parts or name.is_absolute() or ".." in name.parts or "\0" in str(name):
        raise ValueError(f"has the file name '{name}', expected one below the folder of the annotations")
    width, height = (int(_number(entry.get(side) or 0)) for side in ("width", "height"))
    return CocoImage(_id(entry["id"]), folder / name, width, height)


def _annotation(entry: dict[str, Any]) -> CocoAnnotation:
    given, stated = entry.get("segmentation"), entry.get("area")
    box = _box(entry["bbox"]) if entry.get("bbox") else None
    polygons: tuple[Polygon, ...] = ()
    kind: Literal["polygon", "rle", "box"] = "rle" if isinstance(given, dict) else "polygon" if given else "box"
    if kind == "polygon":
        outlines: Any = given
        polygons = tuple(_polygon(part) for part in (outlines if isinstance(outlines[0], list) else [outlines]))
    elif kind == "box" and box is None:
        raise ValueError("has neither segmentation nor bbox")
    drawn = sum(map(_area, polygons)) if polygons else box[2] * box[3] if box else 1.0
    return CocoAnnotation(
        id=None if entry.get("id") is None else _id(entry["id"]),
        image=_id(entry["image_id"]),
        category=_id(entry["category_id"]),
        kind=kind,
        box=box,
        area=drawn if stated is None else _number(stated),
        iscrowd=bool(entry.get("iscrowd", 0)),
        polygons=polygons,
    )


def _category(entry: dict[str, Any]) -> tuple[Id, str]:
    return _id(entry["id"]), str(entry["name"]).strip()


def _id(value: Any) -> Id:
    if not isinstance(value, (int, str)):
        raise ValueError(f"has the id {value!r}, expected a number")
    return value


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"holds {number} where a number is expected")
    return number


def _box(values: Any) -> Box:
    left, top, width, height = (_number(value) for value in values)
    return left, top, width, height


def _polygon(values: Any) -> Polygon:
    numbers = [_number(value) for value in values]
    if len(numbers) % 2:
        raise ValueError(f"has a polygon of {len(numbers)} numbers, expected pairs")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _area(polygon: Polygon) -> float:
    """The shoelace formula; 0 for fewer than three corners."""
    following = polygon[1:] + polygon[:1]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(polygon, following, strict=True))) / 2


def _is_rectangle(polygon: Polygon) -> bool:
    """It fills the box around it, whatever corners it repeats."""
    if not polygon:
        return False
    left, top, right, bottom = _reach(polygon)
    box = (right - left) * (bottom - top)
    return box > 0 and abs(box - _area(polygon)) <= _FLAT * box


def _reach(points: Polygon | list[tuple[float, float]]) -> Box:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
