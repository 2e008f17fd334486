"""The types of COCO JSON: images, annotations and categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tumorlens.datasets.formats.outlines import Polygon, Shape

CocoId = int | str
CocoBox = tuple[float, float, float, float]
CocoKind = Literal["polygon", "rle", "box"]

_ROUNDING = 1e-3  # of the box's area that a box-shaped polygon may lack: coordinates are rounded


@dataclass(frozen=True)
class CocoImage:
    """An image that the file lists.

    Attributes:
        id: referenced by annotations.
        file: expected path; it may not exist.
        width: pixels, as given in the file; 0 where it is not.
        height: likewise.
    """

    id: CocoId
    file: Path
    width: int
    height: int


@dataclass(frozen=True)
class CocoAnnotation:
    """One object in one image.

    Attributes:
        id: of the annotation; None where it has none.
        image: id of the image.
        category: id of the category.
        kind: ``"polygon"``, ``"rle"`` (run lengths), or ``"box"`` where only a bounding box is given.
        box: left, top, width and height, pixels; None where the file gives none.
        area: square pixels, as given in the file or else computed from the shapes.
        iscrowd: whether it stands for a group of objects.
        shapes: the covered regions; of a bounding box the box.
    """

    id: CocoId | None
    image: CocoId
    category: CocoId
    kind: CocoKind
    box: CocoBox | None
    area: float
    iscrowd: bool
    shapes: tuple[Shape, ...]

    @property
    def is_box_shaped(self) -> bool:
        """Whether its polygon is a box (or several), with sides parallel to the image's."""
        return bool(self._polygons) and all(_is_box_shaped(polygon) for polygon in self._polygons)

    @property
    def is_empty(self) -> bool:
        """Whether it covers nothing."""
        box_area = self.box[2] * self.box[3] if self.box else 1.0
        return self.area <= 0 or box_area <= 0 or sum(shape.area for shape in self.shapes) <= 0

    @property
    def extent(self) -> CocoBox | None:
        """Smallest x and y, largest x and y of its shapes; None where only run lengths are given."""
        if self._polygons:
            return _extent([corner for polygon in self._polygons for corner in polygon.corners])
        return (self.box[0], self.box[1], self.box[0] + self.box[2], self.box[1] + self.box[3]) if self.box else None

    @property
    def _polygons(self) -> list[Polygon]:
        """Its polygons; none for other kinds."""
        return [shape for shape in self.shapes if isinstance(shape, Polygon)] if self.kind == "polygon" else []


@dataclass(frozen=True)
class Annotations:
    """The content of an annotation file.

    Attributes:
        path: the file.
        images: in the order of the file.
        annotations: in the order of the file.
        categories: name of every category by id.
        faults: entries that were skipped or contradict each other, each described in words.
    """

    path: Path
    images: tuple[CocoImage, ...]
    annotations: tuple[CocoAnnotation, ...]
    categories: dict[CocoId, str]
    faults: tuple[str, ...] = ()

    def name(self, category: CocoId) -> str:
        """The category's name, or one made of its id where the file gives none."""
        return self.categories.get(category) or f"category {category}"


def _is_box_shaped(polygon: Polygon) -> bool:
    """Whether it fills its bounding box, even if it repeats corners."""
    if not polygon.corners:
        return False
    left, top, right, bottom = _extent(polygon.corners)
    box_area = (right - left) * (bottom - top)
    return box_area > 0 and abs(box_area - polygon.area) <= _ROUNDING * box_area


def _extent(points: Iterable[tuple[float, float]]) -> CocoBox:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
