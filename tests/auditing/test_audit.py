"""An audit makes every check that is possible with the data, and notes the others."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens.auditing import audit, build_index
from tumorlens.auditing.shortcuts import shortcut_classifiers
from tumorlens.datasets import Table, open_table


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut_classifiers, "_TREES", 5)


def test_shortcuts_and_the_nearest_neighbor_are_measured_unless_told_otherwise(phantom_table: Table) -> None:
    stages: list[tuple[str, int]] = []
    found = audit(phantom_table, reference_indexes=[], progress=lambda stage, done, total: stages.append((stage, done)))
    assert [shortcut.name for shortcut in found.shortcuts][:3] == ["width and height", "file", "border"]
    assert {one.subset for one in found.nearest_neighbor} == {"val", "test"}
    assert stages[-2:] == [("testing shortcuts", 0), ("testing shortcuts", 1)]
    assert not any("Shortcuts" in note for note in found.notes)


def test_without_scikit_learn_only_the_classifiers_are_missing(
    phantom_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    found = audit(phantom_table, reference_indexes=[])
    assert found.shortcuts == ()
    assert len(found.nearest_neighbor) == 2
    assert found.notes[0].startswith("Shortcuts were not measured: sklearn is needed to ")


def test_a_reference_set_is_not_matched_to_itself(phantom_table: Table, tmp_path: Path) -> None:
    build_index(phantom_table, name="phantom").save(tmp_path / "own.npz")
    build_index(phantom_table, name="atlas").save(tmp_path / "atlas.npz")
    own, other = (
        audit(phantom_table, reference_indexes=[tmp_path / name], shortcuts=False) for name in ("own.npz", "atlas.npz")
    )
    assert own.source_matches == ()
    assert len(other.source_matches) == len(phantom_table)
    assert {match.reference for match in other.source_matches} == {"atlas"}


@pytest.mark.parametrize("wrong", [1, 2])
def test_files_named_after_another_slice_are_issues(phantom_table: Table, tmp_path: Path, wrong: int) -> None:
    for number, sample in enumerate(phantom_table.samples):
        (tmp_path / "numbered" / sample.label).mkdir(parents=True, exist_ok=True)
        shutil.copy(sample.image, tmp_path / "numbered" / sample.label / f"{number}.png")
    build_index(open_table(tmp_path / "numbered"), name="atlas").save(tmp_path / "atlas.npz")
    files = sorted((tmp_path / "numbered").glob("*/*.png"))
    for path in files[:wrong]:
        path.rename(path.with_name(f"9{path.name}"))
    found = audit(open_table(tmp_path / "numbered"), reference_indexes=[tmp_path / "atlas.npz"], shortcuts=False)
    (issue,) = [issue for issue in found.integrity if issue.kind == "misnamed"]
    assert issue.level == "warning"
    assert issue.message.startswith("1 file is named" if wrong == 1 else "2 files are named")
    assert sorted(path.name for path, _ in issue.items) == sorted(f"9{path.name}" for path in files[:wrong])
    assert f"shows atlas {files[0].stem}, but is named 9{files[0].stem}" in [text for _, text in issue.items]


@pytest.mark.parametrize(("blank", "text"), [(1, "1 blank or unreadable file was"), (2, "2 blank or unreadable files")])
def test_blank_files_are_noted_and_without_a_split_nothing_leaks(tmp_path: Path, blank: int, text: str) -> None:
    for number in range(blank):
        scans.save(tmp_path / "set" / "glioma" / f"blank-{number}.png", np.full((40, 40), 7 + number, np.uint8))
    scans.save(tmp_path / "set" / "no_tumor" / "head.png", scans.gray())
    found = audit(open_table(tmp_path / "set"), reference_indexes=[], shortcuts=False)
    assert found.leaks == ()
    assert any(note.startswith("Leakage was not measured") for note in found.notes)
    assert found.notes[-1].startswith(text)
