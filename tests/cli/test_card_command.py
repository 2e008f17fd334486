"""tumorlens card: for a person, for a machine, and as a reporting checklist; without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.fixtures.html import Page, footer_facts
from tests.fixtures.without_torch import BLOCKED
from tumorlens.cli import main
from tumorlens.deploy.predictor import load
from tumorlens.model_card.card import ModelCard
from tumorlens.report import RESEARCH_ONLY
from tumorlens.training import Run


def test_the_card_gives_classes_metrics_limits_and_license(
    evaluated_model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["card", str(evaluated_model_file)]) == 0
    out, err = capsys.readouterr()
    card = load(evaluated_model_file).card
    assert err == ""
    for text in (card.model, *card.classes, card.tested_on, card.training.split_hash, "Not a medical device"):
        assert text in out
    assert sha256(evaluated_model_file.read_bytes()).hexdigest() in out
    for title in ("Metrics per class", "Confusion matrix", "Calibration", "License"):
        assert f"\n{title}\n" in out
    assert f"{card.caveats[0][:60]}" in out


def test_json_holds_the_card_and_the_file(evaluated_model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", str(evaluated_model_file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    file = {key: found.pop(key) for key in ("path", "bytes", "sha256")}
    assert found.pop("schema_version") == 1
    assert ModelCard.model_validate(found) == load(evaluated_model_file).card
    assert file["bytes"] == evaluated_model_file.stat().st_size


@pytest.mark.parametrize(
    ("options", "items"), [([], 44), (["--checklist", "claim"], 44), (["--checklist", "tripod-ai"], 52)]
)
def test_a_checklist_is_written_with_a_record_beside_it(
    evaluated_model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], items: int
) -> None:
    out = tmp_path / "checklist.md"
    assert main(["card", str(evaluated_model_file), "--output", str(out), *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["items"] == items == found["complete"] + found["partial"] + found["blank"]
    text = out.read_text(encoding="utf-8")
    assert f"{found['complete']} of {items} items" in text
    assert load(evaluated_model_file).card.training.split_hash in text
    record = json.loads((tmp_path / "checklist.md.run.json").read_text())
    assert (record["verb"], record["outputs"]) == ("card", ["checklist.md"])


@pytest.mark.parametrize("name", ["card.html", "CARD.HTM"])
def test_a_page_is_written_where_the_suffix_asks_for_one(
    evaluated_model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    out = tmp_path / name
    assert main(["card", str(evaluated_model_file), "-o", str(out)]) == 0
    assert capsys.readouterr().out == ""
    document, card = out.read_text(encoding="utf-8"), load(evaluated_model_file).card
    text = Page(document).text
    for word in ("Is there a tumor at all", card.tested_on, card.training.split_hash or "", RESEARCH_ONLY):
        assert word in text
    record = json.loads((tmp_path / f"{name}.run.json").read_text())
    assert (record["verb"], record["outputs"]) == ("card", [name])
    facts = footer_facts(document)
    assert facts["Seed"] == str(card.training.seed)
    assert facts["Data fingerprint"] == card.training.data_fingerprint
    assert facts["Command"].startswith(record["command"][0])


def test_a_run_folder_is_refused_with_the_command_to_export_it(
    finished_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["card", str(finished_run.folder)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"export it first: tumorlens export {finished_run.folder}" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--checklist", "stard", "--output", "x.md"], "'stard'; expected claim, tripod-ai"),
        (["--checklist", "claim"], "--checklist needs --output"),
        (["--checklist", "claim", "--output", "x.html"], "a .html file holds the card"),
    ],
)
def test_wrong_usage_exits_with_2(
    model_file: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["card", str(model_file), *options]) == 2
    assert message in capsys.readouterr().err


def test_cards_and_checklists_need_no_torch(model_file: Path, tmp_path: Path) -> None:
    for options in ([], ["--output", str(tmp_path / "checklist.md")], ["--output", str(tmp_path / "card.html")]):
        done = subprocess.run(
            [sys.executable, "-c", BLOCKED, "card", str(model_file), *options], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "checklist.md").is_file()
