"""Altered copies of every kind are found, and neighboring slices are not duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.altered_copies import KINDS
from tumorlens.auditing.duplicates.image_records import ImageRecord, read_image_records
from tumorlens.auditing.duplicates.near_duplicates import find_duplicates, find_near_duplicates
from tumorlens.auditing.duplicates.perceptual_hash import make_thumbnails
from tumorlens.datasets.phantom import PHANTOM_CLASSES, render_patient
from tumorlens.scan import GrayImage
from tumorlens.scan.dihedral import DIHEDRAL_NAMES


def phantom_slices(patients: int, slices: int, size: int = 128, seed: int = 0) -> Iterator[tuple[int, GrayImage]]:
    """(patient, image) pairs."""
    for patient in range(patients):
        for item in render_patient(
            PHANTOM_CLASSES[patient % len(PHANTOM_CLASSES)], 10_000 * seed + patient, slices=slices, size=size
        ):
            yield patient, item.image


def _saved(images: list[GrayImage], folder: Path) -> list[ImageRecord]:
    paths = [folder / f"{i}.png" for i in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(np.ascontiguousarray(image)).save(path)
    return read_image_records(paths)


@pytest.fixture(scope="module")
def originals() -> list[GrayImage]:
    return [image for _, image in phantom_slices(20, 1, 256)]


@pytest.mark.parametrize("kind", KINDS)
def test_altered_copies_of_every_kind_are_found(kind: str, originals: list[GrayImage]) -> None:
    random = np.random.default_rng(0)
    copies = [KINDS[kind](image, random) for image in originals]
    found = {(a, b) for a, b, _, _ in find_near_duplicates(np.stack([_thumbnails(p) for p in [*originals, *copies]]))}
    assert found == {(i, i + len(originals)) for i in range(len(originals))}


@pytest.mark.slow  # renders 200 patients and compares 4,000 images
def test_of_200_copies_of_every_kind_at_least_99_percent_are_found() -> None:
    originals = [image for _, image in phantom_slices(200, 1, 256, seed=1)]
    random = np.random.default_rng(1)
    thumbnails = np.stack([_thumbnails(image) for image in originals])
    for kind, copy in KINDS.items():
        copies = np.stack([_thumbnails(copy(image, random)) for image in originals])
        found = {(a, b) for a, b, _, _ in find_near_duplicates(np.concatenate([thumbnails, copies]))}
        expected = {(i, i + 200) for i in range(200)}
        assert len(found & expected) >= 198, kind
        assert found <= expected, kind


@pytest.mark.parametrize(
    "patients",
    [
        pytest.param(500, marks=pytest.mark.slow),  # renders 2,000 slices: 30 ms each
        pytest.param(2500, marks=pytest.mark.campaign),  # ten minutes
    ],
)
def test_among_unrelated_and_neighboring_slices_no_pair_is_a_duplicate(patients: int) -> None:
    # 64 pixels, as a thumbnail: rendered larger, slices differ in more details, and the test takes twice as long.
    thumbnails = np.stack([_thumbnails(image) for _, image in phantom_slices(patients, 4, 64, seed=2)])
    assert len(thumbnails) == 4 * patients
    assert list(find_near_duplicates(thumbnails)) == []


def test_the_transform_of_a_duplicate_is_reported(originals: list[GrayImage]) -> None:
    kinds = {"mirrored": "mirrored left to right", "turned by 90°": "turned by 270°", "transposed": "transposed"}
    random = np.random.default_rng(0)
    for kind, transform in kinds.items():
        pair = np.stack([_thumbnails(originals[0]), _thumbnails(KINDS[kind](originals[0], random))])
        ((_, _, k, score),) = find_near_duplicates(pair)
        assert DIHEDRAL_NAMES[k] == transform
        assert score > 0.99


def test_equal_files_equal_pixels_and_near_duplicates_are_distinguished(
    originals: list[GrayImage], tmp_path: Path
) -> None:
    Image.fromarray(originals[0]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    Image.fromarray(originals[0]).save(tmp_path / "c.bmp")
    Image.fromarray(originals[0]).save(tmp_path / "d.jpg", quality=80)
    Image.fromarray(originals[1]).save(tmp_path / "e.png")
    duplicates = find_duplicates(read_image_records(sorted(tmp_path.iterdir())))
    assert [(p.first, p.second, p.kind) for p in duplicates.pairs] == [
        (0, 1, "bytes"),
        (0, 2, "pixels"),
        (0, 3, "near"),
    ]
    assert duplicates.clusters == [[0, 1, 2, 3]]
    assert duplicates.n_distinct == 2
    assert duplicates.pair_counts() == {"bytes": 1, "pixels": 1, "near": 1}


def test_neighboring_slices_of_one_patient_are_no_duplicates() -> None:
    thumbnails = np.stack([_thumbnails(image) for _, image in phantom_slices(12, 4)])
    assert list(find_near_duplicates(thumbnails)) == []


def test_blank_and_unreadable_files_are_duplicates_only_of_equal_ones(tmp_path: Path) -> None:
    for name, value in (("a.png", 0), ("b.png", 0), ("c.png", 9)):
        Image.fromarray(np.full((32, 32), value, np.uint8)).save(tmp_path / name)
    (tmp_path / "d.png").write_bytes(b"broken")
    (tmp_path / "e.png").write_bytes(b"broken")
    (tmp_path / "f.png").write_bytes(b"")
    duplicates = find_duplicates(read_image_records(sorted(tmp_path.iterdir())))
    assert [(p.first, p.second, p.kind) for p in duplicates.pairs] == [(0, 1, "bytes"), (3, 4, "bytes")]


def test_a_missing_file_gives_a_record_with_a_read_error(tmp_path: Path) -> None:
    (record,) = read_image_records([tmp_path / "none.png"])
    assert record.read_error is not None
    assert not record.is_blank


def test_one_image_and_no_image_have_no_duplicates(originals: list[GrayImage], tmp_path: Path) -> None:
    assert find_duplicates([]).pairs == ()
    assert find_duplicates(_saved(originals[:1], tmp_path)).n_distinct == 1


def test_thumbnails_do_not_depend_on_the_frame(originals: list[GrayImage]) -> None:
    for image in islice(originals, 5):
        plain = _thumbnails(image)
        for value in (0, 255):
            np.testing.assert_array_equal(_thumbnails(np.pad(image, 30, constant_values=value))[1:], plain[1:])


def test_a_blank_image_has_no_thumbnails() -> None:
    assert make_thumbnails(np.full((40, 50), 7, np.uint8)) is None


def _thumbnails(image: GrayImage) -> np.ndarray:
    thumbnails = make_thumbnails(np.ascontiguousarray(image))
    assert thumbnails is not None
    return thumbnails
