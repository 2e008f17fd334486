"""JSON of the VGG Image Annotator -> what was drawn in which image, and every entry that cannot be used.

Dutta and Zisserman, "The VIA annotation software for images, audio and video", ACM Multimedia 2019. Read are
its exported annotations, and its projects, which hold the same one level deeper.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tumorlens.datasets.formats.json_file import read_json
from tumorlens.datasets.formats.outlines import Drawings, Ellipse, Polygon, Shape, rectangle
from tumorlens.errors import DataError

_PROJECT = "_via_img_metadata"  # where a project file keeps what an export is


@dataclass(frozen=True)
class ViaImage:
    """An image that the file lists.

    Attributes:
        key: the file's name for it; its name and size in bytes, joined.
        name: of the image's file.
        bytes: size of the image's file; -1 where the file does not say.
        shapes: what was drawn in it.
    """

    key: str
    name: str
    bytes: int
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class ViaFile:
    """What an annotation file holds.

    Attributes:
        path: the file.
        images: in its order.
        faults: entries that were passed over, each in words.
    """

    path: Path
    images: tuple[ViaImage, ...]
    faults: tuple[str, ...] = ()


def read_via(path: Path) -> ViaFile:
    """Read an annotation file; entries that cannot be used are named in `faults` and passed over.

    Raises:
        DataError: the file cannot be read, is no JSON, or lists no image.
    """
    held = read_json(path)
    held = held.get(_PROJECT, held) if isinstance(held, dict) else None
    if not isinstance(held, dict) or not any(isinstance(e, dict) and "filename" in e for e in held.values()):
        raise DataError(f"{path}: lists no image; expected annotations exported by the VGG Image Annotator as JSON")
    faults: list[str] = []
    images = [_image(key, entry, faults) for key, entry in held.items()]
    return ViaFile(path, tuple(image for image in images if image), tuple(faults))


def outlines_by_key(path: Path) -> Drawings:
    """What the file draws, by the key of the image; errors as in `read_via`."""
    return {image.key: (None, image.shapes) for image in read_via(path).images}


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


def _regions(held: Any) -> Iterator[Any]:
    """Version 1 numbers them in an object, version 2 has a list."""
    yield from held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()


def _shape(held: Any) -> Shape:
    kind = held["name"]
    if kind in ("polygon", "polyline"):  # a line around a tumor is closed, as whoever drew it meant
        return _polygon(held["all_points_x"], held["all_points_y"])
    if kind == "rect":
        return rectangle(*(_number(held[name]) for name in ("x", "y", "width", "height")))
    if kind in ("circle", "ellipse"):
        radii = [_number(held[name]) for name in (("r", "r") if kind == "circle" else ("rx", "ry"))]
        if min(radii) < 0:
            raise ValueError(f"is a {kind} of radius {min(radii):g}")
        return Ellipse((_number(held["cx"]), _number(held["cy"])), (radii[0], radii[1]), _number(held.get("theta", 0)))
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
