"""The published protocols have the flaws of the original code, and the leak-free ones have none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fixtures import published_datasets
from tumorlens.auditing import build_index, check_leaks, find_linked_groups
from tumorlens.auditing import leak_check as guard
from tumorlens.datasets import Table, check_groups, open_table, read_sample_mask
from tumorlens.experiments.reproduction import quick
from tumorlens.experiments.reproduction.protocols import ProtocolPair, build_protocols
from tumorlens.experiments.reproduction.published_methods import find_published_method
from tumorlens.scan import is_box_mask


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return published_datasets.phantom_heads(tmp_path_factory.mktemp("heads") / "set")


def both(number: int, *tables: Table, quick: bool = False) -> ProtocolPair:
    return build_protocols(find_published_method(number), tables, seed=0, quick=quick)


def images(table: Table, subset: str) -> set[Path]:
    return {sample.image for sample in table.samples if sample.split == subset}


def assert_leak_free(pair: ProtocolPair) -> None:
    table = pair.leak_free.table
    check_groups(table)
    assert check_leaks(table, find_linked_groups(table)) == ()
    assert not images(table, "val") & (images(table, "train") | images(table, "test"))
    assert pair.leaked(pair.leak_free, "test") == {}


def test_random_splits_leak_duplicates_and_grouped_splits_do_not(phantoms: Table, tmp_path: Path) -> None:
    pair = both(1, open_table(published_datasets.navoneel(tmp_path / "set", phantoms)))
    assert pair.leaked(pair.published, "test")["duplicate"]
    assert_leak_free(pair)
    sizes = [
        {subset: len(images(protocol.table, subset)) for subset in ("train", "test")}
        for protocol in (pair.published, pair.leak_free)
    ]
    assert abs(sizes[0]["test"] - sizes[1]["test"]) <= 2
    assert abs(sizes[0]["train"] - sizes[1]["train"]) <= 2


def test_method_4_selects_the_epoch_on_the_test_images(phantoms: Table, tmp_path: Path) -> None:
    pair = both(4, open_table(published_datasets.navoneel(tmp_path / "set", phantoms)))
    table = pair.published.table
    assert images(table, "val") == images(table, "test")
    assert len(images(table, "test")) == pytest.approx(0.2 * 52, abs=2)
    assert_leak_free(pair)


def test_method_5_validates_on_training_slices_and_splits_by_image(phantoms: Table, tmp_path: Path) -> None:
    pair = both(5, open_table(published_datasets.figshare(tmp_path / "set", phantoms)))
    table = pair.published.table
    assert images(table, "val") < images(table, "train")
    assert len(images(table, "val")) == round(0.1 * len(images(table, "train")))
    assert pair.leaked(pair.published, "test")["patient"]
    assert all(sample.group is None for sample in table.samples)
    assert any("ignores patient ids" in note for note in table.notes)
    assert_leak_free(pair)


def test_method_3_is_evaluated_on_train_and_on_the_official_test(phantoms: Table, tmp_path: Path) -> None:
    source = open_table(published_datasets.nickparvar(tmp_path / "set", phantoms))
    pair = both(3, source)
    assert pair.published.subsets == ("train", "test")
    assert images(pair.published.table, "train") == images(source, "train")
    assert images(pair.published.table, "val") == set()
    assert pair.leaked(pair.published, "test")["duplicate"] == {s.id for s in source.samples if s.split == "test"}
    assert_leak_free(pair)


def test_method_2_uses_box_masks_and_the_leak_free_protocol_outlines(
    phantoms: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figshare = open_table(published_datasets.figshare(tmp_path / "figshare", phantoms))
    index = (build_index(figshare),)
    monkeypatch.setattr(guard, "shipped_indexes", lambda: index)
    monkeypatch.setattr(
        sys.modules["tumorlens.auditing.provenance.source_reference_masks"], "shipped_indexes", lambda: index
    )
    export = open_table(published_datasets.export(tmp_path / "export", phantoms))
    pair = both(2, export, figshare)
    given = {sample.id: sample.split for sample in export.samples}
    assert {sample.id: sample.split for sample in pair.published.table.samples} == given
    boxes, outlines = (read_sample_mask(protocol.table.samples[0]) for protocol in (pair.published, pair.leak_free))
    assert boxes is not None
    assert outlines is not None
    assert is_box_mask(boxes)
    assert not is_box_mask(outlines)
    assert pair.leaked(pair.published, "test")["patient"]
    assert_leak_free(pair)


def test_a_quick_run_samples_whole_groups_and_notes_it(
    phantoms: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "MAX_IMAGES", 30)
    monkeypatch.setattr(quick, "MIN_GROUPS", 6)
    source = open_table(published_datasets.figshare(tmp_path / "set", phantoms))
    pair = both(5, source, quick=True)
    kept = {sample.image for sample in pair.source.samples}
    assert len(kept) == 36  # six patients of each of three classes, two slices each
    for group in {sample.group for sample in source.samples}:
        assert len({s.image for s in source.samples if s.group == group} & kept) in (0, 2)
    for protocol in (pair.published, pair.leak_free):
        assert any("quick run, 36 of 60 images" in note for note in protocol.table.notes)
