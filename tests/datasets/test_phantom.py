"""Phantoms are reproducible, have tumors at typical locations, and differ between classes by the tumor alone."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.refusal import refused
from tumorlens.datasets.phantom import PHANTOM_CLASSES, PLANES, contact_sheet, make, render_patient
from tumorlens.datasets.phantom.acquisition import Acquisition
from tumorlens.datasets.phantom.head_anatomy import Head
from tumorlens.datasets.phantom.tumors import TUMOR_TYPES
from tumorlens.errors import DataError

TUMORS = PHANTOM_CLASSES[:3]
SIZE = 96


def _head(seed: int) -> tuple[Head, Acquisition]:
    """The head and the scan that `render_patient` samples from a seed."""
    return Head.random(np.random.default_rng([seed, 0])), Acquisition.random(
        np.random.default_rng([seed, 1]), None, SIZE
    )


def _filled(tissue: np.ndarray) -> np.ndarray:
    """The pixels between the first and the last tissue pixel of each row: the head without holes."""
    return np.maximum.accumulate(tissue, axis=1) & np.maximum.accumulate(tissue[:, ::-1], axis=1)[:, ::-1]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_head() -> None:
    first, again, other = (render_patient("glioma", seed, size=SIZE) for seed in (7, 7, 8))
    assert [s.image.tobytes() for s in first] == [s.image.tobytes() for s in again]
    assert [s.mask.tobytes() for s in first] == [s.mask.tobytes() for s in again]
    assert first[0].image.tobytes() != other[0].image.tobytes()
    assert first[0].patient == again[0].patient != other[0].patient


@pytest.mark.parametrize("label", PHANTOM_CLASSES)
def test_masks_show_the_tumor_in_every_slice_and_lie_inside_the_head(label: str) -> None:
    for seed in range(12):
        for item in render_patient(label, seed, plane=PLANES[seed % 3], slices=3, size=SIZE):
            assert item.image.shape == item.mask.shape == (SIZE, SIZE)
            assert item.image.dtype == item.mask.dtype == np.uint8
            assert set(np.unique(item.mask)) <= {0, 1}
            assert (item.mask.sum() > 8) == (label != "no_tumor")
            assert not (item.mask.astype(bool) & ~_filled(item.image > 40)).any()


def test_the_scalp_is_bright_between_dark_air_and_dark_skull() -> None:
    image = render_patient("no_tumor", 3, plane="coronal", slices=1, size=192)[0].image.astype(float)
    row = image[60]
    scalp = int(np.flatnonzero(row > 100)[0])
    assert row[: scalp - 4].mean() < 20
    skull = row[scalp : scalp + 14].min()
    assert skull < 0.5 * row[scalp : scalp + 6].max()
    assert skull < 0.6 * np.median(row[80:112])


def test_a_glioma_has_a_bright_rim_and_a_dark_core() -> None:
    for seed in range(8):
        item = max(render_patient("glioma", seed, size=160), key=lambda s: int(s.mask.sum()))
        inside = item.mask.astype(bool)
        depth, shrunk = np.zeros(inside.shape, dtype=int), inside
        while shrunk.any():
            depth += shrunk
            padded = np.pad(shrunk, 1)
            shrunk = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & shrunk
        rim, core = item.image[(depth == 2) | (depth == 3)], item.image[depth >= max(depth.max() - 2, 4)]
        assert rim.mean() > 1.3 * core.mean()


@pytest.mark.parametrize("label", TUMORS)
def test_each_tumor_type_has_its_typical_location(label: str) -> None:
    steps = np.linspace(-30, 30, 41, dtype=np.float32)
    cube = np.stack(np.meshgrid(steps, steps, steps)).reshape(3, -1)
    for seed in range(25):
        head = _head(seed)[0]
        tumor = TUMOR_TYPES[label].random(np.random.default_rng(seed), head)
        points = cube + tumor.center
        cavity = head.cavity(points)
        inside = tumor.distance(points, cavity) > 0
        x, y, z = points[:, inside].mean(axis=1)
        if label == "glioma":
            assert cavity[inside].min() > 0
        elif label == "meningioma":
            to_dura = np.minimum(cavity[inside], np.abs(points[0, inside]))
            assert cavity[inside].min() > 0
            assert (to_dura < 3).sum() > 0.04 * inside.sum()
        else:
            assert abs(x) < 6
            assert abs(y - 3) < 6
            assert -45 < z < -22


def test_a_pituitary_tumor_is_central_and_low_in_the_image() -> None:
    for seed in range(6):
        for plane in ("coronal", "sagittal"):
            item = render_patient("pituitary", seed, plane=plane, slices=1, size=SIZE)[0]
            rows, columns = np.nonzero(item.mask)
            brain_top = np.flatnonzero((item.image > 60).any(axis=1))[0]
            assert rows.mean() - brain_top > 0.35 * SIZE
            assert abs(columns.mean() - SIZE / 2) < 0.14 * SIZE


def test_neighboring_slices_of_a_patient_are_similar_but_not_identical() -> None:
    for label in PHANTOM_CLASSES:
        slices = render_patient(label, 11, slices=4, size=SIZE)
        assert len({s.patient for s in slices}) == 1
        assert [s.index for s in slices] == [0, 1, 2, 3]
        other = render_patient(label, 12, plane=slices[0].plane, size=SIZE)[0].image
        for a, b in pairwise(slices):
            similarity = np.corrcoef(a.image.ravel(), b.image.ravel())[0, 1]
            assert not np.array_equal(a.image, b.image)
            assert similarity > np.corrcoef(a.image.ravel(), other.ravel())[0, 1]


def test_the_same_seed_is_the_same_person_with_and_without_tumor() -> None:
    slices = [render_patient(label, 5, slices=1)[0] for label in PHANTOM_CLASSES]
    assert len({(s.patient, s.plane, s.image.shape) for s in slices}) == 1


def test_a_given_plane_and_size_do_not_change_the_rest_of_the_scan() -> None:
    sampled, given = (Acquisition.random(np.random.default_rng(1), *pair) for pair in ((None, None), ("axial", 64)))
    assert given.plane == "axial"
    assert given.size == 64
    assert (given.noise, given.contrast, given.gain) == (sampled.noise, sampled.contrast, sampled.gain)


def test_scans_vary_in_plane_and_size() -> None:
    scans = [Acquisition.random(np.random.default_rng(i), None, None) for i in range(60)]
    assert {s.plane for s in scans} == set(PLANES)
    assert len({s.size for s in scans}) > 2


@pytest.mark.parametrize(
    "arguments",
    [{"label": "cyst"}, {"plane": "oblique"}, {"slices": 0}, {"size": 8}, {"seed": -1}],
)
def test_invalid_arguments_are_refused(arguments: dict[str, object]) -> None:
    with refused(DataError, expected="."):
        render_patient(**{"label": "glioma", "seed": 0, **arguments})  # type: ignore[arg-type]


def test_make_writes_a_balanced_data_set_with_masks_and_an_index(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    folder = make(tmp_path / "set", patients=12, slices=2, size=48, progress=lambda *p: seen.append(p))
    assert folder == tmp_path / "set"
    assert seen == [("generating phantoms", i, 12) for i in range(1, 13)]
    rows = list(csv.DictReader((folder / "phantom.csv").open(newline="")))
    assert list(rows[0]) == ["image", "mask", "label", "patient", "plane"]
    assert len(rows) == 24
    for label in PHANTOM_CLASSES:
        of_class = [r for r in rows if r["label"] == label]
        assert sorted(r["plane"] for r in of_class) == sorted(PLANES * 2)
        assert len({r["patient"] for r in of_class}) == 3
    for row in rows:
        assert Image.open(folder / row["image"]).mode == "L"
        assert (row["mask"] == "") == (row["label"] == "no_tumor")
        if row["mask"]:
            assert set(np.unique(np.asarray(Image.open(folder / row["mask"])))) == {0, 255}
    assert len(list((folder / "masks").iterdir())) == 18
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_make_twice_gives_the_same_files(tmp_path: Path) -> None:
    first, again = (make(tmp_path / name, patients=4, slices=1, seed=3) for name in "ab")
    names = sorted(p.relative_to(first) for p in first.rglob("*.*"))
    assert all((first / n).read_bytes() == (again / n).read_bytes() for n in names)


def test_make_refuses_a_folder_with_files_and_accepts_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.txt").write_text("mine")
    with refused(DataError, file="used$", expected="a new or an empty folder", advice="choose another"):
        make(tmp_path / "used", patients=1)
    (tmp_path / "empty").mkdir()
    assert (make(tmp_path / "empty", patients=1, slices=1, size=48) / "phantom.csv").is_file()


def test_an_interrupted_make_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(stage: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "set", patients=2, slices=1, size=48, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_contact_sheet_has_every_class_in_every_plane() -> None:
    image = contact_sheet(size=48, outlines=True)
    assert image.width == 9 * 48
    pixels = np.asarray(image).astype(int)
    assert ((pixels[..., 0] - pixels[..., 1]) > 150).any()
