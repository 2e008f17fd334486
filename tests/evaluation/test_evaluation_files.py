"""The files of an evaluation agree with each other."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.html import check_footer


def test_all_files_are_there_and_run_json_names_them(evaluation_folder: Path) -> None:
    record = json.loads((evaluation_folder / "run.json").read_text())
    assert sorted([*record["outputs"], "run.json"]) == sorted(p.name for p in evaluation_folder.iterdir())
    assert record["verb"] == "evaluate"
    assert len(record["split_hash"]) == 64


def test_the_footer_of_the_page_has_the_facts_of_the_record(evaluation_folder: Path) -> None:
    check_footer(evaluation_folder)


def test_the_accuracy_follows_from_the_predictions(evaluation_folder: Path) -> None:
    found = json.loads((evaluation_folder / "evaluation.json").read_text())
    with (evaluation_folder / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == found["images"]
    assert found["overall"]["accuracy"]["value"] == np.mean([r["label"] == r["predicted"] for r in rows])
    for row in rows:
        shares = {name: float(row[f"p_{name}"]) for name in found["classes"]}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert max(shares, key=shares.__getitem__) == row["predicted"]


def test_metrics_that_are_undefined_are_null_in_strict_json(evaluation_folder: Path) -> None:
    def never(name: str) -> None:
        raise AssertionError(name)

    found = json.loads((evaluation_folder / "evaluation.json").read_text(), parse_constant=never)
    assert found["overall"]
