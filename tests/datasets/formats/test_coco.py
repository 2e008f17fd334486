"""COCO exports: split folders or one folder, labels from categories, and invalid files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.fixtures import coco, scans, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table, open_tables
from tumorlens.datasets.formats.coco import read
from tumorlens.datasets.formats.coco_annotations import read_annotations
from tumorlens.datasets.formats.outlines import Polygon
from tumorlens.errors import DataError

RLE = {"size": [24, 32], "counts": [0, 9]}
DATA = Path(__file__).parents[3] / "shared" / "data"


def test_split_folders_with_annotations_are_an_export(tmp_path: Path) -> None:
    for subset, images in {
        "train": {"1.png": [1], "2.png": [2]},
        "Valid": {"3.png": [1]},
        "test": {"3.png": [2]},
    }.items():
        coco.export(tmp_path / "mine" / subset, images)
    table = open_table(tmp_path / "mine")
    assert table.name == "mine"
    assert table.classes == ("glioma", "meningioma")
    assert [(s.id, s.label, s.split, s.group) for s in table.samples] == [
        ("mine/Valid/3.png", "glioma", "val", None),
        ("mine/test/3.png", "meningioma", "test", None),
        ("mine/train/1.png", "glioma", "train", None),
        ("mine/train/2.png", "meningioma", "train", None),
    ]
    assert "mine: no patient ids; every image counts as its own patient" in table.notes
    assert "mine: no annotation uses the category 'Tumor', so it is not a class" in table.notes


def test_one_folder_is_an_export_without_splits(tmp_path: Path) -> None:
    coco.export(tmp_path / "mine", {"1.png": [1], "below/2.png": [2]})
    table = open_table(tmp_path / "mine")
    assert [(s.id, s.split) for s in table.samples] == [("mine/1.png", None), ("mine/below/2.png", None)]


def test_split_folders_of_several_exports_can_be_pooled_one_by_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        coco.export(tmp_path / name / "test", {"1.png": [1]})
    table = open_tables([tmp_path / "a" / "test", tmp_path / "b" / "test"])
    assert [s.id for s in table.samples] == ["a-test/1.png", "b-test/1.png"]


def test_the_category_with_the_largest_area_is_the_label_of_an_image(tmp_path: Path) -> None:
    annotations = [
        coco.annotation(i, 0, category, area=area) for i, (category, area) in enumerate([(1, 9), (2, 5), (2, 5)])
    ]
    coco.export(tmp_path / "mine", {"1.png": []}, annotations=annotations)
    table = read(tmp_path / "mine")
    assert [s.label for s in table.samples] == ["meningioma"]
    assert "mine: of 1 images, 1 show several categories and have the label of the largest" in table.notes


def test_an_image_without_annotation_is_unannotated(tmp_path: Path) -> None:
    coco.export(tmp_path / "mine", {"1.png": [1], "2.png": []})
    table = read(tmp_path / "mine")
    assert [s.label for s in table.samples] == ["glioma", "unannotated"]


def test_missing_and_unlisted_images_are_left_out_and_counted(tmp_path: Path) -> None:
    coco.export(tmp_path / "mine", {"1.png": [1], "2.png": [1]})
    (tmp_path / "mine" / "2.png").rename(tmp_path / "mine" / "3.png")
    table = read(tmp_path / "mine")
    assert [s.id for s in table.samples] == ["mine/1.png"]
    assert {
        "mine: of 2 listed images, 1 do not exist",
        "mine: images that exist but are not listed, and so left out: 1",
    } <= set(table.notes)


def test_a_damaged_annotation_file_leaves_the_others_readable(tmp_path: Path) -> None:
    coco.export(tmp_path / "mine" / "test", {"1.png": [1]})
    scans.cut(coco.export(tmp_path / "mine" / "train", {"1.png": [1]}), 0.5)
    table = read(tmp_path / "mine")
    assert [s.id for s in table.samples] == ["mine/test/1.png"]
    assert f"mine: train/{coco.ANNOTATION_FILE} cannot be read; its images are left out" in table.notes


def test_an_export_without_usable_images_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        open_table(f"coco:{tmp_path / 'nowhere'}")
    assert (error.value.file, error.value.found) == (
        str(tmp_path / "nowhere"),
        "no _annotations.coco.json found",
    )
    path = scans.cut(coco.export(tmp_path / "cut", {"1.png": [1]}), 0.5)
    with assert_refused(
        DataError, file=f"^{path}$", found="is not JSON or damaged", advice="^export or copy it again$"
    ):
        read(tmp_path / "cut")
    coco.export(tmp_path / "gone", {"1.png": [1]})
    (tmp_path / "gone" / "1.png").unlink()
    with assert_refused(DataError, file=r"coco\.json$", found="none of the 1 listed images exists"):
        read(tmp_path / "gone")


def test_annotations_in_the_folder_and_in_its_split_folders_are_refused(tmp_path: Path) -> None:
    coco.export(tmp_path, {"1.png": [1]})
    coco.export(tmp_path / "train", {"1.png": [1]})
    with assert_refused(DataError, found="found in it and in its split folders", expected="one or the other"):
        read(tmp_path)


def test_class_folders_without_annotations_are_not_an_export(tmp_path: Path) -> None:
    assert open_table(tiny_datasets.class_folders(tmp_path / "plain", {"train/a": 1, "test/a": 1})).classes == ("a",)


def test_polygons_run_lengths_and_boxes_are_distinguished(tmp_path: Path) -> None:
    annotations = [
        coco.annotation(0, 0, 1, coco.RECTANGLE),
        coco.annotation(1, 0, 1),
        coco.annotation(2, 0, 1, segmentation={"counts": [0, 9], "size": [24, 32]}, iscrowd=1, area=None),
        coco.annotation(3, 0, 2, segmentation=[], area=None),
    ]
    content = read_annotations(coco.export(tmp_path, {"1.png": []}, annotations=annotations))
    assert content.faults == ()
    assert [(a.kind, a.is_box_shaped, a.iscrowd) for a in content.annotations] == [
        ("polygon", True, False),
        ("polygon", False, False),
        ("rle", False, True),
        ("box", False, False),
    ]
    assert content.annotations[0].box == (4, 4, 16, 12)
    assert [a.area for a in content.annotations] == [192, 256, 9, 256]
    assert content.annotations[1].shapes == (Polygon(((4, 4), (20, 6), (14, 20))),)
    assert (content.images[0].file, content.images[0].width, content.images[0].height) == (tmp_path / "1.png", 32, 24)
    assert content.name(2) == "Meningioma"


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [
        ([0, 0, 8, 0, 8, 5, 0, 5], True),
        ([0, 0, 4, 0, 8, 0, 8, 5, 0, 5], True),  # a corner in the middle of a side
        ([0, 0, 8, 0, 8, 5, 4, 5, 4, 4, 0, 4], False),
        ([4, 0, 8, 4, 4, 8, 0, 4], False),  # a square on its corner
        ([0, 0, 8, 0, 8, 0, 0, 0], False),
        ([0, 0], False),
    ],
)
def test_a_box_shaped_polygon_fills_its_bounding_box(tmp_path: Path, polygon: list[float], expected: bool) -> None:
    content = read_annotations(coco.export(tmp_path, {"1.png": [1]}, polygon=polygon))
    assert content.annotations[0].is_box_shaped is expected


@pytest.mark.parametrize(
    ("replaced", "fault"),
    [
        ({"annotations": "none"}, r"has no list 'annotations'"),
        ({"annotations": [7]}, r"annotations\[0\] is 7, expected an object"),
        ({"annotations": [{"id": 1}]}, r"annotations\[0\] has neither segmentation nor bbox"),
        (
            {"annotations": [coco.annotation(5, 0, 1, segmentation=[[], []]) | {"bbox": None}]},
            r"annotations\[0\] has neither segmentation nor bbox",
        ),
        ({"annotations": [coco.annotation(5, 9, 1)]}, r"annotation 5 belongs to image 9, which is not listed"),
        ({"annotations": [coco.annotation(5, 0, 9)]}, r"annotation 5 has category 9, which is not listed"),
        ({"annotations": [coco.annotation(5, 0, 1, segmentation=[[1, 2, 3]])]}, r"polygon of 3 numbers"),
        ({"annotations": [coco.annotation(5, 0, 1, segmentation=[[1, 2, 3, "y"]])]}, r"has 'y' as 'segmentation.0.3'"),
        (
            {"annotations": [coco.annotation(5, 0, 1, segmentation=7)]},
            r"has 7 as 'segmentation', expected a valid",
        ),
        (
            {"annotations": [coco.annotation(5, 0, 1, bbox=[1, 2, "x", 3])]},
            r"'x' as 'bbox.2', expected a valid number$",
        ),
        (
            {"annotations": [coco.annotation(5, 0, 1, area=float("nan"))]},
            r"has nan as 'area', expected a finite",
        ),
        ({"annotations": [coco.annotation(5, 0, 1, image_id=[0])]}, r"has the id \[0\], expected a number"),
        (
            {"annotations": [coco.annotation(5, 0, 1, segmentation={"counts": [9]})]},
            r"\[0\] lacks 'segmentation.size'",
        ),
        (
            {"annotations": [coco.annotation(5, 0, 1, segmentation=RLE | {"counts": [700, 69]})]},
            r"do not fit 32 x 24",
        ),
        (
            {"annotations": [coco.annotation(5, 0, 1, segmentation=RLE | {"counts": [9, -1]})]},
            r"do not fit 32 x 24",
        ),
        (
            {"annotations": [coco.annotation(5, 0, 1, segmentation=RLE | {"counts": "0 1"})]},
            r"the character ' '",
        ),
        (
            {"annotations": [coco.annotation(5, 0, 1, segmentation=RLE | {"size": [9**9, 9]})]},
            r"run lengths for 9 x 3",
        ),
        ({"categories": [{"id": 3}]}, r"categories\[0\] lacks 'name'"),
        ({"images": [{"id": 0, "file_name": "1.png"}, {"file_name": "2.png"}]}, r"images\[1\] lacks 'id'"),
        ({"images": [{"id": 0, "file_name": "1.png"}, {"id": 1, "file_name": "../2.png"}]}, r"expected one below"),
    ],
)
def test_an_invalid_entry_is_reported_and_the_table_is_still_read(tmp_path: Path, replaced: dict, fault: str) -> None:
    content = read_annotations(coco.export(tmp_path / "mine", {"1.png": [1]}, **replaced))
    assert re.search(fault, content.faults[0])
    assert [s.id for s in read(tmp_path / "mine").samples] == ["mine/1.png"]


def test_numbers_in_quotes_and_what_is_left_out_are_read_as_ever(tmp_path: Path) -> None:
    entries = {
        "images": [{"id": 0, "file_name": "1.png", "width": "32", "height": None}, {"id": "b", "file_name": 7}],
        "annotations": [
            coco.annotation(5, 0, 1, segmentation=coco.OUTLINE, area="12.5", iscrowd=2),  # one polygon, no list around
            {"image_id": 0, "category_id": 1, "bbox": ["1", 2, 3, 4], "segmentation": None},
            {"image_id": 0, "category_id": 1, "bbox": [], "segmentation": RLE | {"counts": [0, 9.0]}},
        ],
        "categories": [{"id": 1, "name": " 5 "}, {"id": 1, "name": "again"}, {"id": 2, "name": 6}],
    }
    content = read_annotations(coco.export(tmp_path, {"1.png": []}, **entries))
    assert content.faults == ()
    assert [(i.id, i.file.name, i.width, i.height) for i in content.images] == [(0, "1.png", 32, 0), ("b", "7", 0, 0)]
    assert [(a.id, a.kind, a.box, a.area, a.iscrowd) for a in content.annotations] == [
        (5, "polygon", (4, 4, 16, 16), 12.5, True),
        (None, "box", (1, 2, 3, 4), 12, False),
        (None, "rle", None, 9, False),
    ]
    assert content.categories == {1: "5", 2: "6"}


def test_polygons_without_corners_leave_the_other_polygons_or_the_box(tmp_path: Path) -> None:
    entries = [
        coco.annotation(5, 0, 1, segmentation=[[]]),
        coco.annotation(6, 0, 1, segmentation=[[], coco.OUTLINE]),
    ]
    content = read_annotations(coco.export(tmp_path, {"1.png": []}, annotations=entries))
    assert content.faults == ()
    assert [(a.kind, len(a.shapes)) for a in content.annotations] == [("box", 1), ("polygon", 1)]
    assert [a.extent for a in content.annotations] == [(4, 4, 20, 20), (4, 4, 20, 20)]


@pytest.mark.parametrize("content", [b"[]", b'{"annotations": []}', b"\xff\xfe\x00", b"[" * 100_000, b""])
def test_an_invalid_annotation_file_is_an_error_of_one_line(tmp_path: Path, content: bytes) -> None:
    path = scans.raw(tmp_path / coco.ANNOTATION_FILE, content)
    with assert_refused(DataError, file=r"coco\.json$", found="(is not JSON or damaged|has no list 'images')"):
        read_annotations(path)


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not there")
def test_the_real_export_is_read_where_only_test_has_images() -> None:
    table = open_table(DATA / "coco")
    assert Counter((s.split, s.label) for s in table.samples) == {("test", "0"): 118, ("test", "1"): 97}
    assert "coco: of 2,146 listed images, 1,931 do not exist" in table.notes
