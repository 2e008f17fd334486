"""Reference masks from files, transformed masks and rendered annotations, at the size of their image."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import coco, scans, via
from tests.fixtures.refusal import assert_refused
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
    "location",
    [
        MaskLocation(Path("a/1.png")),
        MaskLocation(Path("a/scan #3.png")),
        MaskLocation(Path("a/1.mat"), dihedral=0),
        MaskLocation(Path("a #1/1.png"), dihedral=7),
        MaskLocation(Path("a/b.json"), image="2810"),
        MaskLocation(Path("a/b.json"), image="über/x#image=1 & %.jpg19127"),
    ],
)
def test_a_mask_path_is_composed_and_parsed_without_loss(location: MaskLocation) -> None:
    assert MaskLocation.parse(location.path) == location
    assert location.path.parent == location.file.parent


def test_other_suffixes_are_part_of_the_file_name() -> None:
    for name in ("1.png#dihedral=8", "1.png#dihedral=4.png", "#dihedral=4", "1.png#image="):
        assert MaskLocation.parse(Path(name)) == MaskLocation(Path(name))


def test_a_mask_file_is_read_unchanged(tmp_path: Path) -> None:
    mask = scans.save(tmp_path / "mask.png", scans.MASK * np.uint8(255))
    np.testing.assert_array_equal(read_sample_mask(sample(tmp_path, mask)), scans.MASK)
    assert read_sample_mask(sample(tmp_path, None)) is None


def test_a_matlab_file_holds_image_and_mask(tmp_path: Path) -> None:
    path = scans.figshare_mat(tmp_path / "1.mat")
    np.testing.assert_array_equal(read_sample_mask(Sample("figshare/1", path, "glioma", path)), scans.MASK)


@pytest.mark.parametrize("transform", range(len(DIHEDRAL_NAMES)))
def test_a_transformed_mask_fits_the_transformed_image(tmp_path: Path, transform: int) -> None:
    mask = MaskLocation(scans.save(tmp_path / "mask.png", scans.MASK), dihedral=transform).path
    image = np.ascontiguousarray(apply_dihedral(scans.GRAY, transform))
    mask_in_file = read_sample_mask(sample(tmp_path, mask, image))
    np.testing.assert_array_equal(mask_in_file, apply_dihedral(scans.MASK, transform))
    larger = read_sample_mask(sample(tmp_path, mask, image.repeat(3, axis=0).repeat(2, axis=1)))
    np.testing.assert_array_equal(larger, apply_dihedral(scans.MASK, transform).repeat(3, axis=0).repeat(2, axis=1))


def test_all_annotations_of_an_image_are_merged_into_one_mask(tmp_path: Path) -> None:
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
    mask = read_sample_mask(one)
    assert mask is not None
    assert (mask == mask[0]).all()
    assert np.flatnonzero(mask[0]).tolist() == [0, 1, 2, 3, 10, 16, 17, 28, 29, 30, 31]
    other = read_sample_mask(two)
    assert other is not None
    assert np.flatnonzero(other[5]).tolist() == [0, 1, 2, 3, 28, 29, 30, 31]


def test_compressed_run_lengths_are_rendered(tmp_path: Path) -> None:
    run = {"size": [24, 32], "counts": "T?8`0000000000000000T2"}
    coco.export(tmp_path / "set", {"1.png": []}, annotations=[coco.annotation(0, 0, 1, segmentation=run)])
    np.testing.assert_array_equal(read_sample_mask(open_table(tmp_path / "set").samples[0]), scans.MASK)


def test_the_notes_count_boxes_and_groups(tmp_path: Path) -> None:
    annotations = [coco.annotation(0, 0, 1, segmentation=[]), coco.annotation(1, 0, 1, iscrowd=1)]
    coco.export(tmp_path / "set", {"1.png": []}, annotations=annotations)
    assert {
        "set: of 2 annotations, 1 are boxes; the masks show them as filled boxes",
        "set: of 2 annotations, 1 stand for several objects (iscrowd); the masks show them",
    } <= set(open_table(tmp_path / "set").notes)


def test_a_category_without_tumor_is_not_part_of_the_mask(tmp_path: Path) -> None:
    categories = [{"id": 1, "name": "Glioma"}, {"id": 2, "name": "No Tumor"}]
    coco.export(tmp_path / "set", {"1.png": [1], "2.png": [2]}, categories=categories)
    table = open_table(tmp_path / "set")
    assert [(s.label, bool(np.any(read_sample_mask(s)))) for s in table.samples] == [
        ("glioma", True),
        ("no_tumor", False),
    ]


def test_outlines_of_the_vgg_image_annotator_are_rendered(tmp_path: Path) -> None:
    shapes = [via.rect(0, 0, 4, 24), via.circle(16, 12, 3)]
    path = via.annotations(tmp_path / "via_region_data.json", {"1.png": shapes})
    key = f"1.png{(tmp_path / '1.png').stat().st_size}"
    mask = read_sample_mask(Sample("made/1", tmp_path / "1.png", "tumor", MaskLocation(path, image=key).path))
    assert mask is not None
    assert mask[:, :4].all()
    assert mask[12, 14:18].all()
    assert mask.sum() == 4 * 24 + 32


def test_a_mask_of_another_size_than_its_image_is_refused(tmp_path: Path) -> None:
    mask = scans.save(tmp_path / "half.png", scans.MASK[::2, ::2])
    with assert_refused(
        ScanError,
        file=r"half\.png$",
        found=r"is 16 x 12 pixels, but its image .*image\.png has 32 x 24",
        advice="export",
    ):
        read_sample_mask(sample(tmp_path, mask))
    coco.export(tmp_path / "set", {"1.png": [1]})
    (one,) = open_table(tmp_path / "set").samples
    scans.save(one.image, scans.GRAY[:20])
    with assert_refused(
        ScanError, file="json#image=0$", found="was outlined on 32 x 24 pixels, but its image has 32 x 20"
    ):
        read_sample_mask(one)


def test_run_lengths_of_another_size_are_refused(tmp_path: Path) -> None:
    run = {"size": [32, 24], "counts": [0, 9]}
    coco.export(tmp_path / "set", {"1.png": []}, annotations=[coco.annotation(0, 0, 1, segmentation=run)])
    with assert_refused(ScanError, file="#image=0$", found="holds run lengths for 24 x 32 pixels"):
        read_sample_mask(open_table(tmp_path / "set").samples[0])


def test_the_exif_orientation_of_an_image_is_applied_before_the_sizes_are_compared(tmp_path: Path) -> None:
    mask = scans.save(tmp_path / "mask.png", scans.MASK)
    rotated = Sample("made/1", scans.oriented(tmp_path / "rotated.jpg", 6), "glioma", mask)
    np.testing.assert_array_equal(read_sample_mask(rotated), scans.MASK)


def test_missing_annotations_are_an_error_of_one_line(tmp_path: Path) -> None:
    gone = sample(tmp_path, tmp_path / "gone.coco.json#image=1")
    with assert_refused(DataError, file=r"gone\.coco\.json$", found=r"cannot be read \(No such file"):
        read_sample_mask(gone)
    path = coco.export(tmp_path / "set", {"1.png": [1]})
    with assert_refused(DataError, file=r"coco\.json$", found="lists no image '7'", expected="one of its 1"):
        read_sample_mask(sample(tmp_path, MaskLocation(path, image="7").path))
    scans.raw(path, b"[]")
    with assert_refused(DataError, file=r"coco\.json$", found="has no list 'images'"):
        read_sample_mask(sample(tmp_path, MaskLocation(path, image="0").path))


def test_an_annotation_file_is_read_again_only_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tumorlens.datasets import reference_masks as masks

    read: list[Path] = []
    original = masks.outlines_by_image
    monkeypatch.setattr(masks, "outlines_by_image", lambda path: read.append(path) or original(path))
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


def test_a_written_table_keeps_the_location_of_masks(tmp_path: Path) -> None:
    coco.export(tmp_path / "set" / "train", {"1.png": [1]})
    transformed = MaskLocation(scans.save(tmp_path / "m" / "1.png", scans.MASK), dihedral=5).path
    (one,) = open_table(tmp_path / "set").samples
    table = Table("made", (one, sample(tmp_path, transformed)), ("glioma",))
    back = read_table(write_table(table, tmp_path / "other" / "made.csv"))
    for before, after in zip(table.samples, back.samples, strict=True):
        np.testing.assert_array_equal(read_sample_mask(after), read_sample_mask(before))
    assert "../m/1.png#dihedral=5" in (tmp_path / "other" / "made.csv").read_text()


def test_a_missing_mask_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    scans.save(tmp_path / "1.png", scans.GRAY)
    scans.raw(tmp_path / "made.csv", b"image,label,mask\n1.png,glioma,m/1.png#dihedral=5\n")
    with assert_refused(DataError, line=2, found=r"m/1\.png does not exist"):
        read_table(tmp_path / "made.csv")


def test_a_mask_is_stretched_to_the_requested_size(tmp_path: Path) -> None:
    mask = MaskLocation(scans.save(tmp_path / "mask.png", scans.MASK), dihedral=0).path
    assert load_mask(mask, (48, 64)).shape == (48, 64)
