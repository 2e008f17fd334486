"""Masks from files, turned masks and masks drawn from annotations, each at the size of its image."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import coco, scans, via
from tumorlens.datasets import (
    MaskLocation,
    Sample,
    Table,
    load_mask,
    open_table,
    read_sample_mask,
    read_table,
    write_table,
)
from tumorlens.errors import DataError, ScanError
from tumorlens.scan.dihedral import DIHEDRAL_NAMES, apply_dihedral


def sample(folder: Path, mask: Path | None, image: np.ndarray = scans.GRAY) -> Sample:
    return Sample("made/1", scans.save(folder / "image.png", image), "glioma", mask)


@pytest.mark.parametrize(
    "place",
    [
        MaskLocation(Path("a/1.png")),
        MaskLocation(Path("a/scan #3.png")),
        MaskLocation(Path("a/1.mat"), dihedral=0),
        MaskLocation(Path("a #1/1.png"), dihedral=7),
        MaskLocation(Path("a/b.json"), image="2810"),
        MaskLocation(Path("a/b.json"), image="über/x#image=1 & %.jpg19127"),
    ],
)
def test_a_path_says_which_part_of_which_file_and_stays_in_its_folder(place: MaskLocation) -> None:
    assert MaskLocation.parse(place.path) == place
    assert place.path.parent == place.file.parent


def test_what_only_looks_like_a_part_is_a_name() -> None:
    for name in ("1.png#dihedral=8", "1.png#dihedral=4.png", "#dihedral=4", "1.png#image="):
        assert MaskLocation.parse(Path(name)) == MaskLocation(Path(name))


def test_a_mask_file_is_read_as_it_is(tmp_path: Path) -> None:
    mask = scans.save(tmp_path / "mask.png", scans.MASK * np.uint8(255))
    np.testing.assert_array_equal(read_sample_mask(sample(tmp_path, mask)), scans.MASK)
    assert read_sample_mask(sample(tmp_path, None)) is None


def test_a_matlab_file_is_image_and_mask(tmp_path: Path) -> None:
    path = scans.figshare_mat(tmp_path / "1.mat")
    np.testing.assert_array_equal(read_sample_mask(Sample("figshare/1", path, "glioma", path)), scans.MASK)


@pytest.mark.parametrize("turn", range(len(DIHEDRAL_NAMES)))
def test_a_turned_mask_fits_the_turned_image(tmp_path: Path, turn: int) -> None:
    mask = MaskLocation(scans.save(tmp_path / "mask.png", scans.MASK), dihedral=turn).path
    image = np.ascontiguousarray(apply_dihedral(scans.GRAY, turn))
    found = read_sample_mask(sample(tmp_path, mask, image))
    np.testing.assert_array_equal(found, apply_dihedral(scans.MASK, turn))
    larger = read_sample_mask(sample(tmp_path, mask, image.repeat(3, axis=0).repeat(2, axis=1)))
    np.testing.assert_array_equal(larger, apply_dihedral(scans.MASK, turn).repeat(3, axis=0).repeat(2, axis=1))


def test_all_annotations_of_a_image_are_one_mask(tmp_path: Path) -> None:
    left, right, run = (
        [0, 0, 4, 0, 4, 24, 0, 24],
        [28, 0, 32, 0, 32, 24, 28, 24],
        {"size": [24, 32], "counts": [240, 24]},
    )
    annotations = [
        coco.annotation(0, 0, 1, left),
        coco.annotation(1, 0, 2, right, iscrowd=1),
        coco.annotation(2, 0, 1, segmentation=run),
        coco.annotation(3, 0, 1, segmentation=[], bbox=[16, 0, 2, 24]),
        coco.annotation(4, 1, 1, segmentation=[left, right]),
    ]
    coco.export(tmp_path / "set", {"1.png": [], "2.png": []}, annotations=annotations)
    one, two = open_table(tmp_path / "set").samples
    found = read_sample_mask(one)
    assert found is not None
    assert (found == found[0]).all()
    assert np.flatnonzero(found[0]).tolist() == [0, 1, 2, 3, 10, 16, 17, 28, 29, 30, 31]
    other = read_sample_mask(two)
    assert other is not None
    assert np.flatnonzero(other[5]).tolist() == [0, 1, 2, 3, 28, 29, 30, 31]


def test_compressed_run_lengths_are_a_mask(tmp_path: Path) -> None:
    run = {"size": [24, 32], "counts": "T?8`0000000000000000T2"}
    coco.export(tmp_path / "set", {"1.png": []}, annotations=[coco.annotation(0, 0, 1, segmentation=run)])
    np.testing.assert_array_equal(read_sample_mask(open_table(tmp_path / "set").samples[0]), scans.MASK)


def test_boxes_and_groups_are_told_in_the_notes(tmp_path: Path) -> None:
    annotations = [coco.annotation(0, 0, 1, segmentation=[]), coco.annotation(1, 0, 1, iscrowd=1)]
    coco.export(tmp_path / "set", {"1.png": []}, annotations=annotations)
    assert {
        "set: of 2 annotations, 1 are boxes; the masks show them as filled rectangles",
        "set: of 2 annotations, 1 stand for several objects (iscrowd); the masks show them",
    } <= set(open_table(tmp_path / "set").notes)


def test_what_a_category_without_tumor_covers_is_no_tumor(tmp_path: Path) -> None:
    categories = [{"id": 1, "name": "Glioma"}, {"id": 2, "name": "No Tumor"}]
    coco.export(tmp_path / "set", {"1.png": [1], "2.png": [2]}, categories=categories)
    table = open_table(tmp_path / "set")
    assert [(s.label, bool(np.any(read_sample_mask(s)))) for s in table.samples] == [
        ("glioma", True),
        ("no_tumor", False),
    ]


def test_outlines_of_the_image_annotator_are_a_mask(tmp_path: Path) -> None:
    shapes = [via.rect(0, 0, 4, 24), via.circle(16, 12, 3)]
    path = via.annotations(tmp_path / "via_region_data.json", {"1.png": shapes})
    key = f"1.png{(tmp_path / '1.png').stat().st_size}"
    found = read_sample_mask(Sample("made/1", tmp_path / "1.png", "tumor", MaskLocation(path, image=key).path))
    assert found is not None
    assert found[:, :4].all()
    assert found[12, 14:18].all()
    assert found.sum() == 4 * 24 + 32


def test_a_mask_of_another_size_than_its_image_is_refused(tmp_path: Path) -> None:
    mask = scans.save(tmp_path / "half.png", scans.MASK[::2, ::2])
    with pytest.raises(ScanError, match=r"half\.png: is 16 x 12 pixels, but its image .*image\.png 32 x 24; export"):
        read_sample_mask(sample(tmp_path, mask))
    coco.export(tmp_path / "set", {"1.png": [1]})
    (one,) = open_table(tmp_path / "set").samples
    scans.save(one.image, scans.GRAY[:20])
    with pytest.raises(ScanError, match=r"json#image=0: was drawn on 32 x 24 pixels, but its image has 32 x 20"):
        read_sample_mask(one)


def test_run_lengths_of_another_size_are_refused(tmp_path: Path) -> None:
    run = {"size": [32, 24], "counts": [0, 9]}
    coco.export(tmp_path / "set", {"1.png": []}, annotations=[coco.annotation(0, 0, 1, segmentation=run)])
    with pytest.raises(ScanError, match=r"#image=0: holds run lengths for 24 x 32 pixels"):
        read_sample_mask(open_table(tmp_path / "set").samples[0])


def test_a_image_stored_on_its_side_has_the_size_it_is_shown_with(tmp_path: Path) -> None:
    mask = scans.save(tmp_path / "mask.png", scans.MASK)
    lying = Sample("made/1", scans.oriented(tmp_path / "lying.jpg", 6), "glioma", mask)
    np.testing.assert_array_equal(read_sample_mask(lying), scans.MASK)


def test_annotations_that_are_not_there_are_one_clear_line(tmp_path: Path) -> None:
    gone = sample(tmp_path, tmp_path / "gone.coco.json#image=1")
    with pytest.raises(DataError, match=r"gone\.coco\.json: cannot be read \(No such file"):
        read_sample_mask(gone)
    path = coco.export(tmp_path / "set", {"1.png": [1]})
    with pytest.raises(DataError, match=r"coco\.json: lists no image '7'; expected one of its 1"):
        read_sample_mask(sample(tmp_path, MaskLocation(path, image="7").path))
    scans.raw(path, b"[]")
    with pytest.raises(DataError, match=r"coco\.json: has no list 'images'"):
        read_sample_mask(sample(tmp_path, MaskLocation(path, image="0").path))


def test_a_file_of_annotations_is_read_again_only_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tumorlens.datasets import reference_masks as masks

    read: list[Path] = []
    original = masks.outlines_by_image
    monkeypatch.setattr(masks, "drawn_by_image", lambda path: read.append(path) or original(path))
    path = coco.export(tmp_path / "set", {"1.png": [1]})
    (one,) = open_table(tmp_path / "set").samples
    before = read_sample_mask(one)
    np.testing.assert_array_equal(read_sample_mask(one), before)
    assert read == [path]
    coco.export(tmp_path / "set", {"1.png": [1]}, polygon=coco.RECTANGLE)
    os.utime(path, ns=(1, 1))
    after = read_sample_mask(one)
    assert after is not None
    assert after.sum() == 16 * 12
    assert read == [path, path]


def test_a_table_keeps_which_part_of_the_file_is_meant(tmp_path: Path) -> None:
    coco.export(tmp_path / "set" / "train", {"1.png": [1]})
    turned_mask = MaskLocation(scans.save(tmp_path / "m" / "1.png", scans.MASK), dihedral=5).path
    (one,) = open_table(tmp_path / "set").samples
    table = Table("made", (one, sample(tmp_path, turned_mask)), ("glioma",))
    back = read_table(write_table(table, tmp_path / "elsewhere" / "made.csv"))
    for before, after in zip(table.samples, back.samples, strict=True):
        np.testing.assert_array_equal(read_sample_mask(after), read_sample_mask(before))
    assert "../m/1.png#dihedral=5" in (tmp_path / "elsewhere" / "made.csv").read_text()


def test_a_table_whose_mask_file_is_gone_names_the_file(tmp_path: Path) -> None:
    scans.save(tmp_path / "1.png", scans.GRAY)
    scans.raw(tmp_path / "made.csv", b"image,label,mask\n1.png,glioma,m/1.png#dihedral=5\n")
    with pytest.raises(DataError, match=r"line 2: .*m/1\.png does not exist"):
        read_table(tmp_path / "made.csv")


def test_an_outline_is_drawn_at_the_size_asked_for(tmp_path: Path) -> None:
    mask = MaskLocation(scans.save(tmp_path / "mask.png", scans.MASK), dihedral=0).path
    assert load_mask(mask, (48, 64)).shape == (48, 64)
