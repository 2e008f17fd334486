"""Navoneel's set: yes and no."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import scans, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table
from tumorlens.datasets.sets.navoneel import read
from tumorlens.errors import DataError


def test_yes_is_tumor_and_no_is_no_tumor(tmp_path: Path) -> None:
    tiny_datasets.class_folders(tmp_path, {"yes": 2, "no": 1})
    scans.save(tmp_path / "yes" / "Y 3.JPG", scans.gray(), format="PNG")
    table = open_table(tmp_path)
    assert table.name == "navoneel"
    assert table.classes == ("no_tumor", "tumor")
    assert [(s.id, s.label) for s in table.samples] == [
        ("navoneel/no/0.png", "no_tumor"),
        ("navoneel/yes/0.png", "tumor"),
        ("navoneel/yes/1.png", "tumor"),
        ("navoneel/yes/Y 3.JPG", "tumor"),
    ]


@pytest.mark.parametrize("counts", [{"yes": 2}, {"yes": 2, "no": 0}])
def test_a_missing_or_empty_class_folder_is_refused(tmp_path: Path, counts: dict[str, int]) -> None:
    with assert_refused(DataError, found="no images in no/ found", expected="some in yes/ and in no/"):
        read(tiny_datasets.class_folders(tmp_path, counts))
