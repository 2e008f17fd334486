"""tumorlens series: which series of a study can be used, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tumorlens.cli import main
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, phantom_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return phantom_study(tmp_path_factory.mktemp("study") / "s", slices=5, size=32, series=STUDY_SERIES[:7])


def test_the_chosen_series_is_marked_and_each_other_has_its_reason(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["series", str(study)]) == 0
    shown = capsys.readouterr().out
    (marked,) = [line for line in shown.splitlines() if "->" in line]
    assert "T1 axial post contrast" in marked
    assert "T2: echo time 100 ms" in shown
    assert "DiffusionBValue 1000" in shown


def test_json_holds_every_stack(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["series", str(study), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema_version"] == 1
    assert [one["series_number"] for one in found["series"] if one["chosen"]] == [3]
    assert len(found["series"]) == 10


def test_without_a_usable_series_the_exit_code_is_1(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (t2,) = [path for path in study.iterdir() if "T2" in path.name]
    assert main(["series", str(t2)]) == 1
    assert "no series that is known to be T1 after contrast" in capsys.readouterr().err
    (tmp_path / "note.txt").write_text("no DICOM")
    assert main(["series", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "no DICOM series" in captured.err
    assert "1 file that is not DICOM" in captured.out + captured.err
