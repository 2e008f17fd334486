"""JSON of the VGG Image Annotator -> the shapes of every image, and every entry that cannot be used.

Dutta and Zisserman, "The VIA annotation software for images, audio and video", ACM Multimedia 2019. Exported
annotations are read, and project files, which hold the same one level deeper.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
        faults.append(f"'{key}' names no file")
        return None
    name = entry["filename"].replace("\\", "/").rpartition("/")[2]
    if name in ("", "..") or "\0" in name:
        faults.append(f"'{key}' names the file '{entry['filename']}'")
        return None
    shapes = []
    for number, region in enumerate(_regions(entry.get("regions"))):
        try:
            shapes.append(_shape(region["shape_attributes"]))
        except KeyError as error:
            faults.append(f"'{key}', region {number} lacks {error}")
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            faults.append(f"'{key}', region {number} {error}")
    size = entry.get("size")
    return ViaImage(key, name, size if isinstance(size, int) else -1, tuple(shapes))


def _regions(regions: Any) -> Iterator[Any]:
    """Version 1 numbers the regions in an object, version 2 has a list."""
    yield from regions.values() if isinstance(regions, dict) else regions if isinstance(regions, list) else ()


def _shape(attributes: Any) -> Shape:
    kind = attributes["name"]
    if kind in ("polygon", "polyline"):  # annotators use an open line around a tumor as a closed one
        return _polygon(attributes["all_points_x"], attributes["all_points_y"])
    if kind == "rect":
        return box_polygon(*(_number(attributes[name]) for name in ("x", "y", "width", "height")))
    if kind in ("circle", "ellipse"):
        radii = [_number(attributes[name]) for name in (("r", "r") if kind == "circle" else ("rx", "ry"))]
        if min(radii) < 0:
            raise ValueError(f"is a {kind} of radius {min(radii):g}")
        center = (_number(attributes["cx"]), _number(attributes["cy"]))
        return Ellipse(center, (radii[0], radii[1]), _number(attributes.get("theta", 0)))
    raise ValueError(f"is a {kind}; expected a polygon, an ellipse, a circle or a rectangle")


def _polygon(xs: Any, ys: Any) -> Polygon:
    corners = tuple((_number(x), _number(y)) for x, y in zip(xs, ys, strict=True))
    if len(corners) < 3:
        raise ValueError(f"is an outline of {len(corners)} corners; expected at least 3")
    return Polygon(corners)


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"holds {number} where a number is expected")
    return number
