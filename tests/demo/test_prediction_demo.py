"""The first command: phantoms through the shipped model, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tumorlens
from tests.fixtures.html import Page, check_footer
from tumorlens.cli import main
from tumorlens.datasets.phantom import PHANTOM_CLASSES

TORCH_FREE = """
import sys
sys.modules["torch"] = None  # an import of it fails
import tumorlens.demo.prediction_demo as demo
from tumorlens.cli import main
demo.PATIENTS = 36
sys.exit(main(["demo", "--json"]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a demo of 36 phantoms in a working folder, made in a process without torch."""
    place = tmp_path_factory.mktemp("demo")
    done = subprocess.run([sys.executable, "-c", TORCH_FREE], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (place / "facts.json").write_text(done.stdout)
    return place


def test_it_counts_what_the_rows_say(folder: Path) -> None:
    facts = json.loads((folder / "facts.json").read_text())
    results = folder / facts["folder"]
    assert results == folder / "runs" / "demo" / "phantoms"
    rows = [json.loads(line) for line in (results / "predictions.jsonl").read_text().splitlines()]
    table = tumorlens.open_table(str(results / "phantoms"))
    assert [sample.label for sample in table] == list(PHANTOM_CLASSES) * 9
    assert facts["phantoms"] == len(rows) == 36
    assert facts["correct"] == sum(row["label"] == sample.label for row, sample in zip(rows, table, strict=True))
    assert facts["ood"] == sum(row["ood"] for row in rows)
    sick = [row["label"] != "no_tumor" for row, one in zip(rows, table, strict=True) if one.label != "no_tumor"]
    assert facts["detection"]["sensitivity"]["value"] == pytest.approx(sum(sick) / len(sick))
    healthy = [row["label"] == "no_tumor" for row, one in zip(rows, table, strict=True) if one.label == "no_tumor"]
    assert facts["detection"]["specificity"]["value"] == pytest.approx(sum(healthy) / len(healthy))
    assert facts["detection"]["specificity"]["low"] < facts["detection"]["specificity"]["high"]


def test_the_page_shows_every_error_and_every_flagged_phantom(folder: Path) -> None:
    results = folder / "runs" / "demo" / "phantoms"
    facts = json.loads((folder / "facts.json").read_text())
    rows = [json.loads(line) for line in (results / "predictions.jsonl").read_text().splitlines()]
    labels = [sample.label for sample in tumorlens.open_table(str(results / "phantoms"))]
    document = (results / "report.html").read_text()
    page = Page(document)
    assert f"{facts['correct']} of 36 phantoms are classified correctly" in page.text
    assert "prove nothing about patients" in page.text
    wrong = sum(row["label"] != label and not row["ood"] for row, label in zip(rows, labels, strict=True))
    assert wrong > 0
    assert facts["ood"] > 0  # else the lines below would say nothing
    assert f"Wrong class: all {wrong}" in page.text
    assert f"Out of distribution: all {facts['ood']}" in page.text
    shown = [str(attributes["alt"]) for tag, attributes in page.tags if tag == "img"]
    assert sum(alt.startswith("phantom of class") for alt in shown) >= wrong + facts["ood"]
    for row, label in zip(rows, labels, strict=True):
        if row["ood"] or row["label"] != label:
            assert f"phantom of class {label}, predicted {row['label']}" in shown
    assert "<script" not in document
    check_footer(results)
    record = json.loads((results / "run.json").read_text())
    assert record["outputs"] == ["predictions.jsonl", "predictions.csv", "report.html"]
    assert len(list((results / "overlays").iterdir())) == len(list((results / "masks").iterdir())) == 36


def test_the_same_seed_gives_the_same_answers_and_a_used_folder_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tumorlens.demo.prediction_demo.PATIENTS", 4)
    assert main(["demo", "-o", str(tmp_path / "again")]) == 0
    out, err = capsys.readouterr()
    assert out == f"report: {(tmp_path / 'again' / 'report.html').resolve()}\n"
    assert "of 4 phantoms classified correctly" in err
    before = [json.loads(row) for row in (folder / "runs/demo/phantoms/predictions.jsonl").read_text().splitlines()]
    after = [json.loads(row) for row in (tmp_path / "again" / "predictions.jsonl").read_text().splitlines()]
    assert [row["probabilities"] for row in after] == [row["probabilities"] for row in before[:4]]
    assert main(["demo", "-o", str(tmp_path / "again")]) == 1
    assert str(tmp_path / "again") in capsys.readouterr().err
