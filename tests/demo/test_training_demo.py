"""demo --train runs the whole pipeline on few phantoms; the full one is a slow test."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.fixtures.html import check_footer
from tumorlens.cli import main
from tumorlens.training import load_recipe


def check(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert "Not a medical device" in page
    assert "they say nothing about patients" in page
    assert "the model that comes with tumorlens" in page
    assert re.search(r"classifies \d of \d correctly and flags \d as out-of-distribution", page)
    assert "<script" not in page
    check_footer(folder)
    record = json.loads((folder / "run.json").read_text())
    assert len(record["steps"]) == 7
    for name in record["outputs"]:
        assert (folder / name).exists()
    assert (folder / "run" / "evaluations" / "test" / "report.html").is_file()
    assert list((folder / "overlays").glob("*.png"))


@pytest.mark.slow  # audits, trains, evaluates, exports and explains: 20 seconds
def test_the_demo_writes_a_report_and_all_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = load_recipe("demo", ["input.size=32", "epochs=1", "batch_size=4"])
    monkeypatch.setattr("tumorlens.demo.training_demo.PATIENTS", 12)
    monkeypatch.setattr("tumorlens.demo.training_demo.NEW_PATIENTS", 4)
    monkeypatch.setattr("tumorlens.demo.training_demo.load_recipe", lambda name: small)
    folder = tmp_path / "demo"
    assert main(["demo", "--train", "--out-dir", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert out == f"report: {(folder / 'report.html').resolve()}\n"
    assert "7. predicting new phantoms" in err
    check(folder)

    assert main(["demo", "--train", "--out-dir", str(folder)]) == 1
    assert str(folder) in capsys.readouterr().err


@pytest.mark.slow  # trains the demo's network in full: one to three minutes
def test_the_full_demo_learns_its_phantoms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert main(["demo", "--train", "--out-dir", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"] == str(folder / "report.html")
    check(folder)
    found = json.loads((folder / "run" / "evaluations" / "test" / "evaluation.json").read_text())
    assert found["overall"]["accuracy"]["value"] > 0.75  # of four classes; 80 to 89 % were seen, by processor
