"""tumorlens demo: which demo runs, into which folder, and what is printed of it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tumorlens.cli import main


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, Path, int]]:
    """(demo, folder, seed) of each demo that was asked for; what they do is tested in tests/demo."""
    calls: list[tuple[str, Path, int]] = []

    def predicted(folder: Path, *, seed: int, progress: Any) -> SimpleNamespace:
        calls.append(("prediction", folder, seed))
        (folder / "report.html").write_text("a page")
        facts = {"phantoms": 4, "correct": 3}
        return SimpleNamespace(report=folder / "report.html", summary="3 of 4 phantoms", to_dict=lambda: facts)

    def trained(folder: Path, *, seed: int, progress: Any) -> Path:
        calls.append(("training", folder, seed))
        (folder / "report.html").write_text("a page")
        return folder / "report.html"

    monkeypatch.setattr("tumorlens.demo.prediction_demo.prediction_demo", predicted)
    monkeypatch.setattr("tumorlens.demo.training_demo.training_demo", trained)
    monkeypatch.chdir(tmp_path)
    return calls


def test_without_options_phantoms_are_predicted_into_a_default_folder(
    called: list[tuple[str, Path, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("phantoms", "phantoms-2"):  # the first one is taken by the second time
        assert main(["demo"]) == 0
        out, err = capsys.readouterr()
        assert out == f"report: {(tmp_path / 'runs' / 'demo' / name / 'report.html').resolve()}\n"
        assert err == "3 of 4 phantoms\n"
    assert called == [("prediction", Path("runs/demo") / name, 0) for name in ("phantoms", "phantoms-2")]


def test_train_runs_the_whole_pipeline_in_another_default_folder(
    called: list[tuple[str, Path, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--train", "--seed", "7"]) == 0
    assert called == [("training", Path("runs/demo/training"), 7)]
    report = (tmp_path / "runs" / "demo" / "training" / "report.html").resolve()
    assert capsys.readouterr().out == f"report: {report}\n"


@pytest.mark.parametrize(("option", "facts"), [([], {"phantoms": 4, "correct": 3}), (["--train"], {})])
def test_json_is_one_object_with_the_folder(
    option: list[str],
    facts: dict[str, int],
    called: list[tuple[str, Path, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mine").mkdir()
    assert main(["demo", "-o", "mine", "--json", *option]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["folder"] == "mine"
    assert facts.items() <= found.items()
    assert [folder for _, folder, _ in called] == [Path("mine")]
