"""Images made of a reference set get its masks, transformed like them, and its patients; the others get no mask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures import scans
from tests.fixtures.published_datasets import figshare
from tests.fixtures.refusal import assert_refused
from tumorlens.auditing import build_index, reference_masks, split_folds, without_patient_leakage
from tumorlens.auditing import leak_check as guard
from tumorlens.datasets import MaskLocation, Table, open_table, read_sample_mask
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError
from tumorlens.scan import read_mask
from tumorlens.scan.dihedral import DIHEDRAL_NAMES, apply_dihedral

DATA = Path(__file__).parents[4] / "shared" / "data"
SIDE = 96


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantom tumors of 9 patients, three slices each, in the layout of the Figshare set."""
    phantoms = open_table(make(tmp_path_factory.mktemp("phantoms") / "set", patients=12, slices=3, size=160))
    return figshare(tmp_path_factory.mktemp("figshare"), phantoms)


@pytest.fixture
def source(slices: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The reference set, whose index ships with tumorlens in this test."""
    import sys

    table = open_table(slices)
    indexes = (build_index(table),)
    monkeypatch.setattr(guard, "shipped_indexes", lambda: indexes)
    monkeypatch.setattr(
        sys.modules["tumorlens.auditing.provenance.source_reference_masks"], "shipped_indexes", lambda: indexes
    )
    return table


def derived_dataset(folder: Path, slices: Path, numbers: list[int], *, cut: float = 0.0) -> Table:
    """Images made of slices: image i with transform i of the eight, smaller, and optionally cropped."""
    for place, number in enumerate(numbers):
        gray = np.asarray(Image.open(slices / "images" / f"{number}.jpg"))
        edge = round(cut * len(gray))
        gray = apply_dihedral(gray[edge : len(gray) - edge, edge : len(gray) - edge], place % len(DIHEDRAL_NAMES))
        small = Image.fromarray(np.ascontiguousarray(gray)).resize((SIDE, SIDE + 16), Image.Resampling.BOX)
        scans.save(folder / ("a", "b")[place % 2] / f"{place}.png", small)
    return open_table(folder)


def test_every_image_gets_the_mask_of_its_slice_with_its_own_transform(
    slices: Path, source: Table, tmp_path: Path
) -> None:
    numbers = list(range(0, 24, 3))
    table = reference_masks(derived_dataset(tmp_path / "made", slices, numbers), source)
    assert len(table) == len(DIHEDRAL_NAMES)
    for sample in table.samples:
        place = int(sample.image.stem)
        mask = read_sample_mask(sample)
        assert mask is not None
        assert mask.shape == (SIDE + 16, SIDE)
        whole = apply_dihedral(read_mask(slices / "masks" / f"{numbers[place]}.png"), place)
        wanted = Image.fromarray(np.ascontiguousarray(whole)).resize((SIDE, SIDE + 16), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(mask, np.asarray(wanted))
    groups = {s.id: s.group for s in source.samples}
    assert [s.group for s in table.samples] == [groups[f"figshare/{numbers[int(s.image.stem)]}"] for s in table.samples]
    assert [s.label for s in table.samples] == ["a"] * 4 + ["b"] * 4
    assert "made: 8 of 8 images have the reference mask of their figshare slice" in table.notes
    assert not any("no patient ids" in note for note in table.notes)


def test_images_without_a_match_and_cropped_images_lose_their_mask_and_are_counted(
    slices: Path, source: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUMORLENS_CACHE", str(tmp_path / "cache"))
    derived_dataset(tmp_path / "made", slices, [0, 3])
    derived_dataset(tmp_path / "cut" / "set", slices, [6], cut=0.05)
    (tmp_path / "cut" / "set" / "a" / "0.png").rename(tmp_path / "made" / "a" / "cut.png")
    scans.save(tmp_path / "made" / "a" / "other.png", scans.GRAY)
    before = open_table(tmp_path / "made")
    old = scans.save(tmp_path / "old.png", scans.MASK)
    before = replace(before, samples=tuple(replace(s, mask=old) for s in before.samples))
    steps: list[tuple[str, int, int | None]] = []
    table = reference_masks(before, source, progress=lambda *step: steps.append(step))
    assert {stage for stage, _, _ in steps} == {"reading images", "finding duplicates", "matching reference sets"}
    assert {s.image.name: s.mask is not None for s in table.samples} == {
        "0.png": True,
        "1.png": True,
        "cut.png": False,
        "other.png": False,
    }
    assert {
        "made: 2 of 4 images have the reference mask of their figshare slice",
        "made: 1 images show no slice of figshare and have no mask",
        "made: 1 images show only a part of their slice and have no mask",
    } <= set(table.notes)
    groups = {s.image.name: s.group for s in table.samples}
    assert (groups["cut.png"] or "").startswith("figshare:")
    assert groups["other.png"] is None


def test_a_slice_without_mask_gives_no_mask(slices: Path, source: Table, tmp_path: Path) -> None:
    bare = replace(source, samples=tuple(replace(s, mask=None) if s.id == "figshare/0" else s for s in source.samples))
    table = reference_masks(derived_dataset(tmp_path / "made", slices, [0, 3]), bare)
    assert [s.mask is not None for s in table.samples] == [False, True]
    assert "made: 1 slices have no mask in this copy of figshare" in table.notes


def test_a_table_that_gets_no_mask_is_an_error(
    slices: Path, source: Table, phantom_table: Table, tmp_path: Path
) -> None:
    with assert_refused(
        DataError, found="phantom: no reference set with a shipped index", expected=r"one of \['figshare'\]"
    ):
        reference_masks(source, phantom_table)
    scans.save(tmp_path / "other" / "a" / "1.png", scans.GRAY)
    with assert_refused(DataError, found="none of its 1 images gets a mask from figshare: 0 show one of its slices"):
        reference_masks(open_table(tmp_path / "other"), source)


def test_a_split_with_recovered_patients_in_two_subsets_is_removed(slices: Path, source: Table, tmp_path: Path) -> None:
    table = reference_masks(derived_dataset(tmp_path / "made", slices, [0, 1, 2, 3, 4, 5]), source)
    leaking = replace(
        table, samples=tuple(replace(s, split=("train", "test")[i % 2]) for i, s in enumerate(table.samples))
    )
    unsplit = without_patient_leakage(leaking)
    assert {s.split for s in unsplit.samples} == {None}
    assert unsplit.notes[-1] == "made: its split had patients in two subsets and was removed"
    kept = split_folds(source, folds=2, val=0)
    assert without_patient_leakage(kept) is kept


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not there")
def test_real_box_masks_overlap_the_reference_masks_by_little_more_than_half() -> None:
    before = open_table(DATA / "coco")
    after = reference_masks(before, open_table(DATA / "figshare"))
    dice = []
    for one, other in zip(before.samples, after.samples, strict=True):
        assert MaskLocation.parse(other.mask).dihedral == DIHEDRAL_NAMES.index("transposed")
        box, outline = read_sample_mask(one), read_sample_mask(other)
        dice.append(2 * np.sum(box & outline) / (box.sum() + outline.sum()))
    assert len(dice) == 215
    assert np.median(dice) == pytest.approx(0.57, abs=0.02)
    assert np.quantile(dice, 0.05) > 0.25  # a wrong transform would put most of them at 0
