"""What a COCO annotation covers: its extent, whether it is empty, and whether it is a box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tumorlens.datasets.formats.coco_types import Annotations, CocoAnnotation
from tumorlens.datasets.formats.outlines import Polygon

BOX = Polygon(((2, 3), (6, 3), (6, 5), (2, 5)))
TRIANGLE = Polygon(((2, 3), (6, 3), (6, 5)))


def annotation(*shapes: Any, **changed: Any) -> CocoAnnotation:
    fields = {"kind": "polygon", "box": (2.0, 3.0, 4.0, 2.0), "area": 8.0} | changed
    return CocoAnnotation(id=1, image=1, category=1, iscrowd=False, shapes=shapes, **fields)


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [
        (BOX, True),
        (Polygon((*BOX.corners, BOX.corners[0])), True),
        (Polygon(((2, 3), (6, 3), (6, 5), (2.001, 5))), True),
        (TRIANGLE, False),
        (Polygon(((2, 3), (6, 3), (6, 5), (3, 5))), False),
        (Polygon(((2, 3), (6, 3))), False),
        (Polygon(()), False),
    ],
)
def test_a_polygon_that_fills_its_bounding_box_is_box_shaped(polygon: Polygon, expected: bool) -> None:
    assert annotation(polygon).is_box_shaped == expected


def test_one_polygon_of_another_shape_makes_no_box() -> None:
    assert annotation(BOX, BOX).is_box_shaped
    assert not annotation(BOX, TRIANGLE).is_box_shaped
    assert not annotation().is_box_shaped


def test_only_polygons_are_taken_for_a_box() -> None:
    assert not annotation(BOX, kind="box").is_box_shaped


@pytest.mark.parametrize(
    "changed", [{"area": 0.0}, {"box": (2.0, 3.0, 0.0, 2.0)}, {"box": (2.0, 3.0, 4.0, 0.0)}, {"area": -1.0}]
)
def test_an_annotation_without_area_or_with_an_empty_box_covers_nothing(changed: dict[str, Any]) -> None:
    assert not annotation(BOX).is_empty
    assert not annotation(BOX, box=None).is_empty
    assert annotation(BOX, **changed).is_empty


def test_shapes_without_area_cover_nothing_whatever_the_file_says() -> None:
    assert annotation(Polygon(((2, 3), (6, 3)))).is_empty
    assert annotation().is_empty


def test_the_extent_is_that_of_all_polygons_and_else_of_the_box() -> None:
    other = Polygon(((0, 4), (1, 4), (1, 9)))
    assert annotation(BOX, other, box=None).extent == (0, 3, 6, 9)
    assert annotation(BOX, kind="box", box=(1.0, 2.0, 10.0, 20.0)).extent == (1, 2, 11, 22)
    assert annotation(kind="rle", box=None).extent is None


def test_a_category_without_a_name_is_called_by_its_id() -> None:
    found = Annotations(Path("a.json"), (), (), {1: "Glioma", 2: ""})
    assert [found.name(category) for category in (1, 2, "x")] == ["Glioma", "category 2", "category x"]
