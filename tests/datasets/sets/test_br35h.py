"""Br35H: yes and no with outlines by file name and size, the outlined images alone, and invalid annotations."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans, tiny_datasets, via
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table, read_sample_mask
from tumorlens.datasets.formats.via import read_via
from tumorlens.datasets.sets.br35h import OUTLINED, read
from tumorlens.errors import DataError

BOX = via.rect(4, 4, 8, 8)


def whole_set(root: Path) -> Path:
    """yes and no, and three outlined images: one a copy in yes, one of a changed file, one without outline."""
    tiny_datasets.class_folders(root, {"no": 2, "pred": 1})
    outlined = {"y0.png": [BOX], "y1.png": [BOX], "y2.png": []}
    via.annotations(root / OUTLINED / "annotations_all.json", outlined, folders=("TRAIN", "TEST", "VAL"))
    for name in ("TRAIN/y0", "TEST/y1", "VAL/y2"):
        image = root / OUTLINED / f"{name}.png"
        scans.raw(root / "yes" / image.name, image.read_bytes() + b"changed" * (image.name == "y1.png"))
    scans.save(root / "yes" / "y3.png", scans.GRAY)
    return root


def test_images_in_yes_have_the_outlines_of_their_copies(tmp_path: Path) -> None:
    table = open_table(whole_set(tmp_path))
    assert table.name == "br35h"
    assert table.classes == ("no_tumor", "tumor")
    assert [(s.id, s.label, s.mask is not None) for s in table.samples] == [
        ("br35h/no/0.png", "no_tumor", False),
        ("br35h/no/1.png", "no_tumor", False),
        ("br35h/yes/y0.png", "tumor", True),
        ("br35h/yes/y1.png", "tumor", False),
        ("br35h/yes/y2.png", "tumor", False),
        ("br35h/yes/y3.png", "tumor", False),
    ]
    mask = read_sample_mask(table.samples[2])
    assert mask is not None
    assert mask[4:12, 4:12].all()
    assert mask.sum() == 64
    assert table.notes == (
        "br35h: no patient ids",
        "br35h: 1 of 6 images have an outline, the others no mask",
    )


def test_the_outlined_images_alone_have_the_split_of_their_folders(tmp_path: Path) -> None:
    folder = whole_set(tmp_path) / OUTLINED
    table = open_table(folder, unannotated="keep")
    assert [(s.id, s.label, s.split) for s in table.samples] == [
        ("br35h/TEST/y1.png", "tumor", "test"),
        ("br35h/TRAIN/y0.png", "tumor", "train"),
        ("br35h/VAL/y2.png", "unannotated", "val"),
    ]
    assert not np.any(read_sample_mask(table.samples[2]))
    with assert_refused(DataError, found="br35h: 1 of 3 images have no annotation"):
        open_table(folder)
    negative = open_table(folder, unannotated="negative")
    assert Counter(s.label for s in negative.samples) == {"tumor": 2, "no_tumor": 1}


def test_annotation_files_may_lie_in_split_folders_or_in_one_folder(tmp_path: Path) -> None:
    for subset, name in (("TRAIN", "annotations_train.json"), ("VAL", "via_region_data.json")):
        via.annotations(tmp_path / "split" / subset / name, {f"{subset}.png": [BOX]})
    assert [(s.id, s.split) for s in open_table(tmp_path / "split").samples] == [
        ("br35h/TRAIN/TRAIN.png", "train"),
        ("br35h/VAL/VAL.png", "val"),
    ]
    via.annotations(tmp_path / "one" / "via_region_data.json", {"1.png": [BOX]})
    assert [(s.id, s.split) for s in open_table(tmp_path / "one").samples] == [("br35h/1.png", None)]


def test_missing_and_unlisted_images_are_counted(tmp_path: Path) -> None:
    via.annotations(tmp_path / "via_region_data.json", {"1.png": [BOX], "2.png": [BOX], "3.png": [BOX]})
    (tmp_path / "2.png").rename(tmp_path / "4.png")
    (tmp_path / "3.png").unlink()
    assert open_table(tmp_path).notes == (
        "br35h: no patient ids",
        "br35h: of 3 listed images, 2 do not exist",
        "br35h: images that exist but are not listed, and so left out: 1",
    )


@pytest.mark.parametrize(
    ("build", "fields"),
    [
        (lambda p: tiny_datasets.class_folders(p, {"yes": 1}), {"found": "no images in no/ found"}),
        (lambda p: p, {"found": r"outlines \(annotations_\*\.json or via_region_data\.json\) found"}),
        (
            lambda p: scans.raw(p / "annotations_all.json", b"{"),
            {"file": r"annotations_all\.json$", "found": "is not JSON or damaged"},
        ),
        (
            lambda p: scans.raw(p / "annotations_all.json", b"[]"),
            {"found": "lists no image", "expected": "annotations exported"},
        ),
    ],
)
def test_an_invalid_folder_is_an_error_of_one_line(build, fields: dict[str, str], tmp_path: Path) -> None:
    build(tmp_path)
    with assert_refused(DataError, **fields):
        read(tmp_path)


def test_outlines_of_changed_images_are_refused(tmp_path: Path) -> None:
    via.annotations(tmp_path / "via_region_data.json", {"1.png": [BOX]})
    scans.save(tmp_path / "1.png", scans.GRAY[::-1])
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes() + b"x")
    with assert_refused(DataError, found="none of 1 listed images exists with its size in bytes"):
        open_table(tmp_path)


def test_every_shape_and_both_versions_of_the_format_are_read(tmp_path: Path) -> None:
    shapes = [
        BOX,
        via.circle(8, 8, 3),
        via.ellipse(8, 8, 4, 2, 0.5),
        via.polygon((1, 1), (9, 1), (5, 9)),
        via.polygon((1, 1), (9, 1), (5, 9), name="polyline"),
    ]
    path = via.annotations(tmp_path / "a.json", {"1.png": shapes})
    content = json.loads(path.read_text())
    new = read_via(path)
    for entry in content.values():
        entry["regions"] = {str(i): region for i, region in enumerate(entry["regions"])}
    old = read_via(scans.raw(tmp_path / "old.json", json.dumps(content).encode()))
    project = read_via(scans.raw(tmp_path / "p.json", json.dumps({"_via_img_metadata": content}).encode()))
    assert len(new.images[0].shapes) == 5
    assert new.images == old.images == project.images
    assert new.faults == ()


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        (
            {"name": "point", "cx": 1, "cy": 1},
            r"has 'point' as 'shape_attributes.name', expected one of 'polygon'",
        ),
        ({"name": "circle", "cx": 1, "cy": 1}, r"region 0 lacks 'shape_attributes.r'"),
        (via.circle(1, 1, -2), r"has -2 as 'shape_attributes.r', expected greater than or equal to 0"),
        (via.circle(1, 1, float("nan")), r"has nan as 'shape_attributes.r', expected a finite number"),
        (via.polygon((1, 1), (2, 2)), r"outline of 2 corners"),
        ({"name": "polygon", "all_points_x": [1], "all_points_y": []}, r"region 0 is an outline of 1 and 0 corners"),
        (None, r"region 0 has None as 'shape_attributes', expected an object"),
        ({}, r"region 0 lacks 'shape_attributes.name'"),
    ],
)
def test_an_invalid_shape_is_reported_and_the_others_are_used(tmp_path: Path, shape, fault: str) -> None:
    path = via.annotations(tmp_path / "via_region_data.json", {"1.png": [shape, BOX]})
    content = read_via(path)
    assert len(content.images[0].shapes) == 1
    assert len(content.faults) == 1
    (note,) = [note for note in open_table(tmp_path).notes if "cannot be used" in note]
    assert re.search(fault, note)


def test_an_entry_without_a_file_is_reported(tmp_path: Path) -> None:
    entries = {"a": {"filename": "../.."}, "b": 7, "c": {"filename": "c.png"}}
    content = read_via(scans.raw(tmp_path / "a.json", json.dumps(entries).encode()))
    assert [p.name for p in content.images] == ["c.png"]
    assert content.faults == ("'a' names the file '../..'", "'b' names no file")
