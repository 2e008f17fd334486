"""JSON of the VGG Image Annotator -> the shapes of every image, and every entry that cannot be used.

Dutta and Zisserman, "The VIA annotation software for images, audio and video", ACM Multimedia 2019. Exported
annotations are read, and project files, which hold the same one level deeper.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PlainValidator,
    ValidationError,
    model_validator,
)

from tumorlens._validation import fault
from tumorlens.datasets.formats.json_file import read_json
from tumorlens.datasets.formats.outlines import Ellipse, ImageOutlines, Polygon, Shape, box_polygon
from tumorlens.errors import DataError

_PROJECT = "_via_img_metadata"  # the key under which a project file keeps the annotations


@dataclass(frozen=True)
class ViaImage:
    """An image that the file lists.

    Attributes:
        key: the image's key in the file: its name and its size in bytes, joined.
        name: of the image's file.
        bytes: size of the image's file; -1 where it is not given.
        shapes: annotated in the image.
    """

    key: str
    name: str
    bytes: int
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class ViaFile:
    """The content of an annotation file.

    Attributes:
        path: the file.
        images: in the order of the file.
        faults: entries that were skipped, each described in words.
    """

    path: Path
    images: tuple[ViaImage, ...]
    faults: tuple[str, ...] = ()


def read_via(path: Path) -> ViaFile:
    """Read an annotation file; entries that cannot be used are skipped and described in `faults`.

    Raises:
        DataError: the file cannot be read, is not JSON, or lists no image.
    """
    content = read_json(path)
    entries = content.get(_PROJECT, content) if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not any(isinstance(e, dict) and "filename" in e for e in entries.values()):
        raise DataError(
            file=path, found="lists no image", expected="annotations exported by the VGG Image Annotator as JSON"
        )
    faults: list[str] = []
    images = [_image(key, entry, faults) for key, entry in entries.items()]
    return ViaFile(path, tuple(image for image in images if image), tuple(faults))


def outlines_by_key(path: Path) -> dict[str, ImageOutlines]:
    """The outlines in the file, by the key of the image; errors as in `read_via`."""
    return {image.key: ImageOutlines(None, image.shapes) for image in read_via(path).images}


def _image(key: str, entry: Any, faults: list[str]) -> ViaImage | None:
    try:
        file = _FileEntry.model_validate(entry)
    except ValidationError:
        faults.append(f"'{key}' names no file")
        return None
    name = file.filename.replace("\\", "/").rpartition("/")[2]
    if name in ("", "..") or "\0" in name:
        faults.append(f"'{key}' names the file '{file.filename}'")
        return None
    shapes = []
    for number, region in enumerate(file.regions):
        try:
            shapes.append(_RegionEntry.model_validate(region).shape_attributes.shape())
        except ValidationError as error:
            faults.append(f"'{key}', region {number} {fault(error, _SHAPE_NAMES)}")
    return ViaImage(key, name, file.size, tuple(shapes))


def _in_order(regions: Any) -> Any:
    """Version 1 numbers the regions in an object, version 2 has a list."""
    return list(regions.values()) if isinstance(regions, dict) else regions if isinstance(regions, list) else []


class _ViaEntry(BaseModel):
    """An object of the file; keys that nobody needs may hold anything."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class _PolygonEntry(_ViaEntry):
    name: Literal["polygon", "polyline"]  # annotators use an open line around a tumor as a closed one
    all_points_x: list[float]
    all_points_y: list[float]

    @model_validator(mode="after")
    def _is_an_outline(self) -> _PolygonEntry:
        across, down = len(self.all_points_x), len(self.all_points_y)
        if across != down or across < 3:
            corners = f"{across}" if across == down else f"{across} and {down}"
            raise ValueError(f"is an outline of {corners} corners; expected at least 3")
        return self

    def shape(self) -> Shape:
        return Polygon(tuple(zip(self.all_points_x, self.all_points_y, strict=True)))


class _RectangleEntry(_ViaEntry):
    name: Literal["rect"]
    x: float
    y: float
    width: float
    height: float

    def shape(self) -> Shape:
        return box_polygon(self.x, self.y, self.width, self.height)


class _CircleEntry(_ViaEntry):
    name: Literal["circle"]
    cx: float
    cy: float
    r: NonNegativeFloat

    def shape(self) -> Shape:
        return Ellipse((self.cx, self.cy), (self.r, self.r))


class _EllipseEntry(_ViaEntry):
    name: Literal["ellipse"]
    cx: float
    cy: float
    rx: NonNegativeFloat
    ry: NonNegativeFloat
    theta: float = 0

    def shape(self) -> Shape:
        return Ellipse((self.cx, self.cy), (self.rx, self.ry), self.theta)


class _RegionEntry(_ViaEntry):
    shape_attributes: Annotated[
        _PolygonEntry | _RectangleEntry | _CircleEntry | _EllipseEntry, Field(discriminator="name")
    ]


_SHAPE_NAMES = ("polygon", "polyline", "rect", "circle", "ellipse")


class _FileEntry(_ViaEntry):
    filename: str
    size: Annotated[int, PlainValidator(lambda size: size if isinstance(size, int) else -1)] = -1
    regions: Annotated[list[Any], BeforeValidator(_in_order)] = []
