"""A data set is added with one file: the registry finds it, and its order decides when its layout is tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import scans, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import DATASETS, dataset, formats, open_table, sets
from tumorlens.datasets.dataset_registry import discover
from tumorlens.errors import DataError

TOY = '''
"""Toy: one folder of gliomas."""

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.class_folders import image_files
from tumorlens.datasets.table import Sample, Table

CARD = DatasetCard("toy", "gliomas", 1, 1, ("glioma",), "PNG", "toy/*.png", "CC0", "none")


def read(folder):
    samples = [Sample(f"toy/{image.name}", image, "glioma") for image in image_files(folder / "toy")]
    return Table("toy", tuple(samples), CARD.classes)


DATASET = Dataset(CARD, read, lambda folder: (folder / "toy").is_dir(), order={order})
'''


def add_file(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """Put a file into the folder of public data sets, as far as Python can see."""
    scans.raw(folder / f"{folder.name}_set.py", text.encode())
    monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(folder)])


def test_the_data_sets_are_tried_in_a_fixed_order() -> None:
    expected = [
        "figshare",
        "nickparvar",
        "br35h",
        "navoneel",
        "no_tumor",
        "soop",
        "open_ms",
        "muslim_ms",
        "whole_heads",
        "brain_tumor_progression",
        "default_training",
        "phantom",
        "coco",
        "bids",
        "nifti",
        "dicom",
        "folder",
    ]
    assert list(DATASETS) == list(discover(formats, sets)) == expected
    assert DATASETS["folder"].order == max(known.order for known in DATASETS.values())


def test_a_data_set_is_added_with_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_datasets.class_folders(tmp_path / "data", {"toy": 2})
    assert open_table(folder).name == "data"
    add_file(monkeypatch, tmp_path / "toy", TOY.replace("{order}", "70"))
    datasets = discover(sets, formats)
    assert list(datasets) == [*list(DATASETS)[:12], "toy", *list(DATASETS)[12:]]
    monkeypatch.setattr("tumorlens.datasets.table_source.DATASETS", datasets)
    assert [sample.id for sample in open_table(folder).samples] == ["toy/0.png", "toy/1.png"]
    assert open_table(f"toy:{folder}").name == "toy"


def test_two_data_sets_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_file(
        monkeypatch,
        tmp_path / "second",
        TOY.replace('"toy", "gliomas"', '"figshare", "gliomas"').replace("{order}", "1"),
    )
    with pytest.raises(ValueError, match=r"two data sets of one name in \['figshare', 'figshare', "):
        discover(sets, formats)


def test_a_misspelled_name_is_an_error_with_the_nearest_name() -> None:
    assert dataset("navoneel") is DATASETS["navoneel"]
    with assert_refused(DataError, found="no data set is called 'nickpavar'", advice=r"did you mean nickparvar\?"):
        dataset("nickpavar")
    with assert_refused(DataError, found="'qqq'", expected="one of figshare, "):
        dataset("qqq")


@pytest.mark.parametrize("name", DATASETS)
def test_every_card_is_complete(name: str) -> None:
    card = DATASETS[name].card
    assert card.name == name
    for fact in (card.summary, card.format, card.layout, card.license, card.citation):
        assert fact
    assert card.problems
    assert DATASETS[name].get is None or card.homepage.startswith("https://")
