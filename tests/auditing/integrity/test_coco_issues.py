"""Annotation files that list missing images, or boxes in place of outlines."""

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


def issues(source: Path) -> dict[str, IntegrityIssue]:
    table = read_table(source) if source.suffix == ".csv" else open_table(source, unannotated="keep")
    return {
        issue.kind: issue for issue in find_coco_issues(table, read_image_records([s.image for s in table.samples]))
    }


def details(issue: IntegrityIssue) -> list[tuple[str, str]]:
    return [(path.name, detail) for path, detail in issue.items]


def valid_export(folder: Path, **replaced: object) -> Path:
    """An export that uses all of its categories and lists all of its images."""
    return coco.export(folder, {"1.png": [1], "2.png": [2]}, **{"categories": coco.CATEGORIES[1:], **replaced})


def test_a_valid_export_has_no_issue(tmp_path: Path) -> None:
    for part in ("train", "test"):
        valid_export(tmp_path / part)
    assert issues(tmp_path) == {}


def test_images_without_annotation_files_have_no_coco_issue(phantoms: Path) -> None:
    assert issues(phantoms) == {}


def test_polygons_that_are_all_boxes_are_a_danger(tmp_path: Path) -> None:
    coco.export(tmp_path / "train", {"1.png": [1], "2.png": [1, 2]}, polygon=coco.RECTANGLE)
    coco.export(tmp_path / "test", {"3.png": [1]}, polygon=coco.RECTANGLE)
    found = issues(tmp_path)["coco-box-polygons"]
    assert found.level == "danger"
    assert found.message.startswith("4 of 4 polygons are axis-aligned boxes")
    assert "A Dice score against boxes says nothing about outlines" in found.message
    assert details(found)[0] == ("3.png", "annotation 0")


def test_one_box_polygon_among_outlines_is_a_warning(tmp_path: Path) -> None:
    annotations = [coco.annotation(0, 0, 1), coco.annotation(1, 1, 2, coco.RECTANGLE)]
    valid_export(tmp_path, annotations=annotations)
    found = issues(tmp_path)
    assert list(found) == ["coco-box-polygons"]
    assert (found["coco-box-polygons"].level, details(found["coco-box-polygons"])) == (
        "warning",
        [("2.png", "annotation 1")],
    )


def test_annotations_with_a_box_only_are_reported(tmp_path: Path) -> None:
    valid_export(tmp_path, annotations=[coco.annotation(i, i, i + 1, segmentation=[]) for i in range(2)])
    assert list(issues(tmp_path)) == ["coco-boxes"]


def test_listed_images_are_compared_with_the_files(tmp_path: Path) -> None:
    coco.export(tmp_path / "train", {"1.png": [1], "2.png": [], "3.png": [1]})
    (tmp_path / "train" / "3.png").rename(tmp_path / "train" / "4.png")
    found = issues(tmp_path)
    assert details(found["coco-unannotated"]) == [("2.png", "no annotation")]
    assert details(found["coco-missing"]) == [("3.png", "listed, but missing")]
    assert details(found["coco-unlisted"]) == [("4.png", "not listed")]
    assert found["coco-missing"].message.startswith("1 of 3 listed images are missing")
    assert details(found["coco-unused-category"]) == [
        (coco.ANNOTATION_FILE, "Meningioma"),
        (coco.ANNOTATION_FILE, "Tumor"),
    ]


def test_a_category_used_in_another_subset_is_used(tmp_path: Path) -> None:
    coco.export(tmp_path / "train", {"1.png": [1]}, categories=coco.CATEGORIES[1:])
    coco.export(tmp_path / "test", {"1.png": [2]}, categories=coco.CATEGORIES[1:])
    assert issues(tmp_path) == {}


def test_a_subset_without_any_image_is_reported(tmp_path: Path) -> None:
    valid_export(tmp_path / "test")
    valid_export(tmp_path / "train")
    for number in (1, 2):
        (tmp_path / "train" / f"{number}.png").unlink()
    assert issues(tmp_path)["coco-missing"].message.startswith("2 of 4 listed")
    assert issues(tmp_path / "test") == {}


def test_a_table_written_from_an_export_is_checked_too(tmp_path: Path) -> None:
    coco.export(tmp_path / "mine" / "train", {"1.png": [1]}, polygon=coco.RECTANGLE)
    written = write_table(open_table(tmp_path / "mine"), tmp_path / "table.csv")
    assert "coco-box-polygons" in issues(written)


def test_outlines_that_the_table_does_not_use_are_not_checked(tmp_path: Path) -> None:
    coco.export(tmp_path / "set", {"1.png": [1], "2.png": []}, polygon=coco.RECTANGLE)
    table = open_table(tmp_path / "set", unannotated="keep")
    mask = scans.save(tmp_path / "masks" / "1.png", scans.MASK)
    rows = tuple(replace(s, mask=mask if s.label == "glioma" else None) for s in table.samples)
    found = find_coco_issues(replace(table, samples=rows), read_image_records([s.image for s in rows]))
    assert "coco-box-polygons" not in {issue.kind for issue in found}
    assert "coco-unannotated" in {issue.kind for issue in found}


@pytest.mark.parametrize(
    ("polygon", "kind"),
    [
        ([4, 4, 20, 4, 12, 4], "coco-empty"),
        ([4, 4, 20, 5, 12, 6], "coco-empty"),
        ([4, 4, 40, 6, 14, 20], "coco-out-of-bounds"),
        ([-5, 4, 20, 6, 14, 20], "coco-out-of-bounds"),
    ],
)
def test_empty_and_out_of_bounds_outlines_are_reported(tmp_path: Path, polygon: list[float], kind: str) -> None:
    valid_export(tmp_path, annotations=[coco.annotation(0, 0, 1), coco.annotation(7, 1, 2, polygon)])
    found = issues(tmp_path)
    assert list(found) == [kind]
    assert details(found[kind])[0][1].startswith("annotation 7")


def test_a_box_rounded_over_the_edge_is_in_bounds(tmp_path: Path) -> None:
    valid_export(tmp_path, annotations=[coco.annotation(0, 0, 1), coco.annotation(1, 1, 2, [0, 0, 33, 6, 14, 25])])
    assert issues(tmp_path) == {}


def test_an_image_with_another_size_than_listed_is_a_danger(tmp_path: Path) -> None:
    valid_export(tmp_path)
    scans.save(tmp_path / "2.png", scans.GRAY[:20])
    found = issues(tmp_path)["coco-size"]
    assert found.level == "danger"
    assert details(found) == [("2.png", "32 x 20 pixels, listed with 32 x 24")]


def test_duplicate_ids_are_listed(tmp_path: Path) -> None:
    path = valid_export(tmp_path)
    content = json.loads(path.read_text())
    for entry in (*content["images"], *content["annotations"]):
        entry["id"] = 0
    content["images"].append({"id": 1, "file_name": "1.png"})
    path.write_text(json.dumps(content))
    assert details(issues(tmp_path)["coco-duplicate-ids"]) == [
        (coco.ANNOTATION_FILE, "image 0, 2 times"),
        (coco.ANNOTATION_FILE, "annotation 0, 2 times"),
        ("1.png", "listed 2 times"),
    ]


def test_unreadable_entries_and_files_are_issues(tmp_path: Path) -> None:
    valid_export(tmp_path / "test", annotations=[coco.annotation(0, 0, 1), coco.annotation(1, 1, 2), {"id": 2}])
    scans.cut(valid_export(tmp_path / "train"), 0.5)
    found = issues(tmp_path)
    assert list(found) == ["coco-unreadable", "coco-invalid-entries"]
    assert found["coco-unreadable"].level == "danger"
    assert details(found["coco-unreadable"])[0][1].startswith("is not JSON or damaged")
    assert details(found["coco-invalid-entries"]) == [
        (coco.ANNOTATION_FILE, "annotations[2] has neither segmentation nor bbox")
    ]
