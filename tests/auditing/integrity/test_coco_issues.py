"""Annotations that list other files than there are, or boxes in place of outlines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures import coco, scans
from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.integrity.coco_issues import find_coco_issues
from tumorlens.auditing.issues import IntegrityIssue
from tumorlens.datasets import open_table, read_table, write_table


def damage(source: Path) -> dict[str, IntegrityIssue]:
    table = read_table(source) if source.suffix == ".csv" else open_table(source, unannotated="keep")
    return {one.kind: one for one in find_coco_issues(table, read_image_records([s.image for s in table.samples]))}


def details(found: IntegrityIssue) -> list[tuple[str, str]]:
    return [(path.name, detail) for path, detail in found.items]


def sound(folder: Path, **replaced: object) -> Path:
    """An export that uses all of its categories and lists all of its images."""
    return coco.export(folder, {"1.png": [1], "2.png": [2]}, **{"categories": coco.CATEGORIES[1:], **replaced})


def test_a_sound_export_is_no_damage(tmp_path: Path) -> None:
    for part in ("train", "test"):
        sound(tmp_path / part)
    assert damage(tmp_path) == {}


def test_images_without_annotations_beside_them_are_none_of_its_business(phantoms: Path) -> None:
    assert damage(phantoms) == {}


def test_outlines_that_are_all_rectangles_are_boxes(tmp_path: Path) -> None:
    coco.export(tmp_path / "train", {"1.png": [1], "2.png": [1, 2]}, polygon=coco.RECTANGLE)
    coco.export(tmp_path / "test", {"3.png": [1]}, polygon=coco.RECTANGLE)
    found = damage(tmp_path)["coco-box-polygons"]
    assert found.level == "danger"
    assert found.what.startswith("4 of 4 polygons are rectangles")
    assert "A Dice measured against them says nothing about outlines" in found.what
    assert details(found)[0] == ("3.png", "annotation 0")


def test_one_rectangle_among_outlines_is_a_warning(tmp_path: Path) -> None:
    annotations = [coco.annotation(0, 0, 1), coco.annotation(1, 1, 2, coco.RECTANGLE)]
    sound(tmp_path, annotations=annotations)
    found = damage(tmp_path)
    assert list(found) == ["coco-box-polygons"]
    assert (found["coco-box-polygons"].level, details(found["coco-box-polygons"])) == (
        "warning",
        [("2.png", "annotation 1")],
    )


def test_boxes_alone_are_no_outlines(tmp_path: Path) -> None:
    sound(tmp_path, annotations=[coco.annotation(i, i, i + 1, segmentation=[]) for i in range(2)])
    assert list(damage(tmp_path)) == ["coco-boxes"]


def test_what_is_listed_and_what_is_there_are_compared(tmp_path: Path) -> None:
    coco.export(tmp_path / "train", {"1.png": [1], "2.png": [], "3.png": [1]})
    (tmp_path / "train" / "3.png").rename(tmp_path / "train" / "4.png")
    found = damage(tmp_path)
    assert details(found["coco-unannotated"]) == [("2.png", "no annotation")]
    assert details(found["coco-missing"]) == [("3.png", "listed, not there")]
    assert details(found["coco-unlisted"]) == [("4.png", "there, not listed")]
    assert found["coco-missing"].what.startswith("1 of 3 listed images are not there")
    assert details(found["coco-unused-category"]) == [(coco.ANNOTATION_FILE, "Meningioma"), (coco.ANNOTATION_FILE, "Tumor")]


def test_a_category_that_another_part_uses_is_used(tmp_path: Path) -> None:
    coco.export(tmp_path / "train", {"1.png": [1]}, categories=coco.CATEGORIES[1:])
    coco.export(tmp_path / "test", {"1.png": [2]}, categories=coco.CATEGORIES[1:])
    assert damage(tmp_path) == {}


def test_parts_without_any_image_are_told(tmp_path: Path) -> None:
    sound(tmp_path / "test")
    sound(tmp_path / "train")
    for number in (1, 2):
        (tmp_path / "train" / f"{number}.png").unlink()
    assert damage(tmp_path)["coco-missing"].what.startswith("2 of 4 listed")
    assert damage(tmp_path / "test") == {}


def test_a_table_written_from_an_export_is_checked_as_well(tmp_path: Path) -> None:
    coco.export(tmp_path / "mine" / "train", {"1.png": [1]}, polygon=coco.RECTANGLE)
    written = write_table(open_table(tmp_path / "mine"), tmp_path / "elsewhere.csv")
    assert "coco-box-polygons" in damage(written)


def test_outlines_that_the_table_does_not_use_are_not_judged(tmp_path: Path) -> None:
    coco.export(tmp_path / "set", {"1.png": [1], "2.png": []}, polygon=coco.RECTANGLE)
    table = open_table(tmp_path / "set", unannotated="keep")
    mask = scans.save(tmp_path / "masks" / "1.png", scans.MASK)
    rows = tuple(replace(s, mask=mask if s.label == "glioma" else None) for s in table.samples)
    found = find_coco_issues(replace(table, samples=rows), read_image_records([s.image for s in rows]))
    assert "coco-box-polygons" not in {one.kind for one in found}
    assert "coco-unannotated" in {one.kind for one in found}


@pytest.mark.parametrize(
    ("polygon", "kind"),
    [
        ([4, 4, 20, 4, 12, 4], "coco-empty"),
        ([4, 4, 20, 5, 12, 6], "coco-empty"),
        ([4, 4, 40, 6, 14, 20], "coco-out-of-bounds"),
        ([-5, 4, 20, 6, 14, 20], "coco-out-of-bounds"),
    ],
)
def test_outlines_of_nothing_and_outlines_elsewhere(tmp_path: Path, polygon: list[float], kind: str) -> None:
    sound(tmp_path, annotations=[coco.annotation(0, 0, 1), coco.annotation(7, 1, 2, polygon)])
    found = damage(tmp_path)
    assert list(found) == [kind]
    assert details(found[kind])[0][1].startswith("annotation 7")


def test_a_box_rounded_over_the_edge_is_inside(tmp_path: Path) -> None:
    sound(tmp_path, annotations=[coco.annotation(0, 0, 1), coco.annotation(1, 1, 2, [0, 0, 33, 6, 14, 25])])
    assert damage(tmp_path) == {}


def test_a_image_of_another_size_than_listed(tmp_path: Path) -> None:
    sound(tmp_path)
    scans.save(tmp_path / "2.png", scans.GRAY[:20])
    found = damage(tmp_path)["coco-size"]
    assert found.level == "danger"
    assert details(found) == [("2.png", "32 x 20 pixels, listed with 32 x 24")]


def test_ids_used_twice_are_named(tmp_path: Path) -> None:
    path = sound(tmp_path)
    held = json.loads(path.read_text())
    for entry in (*held["images"], *held["annotations"]):
        entry["id"] = 0
    held["images"].append({"id": 1, "file_name": "1.png"})
    path.write_text(json.dumps(held))
    assert details(damage(tmp_path)["coco-duplicate-ids"]) == [
        (coco.ANNOTATION_FILE, "image 0, 2 times"),
        (coco.ANNOTATION_FILE, "annotation 0, 2 times"),
        ("1.png", "listed 2 times"),
    ]


def test_entries_and_files_that_cannot_be_read_are_findings(tmp_path: Path) -> None:
    sound(tmp_path / "test", annotations=[coco.annotation(0, 0, 1), coco.annotation(1, 1, 2), {"id": 2}])
    scans.cut(sound(tmp_path / "train"), 0.5)
    found = damage(tmp_path)
    assert list(found) == ["coco-unreadable", "coco-invalid-entries"]
    assert found["coco-unreadable"].level == "danger"
    assert details(found["coco-unreadable"])[0][1].startswith("is no JSON or damaged")
    assert details(found["coco-invalid-entries"]) == [(coco.ANNOTATION_FILE, "annotations[2] has neither segmentation nor bbox")]
