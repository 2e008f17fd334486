"""demo --train runs the whole pipeline; in full, so slowly."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.fixtures.html import check_footer
from tumorlens.cli import main


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


@pytest.mark.slow  # trains the demo's network in full: one to three minutes
def test_the_full_demo_learns_its_phantoms_and_writes_a_report_and_all_its_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo"
    assert main(["demo", "--train", "--out-dir", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert out == f"report: {(folder / 'report.html').resolve()}\n"
    assert "7. predicting new phantoms" in err
    check(folder)
    found = json.loads((folder / "run" / "evaluations" / "test" / "evaluation.json").read_text())
    assert found["overall"]["accuracy"]["value"] > 0.75  # of four classes; 80 to 89 % were seen, by processor

    assert main(["demo", "--train", "--out-dir", str(folder)]) == 1
    assert str(folder) in capsys.readouterr().err


def test_json_has_the_report_and_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo"
    monkeypatch.setattr(
        "tumorlens.demo.training_demo.training_demo", lambda out, **options: Path(out, f"seed-{options['seed']}.html")
    )
    assert main(["demo", "--train", "--out-dir", str(folder), "--seed", "3", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["report"], facts["folder"]) == (str(folder / "seed-3.html"), str(folder))
