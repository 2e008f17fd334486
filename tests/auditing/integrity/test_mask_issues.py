"""Integrity issues of masks: missing, unreadable, displaced, empty, or boxes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.fixtures import coco, scans, via
from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.integrity.file_issues import find_integrity_issues
from tumorlens.auditing.issues import IntegrityIssue
from tumorlens.datasets import MaskLocation, Sample, Table, open_table

BOX = np.zeros((64, 64), dtype=np.uint8)
BOX[10:30, 20:50] = 255
SHAPE = BOX.copy()
SHAPE[10, 20] = 0


def image(path: Path) -> Path:
    return scans.save(path, (np.add.outer(np.arange(64), np.arange(64))).astype(np.uint8))


def issues(folder: Path, *masks: Path | None, label: str = "glioma") -> dict[str, IntegrityIssue]:
    """The issues of images with these masks."""
    samples = tuple(Sample(f"made/{i}", image(folder / f"{i}.png"), label, mask) for i, mask in enumerate(masks))
    table = Table("made", samples, (label,))
    return {
        issue.kind: issue
        for issue in find_integrity_issues(table, read_image_records([s.image for s in table.samples]))
    }


def details(issue: IntegrityIssue) -> list[tuple[str, str]]:
    return [(path.name, detail) for path, detail in issue.items]


def test_outlines_have_no_issue(phantoms: Path) -> None:
    table = open_table(phantoms)
    assert find_integrity_issues(table, read_image_records([s.image for s in table.samples])) == ()


def test_every_mask_is_read_once_and_counted(tmp_path: Path) -> None:
    shared = scans.save(tmp_path / "m" / "shared.png", SHAPE)
    other = scans.save(tmp_path / "m" / "other.png", SHAPE)
    samples = tuple(
        Sample(f"made/{i}", image(tmp_path / f"{i}.png"), "glioma", mask)
        for i, mask in enumerate([shared, shared, other])
    )
    table = Table("made", samples, ("glioma",))
    steps: list[tuple[str, int, int | None]] = []
    records = read_image_records([s.image for s in samples])
    assert find_integrity_issues(table, records, progress=lambda *step: steps.append(step)) == ()
    assert steps == [("reading masks", 1, 2), ("reading masks", 2, 2)]
    steps.clear()
    find_integrity_issues(table, records, masks=False, progress=lambda *step: steps.append(step))
    assert steps == []


def test_unusable_masks_are_explained(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    found = issues(
        tmp_path,
        scans.save(folder / "outline.png", SHAPE),
        folder / "gone.png",
        scans.cut(scans.save(folder / "cut.png", np.tile(scans.GRAY, (9, 9))), 0.6),
        scans.save(folder / "blurred.jpg", SHAPE),
        scans.save(folder / "half.png", SHAPE[::2, ::2]),
        scans.save(folder / "empty.png", SHAPE * 0),
        None,
    )
    assert details(found["mask-missing"]) == [("gone.png", "does not exist")]
    assert details(found["mask-unreadable"])[0][0] == "cut.png"
    assert details(found["mask-values"])[0][0] == "blurred.jpg"
    assert "different values" in details(found["mask-values"])[0][1]
    assert details(found["mask-size"]) == [("half.png", "32 x 32 pixels, its image 64 x 64")]
    assert details(found["mask-empty"]) == [("empty.png", "empty, of class glioma")]
    assert details(found["no-mask"]) == [("6.png", "no mask, of class glioma")]
    assert found["mask-empty"].message.startswith("1 of 6 masks are empty although the class is a tumor")
    assert {kind for kind, issue in found.items() if issue.level == "danger"} == {
        "mask-unreadable",
        "mask-values",
        "mask-size",
    }


def test_without_a_tumor_an_empty_mask_is_expected_and_a_tumor_is_not(tmp_path: Path) -> None:
    empty = scans.save(tmp_path / "m" / "empty.png", SHAPE * 0)
    assert issues(tmp_path, empty, None, label="no_tumor") == {}
    full = scans.save(tmp_path / "m" / "full.png", SHAPE)
    found = issues(tmp_path, empty, full, label="no_tumor")
    assert details(found["mask-unexpected"]) == [("full.png", "599 pixels of tumor, of class no_tumor")]


def test_masks_that_are_all_boxes_are_a_danger(tmp_path: Path) -> None:
    boxes = [scans.save(tmp_path / "m" / f"{i}.png", np.roll(BOX, i, axis=0)) for i in range(3)]
    empty = scans.save(tmp_path / "m" / "empty.png", BOX * 0)
    found = issues(tmp_path, *boxes, empty)["box-masks"]
    assert found.level == "danger"
    assert found.message.startswith("3 of 3 masks that show a tumor are filled boxes, not outlines")
    assert len(found.items) == 3


def test_one_box_among_outlines_is_a_warning(tmp_path: Path) -> None:
    outlines = [scans.save(tmp_path / "m" / f"{i}.png", np.roll(SHAPE, i, axis=0)) for i in range(3)]
    found = issues(tmp_path, *outlines, scans.save(tmp_path / "m" / "box.png", BOX))["box-masks"]
    assert found.level == "warning"
    assert details(found) == [("box.png", "a filled box")]


def test_outlines_of_coco_are_checked_once(tmp_path: Path) -> None:
    coco.export(tmp_path / "set", {"1.png": [1], "2.png": [2]}, polygon=coco.RECTANGLE)
    table = open_table(tmp_path / "set")
    found = [one.kind for one in find_integrity_issues(table, read_image_records([s.image for s in table.samples]))]
    assert found.count("coco-box-polygons") == 1
    assert not [kind for kind in found if kind.startswith("mask-")]


def test_outlines_of_the_image_annotator_are_checked_as_masks(tmp_path: Path) -> None:
    via.annotations(
        tmp_path / "via_region_data.json", {"1.png": [via.rect(4, 4, 9, 9)], "2.png": [via.rect(3, 3, 9, 9)]}
    )
    table = open_table(tmp_path)
    found = {
        issue.kind: issue
        for issue in find_integrity_issues(table, read_image_records([s.image for s in table.samples]))
    }
    assert found["box-masks"].message.startswith("2 of 2 masks that show a tumor are filled boxes")
    (tmp_path / "via_region_data.json").write_text("{")
    found = {
        issue.kind: issue
        for issue in find_integrity_issues(table, read_image_records([s.image for s in table.samples]))
    }
    assert details(found["mask-unreadable"])[0][1].startswith("is not JSON or damaged")


def test_a_transformed_mask_has_the_size_of_its_image_and_one_of_an_unreadable_image_has_none(tmp_path: Path) -> None:
    mask = MaskLocation(scans.save(tmp_path / "m" / "1.png", SHAPE[:32]), dihedral=4).path
    assert issues(tmp_path, mask) == {}
    gone = MaskLocation(tmp_path / "m" / "2.png", dihedral=4).path
    assert list(issues(tmp_path, gone)) == ["mask-missing"]
    table = Table("made", (Sample("made/1", scans.raw(tmp_path / "bad.png", b"x"), "glioma", mask),), ("glioma",))
    assert not _masks(table)
    outlines = via.annotations(tmp_path / "a.json", {"1.png": [via.rect(4, 4, 9, 9)]})
    outline = replace(table.samples[0], mask=MaskLocation(outlines, image="1.png").path)
    assert not _masks(replace(table, samples=(outline,)))


def _masks(table: Table) -> list[str]:
    """Kinds of the issues of masks."""
    found = find_integrity_issues(table, read_image_records([s.image for s in table.samples]))
    return [issue.kind for issue in found if issue.kind.startswith("mask-")]


def test_a_tumor_of_a_few_pixels_may_be_a_box(tmp_path: Path) -> None:
    tiny = BOX * 0
    tiny[5:8, 5:8] = 255
    assert issues(tmp_path, scans.save(tmp_path / "m" / "tiny.png", tiny)) == {}
