"""The real data sets, where they are available: counts, patients, and splits by patient."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tumorlens.auditing import split_folds
from tumorlens.datasets import Table, check_groups, open_table, open_tables
from tumorlens.datasets.sets.figshare import patient_group

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is missing")


@pytest.fixture(scope="module")
def figshare() -> Table:
    return open_table(DATA / "figshare")


def test_figshare_is_complete_and_grouped_as_in_its_index(figshare: Table) -> None:
    with (DATA / "figshare" / "patients.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(figshare) == 3064
    assert Counter(s.label for s in figshare.samples) == {"glioma": 1426, "meningioma": 708, "pituitary": 930}
    assert {s.id: s.group for s in figshare.samples} == {
        f"figshare/{row['slice']}": f"figshare:{row['patient_group']}" for row in rows
    }
    assert len({s.group for s in figshare.samples}) == 209
    assert all(s.mask for s in figshare.samples)


def test_the_patient_is_derived_from_the_id_without_the_index() -> None:
    with (DATA / "figshare" / "patients.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            assert patient_group(row["patient_id"]) == row["patient_group"]


def test_the_original_layout_gives_the_same_samples(figshare: Table, tmp_path: Path) -> None:
    wanted = ("1", "900", "2000")
    subprocess.run([sys.executable, DATA / "make_figshare_mat.py", tmp_path, *wanted], check=True)
    original = open_table(tmp_path)
    same = figshare.filter(lambda s: s.id.split("/")[1] in wanted)
    assert [(s.id, s.label, s.group) for s in original.samples] == [(s.id, s.label, s.group) for s in same.samples]
    assert original.classes == same.classes


@pytest.mark.parametrize(
    ("name", "counts"),
    [("navoneel", {"no_tumor": 98, "tumor": 155}), ("no_tumor", {"no_tumor": 375})],
)
def test_the_data_sets_without_patients_are_complete(name: str, counts: dict[str, int]) -> None:
    table = open_table(DATA / name)
    assert table.name == name
    assert Counter(s.label for s in table.samples) == counts
    assert not table.has_patients


@pytest.mark.parametrize("sources", [["figshare"], ["figshare", "no_tumor"]])
def test_every_fold_splits_by_patient_and_keeps_the_class_proportions(sources: list[str]) -> None:
    table = open_tables(DATA / name for name in sources)
    whole = Counter(s.label for s in table.samples)
    for fold in range(5):
        split = split_folds(table, fold=fold)
        check_groups(split)
        for name in ("train", "val", "test"):
            subset = split.subset(name)
            counts = Counter(s.label for s in subset.samples)
            for label in table.classes:
                assert counts[label] / len(subset) == pytest.approx(whole[label] / len(table), abs=0.03)
