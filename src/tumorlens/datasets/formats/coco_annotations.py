"""COCO JSON -> Annotations: images, annotations and categories, and every entry that cannot be used."""

from __future__ import annotations

import reprlib
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    PlainValidator,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)

from tumorlens._validation import fault
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

_Entry = TypeVar("_Entry", bound=BaseModel)


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
    images = [
        CocoImage(entry.id, path.parent / entry.file_name, int(entry.width), int(entry.height))
        for entry in _each(content, "images", _ImageEntry, faults)
    ]
    annotations = [entry.annotation() for entry in _each(content, "annotations", _AnnotationEntry, faults)]
    names = {entry.id: entry.name for entry in reversed(_each(content, "categories", _CategoryEntry, faults))}
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


def _each(content: dict[str, Any], key: str, entry_type: type[_Entry], faults: list[str]) -> list[_Entry]:
    entries = content.get(key)
    if not isinstance(entries, list):
        faults.append(f"has no list '{key}'")
        return []
    usable = []
    for number, entry in enumerate(entries):
        try:
            usable.append(entry_type.model_validate(entry))
        except ValidationError as error:
            faults.append(f"{key}[{number}] {fault(error, _TAGS)}")
    return usable


def _identifier(value: Any) -> CocoId:
    if not isinstance(value, (int, str)) or value == "":
        raise ValueError(f"has the id {reprlib.repr(value)}, expected a number")
    return value


def _below_the_folder(name: Any) -> PurePosixPath:
    path = PurePosixPath(str(name).replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in str(path):
        raise ValueError(f"has the file name '{path}', expected one below the folder of the annotations")
    return path


def _run_lengths_or_polygons(segmentation: Any) -> str:
    return "rle" if isinstance(segmentation, dict) else "polygons"


def _polygons(segmentation: Any) -> Any:
    """One polygon without a list around it is a list of one; polygons without corners are left out."""
    if not isinstance(segmentation, list):
        return segmentation or []
    if segmentation and not isinstance(segmentation[0], list):
        return [segmentation]
    return [polygon for polygon in segmentation if polygon != []]


def _pairs(numbers: list[float]) -> list[float]:
    if len(numbers) % 2:
        raise ValueError(f"has a polygon of {len(numbers)} numbers, expected pairs")
    return numbers


def _or_none(value: Any) -> Any:
    return value or None


_Id = Annotated[CocoId, PlainValidator(_identifier)]
_Side = Annotated[float, BeforeValidator(lambda value: value or 0)]
_TAGS = ("rle", "polygons")


class _CocoEntry(BaseModel):
    """An object in a list of the file; keys that nobody needs may hold anything."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True)


class _ImageEntry(_CocoEntry):
    id: _Id
    file_name: Annotated[PurePosixPath, PlainValidator(_below_the_folder)]
    width: _Side = 0
    height: _Side = 0


class _CategoryEntry(_CocoEntry):
    id: _Id
    name: Annotated[str, StringConstraints(strip_whitespace=True)]


class _RunLengthsEntry(_CocoEntry):
    size: tuple[int, int]
    counts: Annotated[tuple[int, ...], BeforeValidator(lambda n: decode_run_lengths(n) if isinstance(n, str) else n)]

    @model_validator(mode="after")
    def _fits(self) -> _RunLengthsEntry:
        height, width = self.size
        if min(height, width) < 1 or height * width > MAX_PIXELS:
            raise ValueError(f"has run lengths for {width} x {height} pixels")
        if min(self.counts, default=0) < 0 or sum(self.counts) > height * width:
            raise ValueError(f"has run lengths that do not fit {width} x {height} pixels")
        return self


_PolygonList = Annotated[list[Annotated[list[float], AfterValidator(_pairs)]], BeforeValidator(_polygons)]


class _AnnotationEntry(_CocoEntry):
    id: _Id | None = None
    image_id: _Id
    category_id: _Id
    segmentation: Annotated[
        Annotated[_RunLengthsEntry, Tag("rle")] | Annotated[_PolygonList, Tag("polygons")],
        Discriminator(_run_lengths_or_polygons),
    ] = []
    bbox: Annotated[CocoBox | None, BeforeValidator(_or_none)] = None
    area: float | None = None
    iscrowd: Annotated[bool, BeforeValidator(bool)] = False

    @model_validator(mode="before")
    @classmethod
    def _covers_something(cls, entry: Any) -> Any:
        if isinstance(entry, dict) and not _polygons(entry.get("segmentation")) and not entry.get("bbox"):
            raise ValueError("has neither segmentation nor bbox")
        return entry

    def annotation(self) -> CocoAnnotation:
        """The annotation with its shapes."""
        kind: CocoKind
        shapes: tuple[Shape, ...]
        if isinstance(self.segmentation, _RunLengthsEntry):
            kind, shapes = "rle", (RunLengths(self.segmentation.size, self.segmentation.counts),)
        elif self.segmentation:
            kind = "polygon"
            shapes = tuple(Polygon(tuple(zip(p[::2], p[1::2], strict=True))) for p in self.segmentation)
        else:
            assert self.bbox is not None  # see `_covers_something`
            kind, shapes = "box", (box_polygon(*self.bbox),)
        area = sum(shape.area for shape in shapes) if self.area is None else self.area
        return CocoAnnotation(self.id, self.image_id, self.category_id, kind, self.bbox, area, self.iscrowd, shapes)
