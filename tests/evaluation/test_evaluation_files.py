"""The files of an evaluation agree with each other, and a reader can judge them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tumorlens._record import Record
from tumorlens.evaluation import evaluate, evaluation_page, write_evaluation
from tumorlens.training import Run


@pytest.fixture(scope="module")
def folder(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    write_evaluation(finished_run, evaluate(finished_run, n_resamples=100), folder, Record("evaluate"))
    return folder


def test_all_files_are_there_and_run_json_names_them(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    assert sorted([*record["outputs"], "run.json"]) == sorted(p.name for p in folder.iterdir())
    assert record["verb"] == "evaluate"
    assert len(record["split_hash"]) == 64


def test_the_accuracy_follows_from_the_predictions(folder: Path) -> None:
    found = json.loads((folder / "evaluation.json").read_text())
    with (folder / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == found["images"]
    assert found["overall"]["accuracy"]["value"] == np.mean([r["label"] == r["predicted"] for r in rows])
    for row in rows:
        shares = {name: float(row[f"p_{name}"]) for name in found["classes"]}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert max(shares, key=shares.__getitem__) == row["predicted"]


def test_metrics_that_are_undefined_are_null_in_strict_json(folder: Path) -> None:
    def never(name: str) -> None:
        raise AssertionError(name)

    found = json.loads((folder / "evaluation.json").read_text(), parse_constant=never)
    assert found["overall"]


def test_the_page_holds_its_evidence_and_its_caveats(folder: Path) -> None:
    found = json.loads((folder / "evaluation.json").read_text())
    page = (folder / "report.html").read_text()
    assert found["split_hash"] in page
    assert found["data_fingerprint"] in page
    assert found["evidence"] in page
    assert found["caveats"]
    for text in found["caveats"]:
        assert text in page
    assert "Confusion matrix" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_page_can_be_made_of_one_external_class(finished_run: Run, phantom_table: object, tmp_path: Path) -> None:
    from tumorlens.datasets import open_table
    from tumorlens.datasets.phantom import make

    table = open_table(make(tmp_path / "new", patients=4, slices=1, seed=6, size=48))
    found = evaluate(finished_run, table=table.filter(lambda s: s.label == "glioma"), n_resamples=100)
    write_evaluation(finished_run, found, tmp_path / "out", Record("evaluate"))
    page = (tmp_path / "out" / "report.html").read_text()
    assert "external: phantom" in page
    assert "nan" not in page.lower().replace("data:image", "").split("<body>")[1].split("base64")[0]


def test_the_page_shows_the_region_occlusion_test(folder: Path, finished_run: Run) -> None:
    found = json.loads((folder / "evaluation.json").read_text())["analyses"]["region_occlusion"]
    section = (folder / "report.html").read_text().rpartition("Region occlusion</h2>")[2].partition("</section>")[0]
    for name in ("outside_head_occluded", "head_occluded", "tumor_occluded"):
        assert found[name]["conclusion"] in section
    images = re.findall(r'alt="([^"]*: input, outside of the head occluded[^"]*)"', section)
    assert len(images) == 4  # one of each class
    assert sum(text.endswith("tumor occluded") for text in images) == 3
    bare = evaluation_page(finished_run, evaluate(finished_run, analyses={"region_occlusion": False}, n_resamples=100))
    assert "Region occlusion" not in bare


def test_the_page_runs_no_network_and_finds_no_head(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = evaluate(finished_run, n_resamples=100)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the page reads results")

    monkeypatch.setattr("torch.nn.Module.__call__", refuse)
    for place in ("measure", "occlude"):
        monkeypatch.setattr(f"tumorlens.evaluation.analyses.region_occlusion.{place}.head_mask", refuse)
    assert "<h1>" in evaluation_page(finished_run, evaluation)
