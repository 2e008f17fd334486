"""The types of COCO's JSON: what it lists, what it draws, and its categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tumorlens.datasets.formats.outlines import Polygon, Shape

Id = int | str
Box = tuple[float, float, float, float]
Kind = Literal["polygon", "rle", "box"]

_FLAT = 1e-3  # of its box's area that a rectangle's outline may lack: coordinates are rounded


@dataclass(frozen=True)
class CocoImage:
    """An image that the file lists.

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
    """One object in one image.

    Attributes:
        id: its own; None where it has none.
        image: id of the image.
        category: id of the category.
        kind: ``"polygon"``, ``"rle"`` (run lengths), or ``"box"`` where nothing but a box is given.
        box: left, top, width and height, pixels; None where the file gives none.
        area: square pixels, as the file says or else computed from what it draws.
        iscrowd: whether it stands for a group of objects.
        shapes: what it covers; of a box the box.
    """

    id: Id | None
    image: Id
    category: Id
    kind: Kind
    box: Box | None
    area: float
    iscrowd: bool
    shapes: tuple[Shape, ...]

    @property
    def is_box_shaped(self) -> bool:
        """Whether its outline is that of a box (or several), sides parallel to the image's."""
        return bool(self._polygons) and all(_is_rectangle(polygon) for polygon in self._polygons)

    @property
    def is_empty(self) -> bool:
        """Whether it covers nothing."""
        boxed = self.box[2] * self.box[3] if self.box else 1.0
        return self.area <= 0 or boxed <= 0 or sum(shape.area for shape in self.shapes) <= 0

    @property
    def extent(self) -> Box | None:
        """Least x and y, largest x and y of what it draws; None where it gives run lengths alone."""
        if self._polygons:
            return _reach([corner for polygon in self._polygons for corner in polygon.corners])
        return (self.box[0], self.box[1], self.box[0] + self.box[2], self.box[1] + self.box[3]) if self.box else None

    @property
    def _polygons(self) -> list[Polygon]:
        """The outlines it was given as; none for other kinds."""
        return [shape for shape in self.shapes if isinstance(shape, Polygon)] if self.kind == "polygon" else []


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


def _is_rectangle(polygon: Polygon) -> bool:
    """It fills the box around it, whatever corners it repeats."""
    if not polygon.corners:
        return False
    left, top, right, bottom = _reach(polygon.corners)
    box = (right - left) * (bottom - top)
    return box > 0 and abs(box - polygon.area) <= _FLAT * box


def _reach(points: Iterable[tuple[float, float]]) -> Box:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
