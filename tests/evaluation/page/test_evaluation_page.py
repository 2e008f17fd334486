"""A reader can judge the page of an evaluation: evidence, caveats, and no number without its images."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tumorlens._record import Record
from tumorlens.datasets import open_table
from tumorlens.datasets.phantom import make
from tumorlens.evaluation import Evaluation, evaluate, evaluation_page, write_evaluation
from tumorlens.training import Run


def test_the_page_holds_its_evidence_and_its_caveats(evaluation_folder: Path) -> None:
    found = json.loads((evaluation_folder / "evaluation.json").read_text())
    page = (evaluation_folder / "report.html").read_text()
    assert found["split_hash"] in page
    assert found["data_fingerprint"] in page
    assert found["evidence"] in page
    assert found["caveats"]
    for text in found["caveats"]:
        assert text in page
    assert "Confusion matrix" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_page_can_be_made_of_one_external_class(finished_run: Run, tmp_path: Path) -> None:
    table = open_table(make(tmp_path / "new", patients=4, slices=1, seed=6, size=48))
    found = evaluate(finished_run, table=table.filter(lambda s: s.label == "glioma"), n_resamples=100)
    write_evaluation(finished_run, found, tmp_path / "out", Record("evaluate"))
    page = (tmp_path / "out" / "report.html").read_text()
    assert "external: phantom" in page
    assert "nan" not in page.lower().replace("data:image", "").split("<body>")[1].split("base64")[0]


def test_the_page_shows_the_region_occlusion_test(
    evaluation_folder: Path, evaluation: Evaluation, finished_run: Run
) -> None:
    found = json.loads((evaluation_folder / "evaluation.json").read_text())["analyses"]["region_occlusion"]
    page = (evaluation_folder / "report.html").read_text()
    section = page.rpartition("Region occlusion</h2>")[2].partition("</section>")[0]
    for name in ("outside_head_occluded", "head_occluded", "tumor_occluded"):
        assert found[name]["conclusion"] in section
    images = re.findall(r'alt="([^"]*: input, outside of the head occluded[^"]*)"', section)
    assert len(images) == 4  # one of each class
    assert sum(text.endswith("tumor occluded") for text in images) == 3
    others = {name: result for name, result in evaluation.analyses.items() if name != "region_occlusion"}
    assert "Region occlusion" not in evaluation_page(finished_run, replace(evaluation, analyses=others))


def test_the_page_runs_no_network_and_finds_no_head(
    finished_run: Run, evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the page reads results")

    monkeypatch.setattr("torch.nn.Module.__call__", refuse)
    for place in ("measure", "occlude"):
        monkeypatch.setattr(f"tumorlens.evaluation.analyses.region_occlusion.{place}.head_mask", refuse)
    assert "<h1>" in evaluation_page(finished_run, evaluation)
