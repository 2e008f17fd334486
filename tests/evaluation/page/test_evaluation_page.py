"""A reader can judge the page of an evaluation: evidence, caveats, and no number without its images."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.html import Page
from tests.fixtures.known_graph import use_graph
from tumorlens._record import Record
from tumorlens.cli import main
from tumorlens.datasets import open_table
from tumorlens.datasets.phantom import make
from tumorlens.deploy.export import export
from tumorlens.evaluation import Evaluation, evaluate, evaluation_page, read_evaluation, write_evaluation
from tumorlens.evaluation.page.evaluation_page import detection_blocks, evaluation_sections
from tumorlens.metrics.detection import TumorDetection
from tumorlens.report import Figure, Paragraph, TableBlock, Tiles, find_blocks
from tumorlens.stats.estimate_record import EstimateRecord
from tumorlens.training import Run

SENSITIVITY = EstimateRecord(value=0.9, low=0.8, high=0.95, n=50, units=20, unit="patient", method="bootstrap")
SPECIFICITY = EstimateRecord(value=0.4, low=0.3, high=0.5, n=10, units=5, unit="patient", method="bootstrap")
VALUE = EstimateRecord(value=0.07, low=0.05, high=0.1, n=60, units=25, unit="patient", method="bootstrap")


def test_missed_tumors_and_false_alarms_are_counted() -> None:
    blocks = detection_blocks(TumorDetection(sensitivity=SENSITIVITY, specificity=SPECIFICITY))
    (tiles,) = find_blocks(blocks, Tiles)
    assert [tile.label for tile in tiles.items] == ["Sensitivity, any tumor", "Specificity, any tumor"]
    assert tiles.items[0].hint == "50 images with a tumor, 20 patients; 5 missed"
    assert tiles.items[1].hint == "10 images without one, 5 patients; 6 called tumor"
    (text,) = find_blocks(blocks, Paragraph)
    assert "--prevalence" in text.text


def test_predictive_values_say_their_prevalence_and_that_it_is_not_measured() -> None:
    found = TumorDetection(sensitivity=SENSITIVITY, specificity=SPECIFICITY, prevalence=0.05, ppv=VALUE, npv=VALUE)
    blocks = detection_blocks(found)
    (tiles,) = find_blocks(blocks, Tiles)
    assert [tile.label for tile in tiles.items[2:]] == ["Positive predictive value", "Negative predictive value"]
    assert all("at a prevalence of 5 %" in (tile.hint or "") for tile in tiles.items[2:])
    (text,) = find_blocks(blocks, Paragraph)
    assert "It is not measured: among these images 50 of 60 show a tumor." in text.text


def test_every_section_has_a_lead_every_chart_its_name_and_no_cell_is_blank(
    evaluated_run: Run, evaluation: Evaluation
) -> None:
    names = {
        "ConfusionChart": "Confusion matrix",
        "RocChart": "ROC curves",
        "PrecisionRecallChart": "Precision-recall curves",
        "ReliabilityChart": "Calibration curves",
        "TrainingCurves": "Training curves",
        "IntervalChart": "95 % intervals",
    }
    sections = evaluation_sections(evaluated_run, evaluation)
    assert [section.title for section in sections if not section.lead] == []
    charts = set()
    for section in sections:
        for figure in find_blocks(section.blocks, Figure):
            kind = type(figure.content).__name__
            charts.add(kind)
            assert names[kind] in figure.caption
        for table in find_blocks(section.blocks, TableBlock):
            assert all(cell for row in table.rows for cell in row)
    assert charts == set(names)


def test_page_json_and_card_hold_the_predictive_values_of_the_command(
    own_run: Run, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(own_run.folder)
    options = ["--no-region-occlusion", "--n-resamples", "100"]
    assert main(["evaluate", folder, "--prevalence", "0.05", *options]) == 0
    stored = read_evaluation(own_run).record
    assert stored.detection is not None
    assert (stored.detection.prevalence, stored.detection.sensitivity.n, stored.detection.specificity.n) == (0.05, 6, 2)
    written = json.loads((own_run.evaluation_folder() / "evaluation.json").read_text(encoding="utf-8"))
    assert set(written["detection"]) == {"sensitivity", "specificity", "prevalence", "ppv", "npv"}
    text = Page((own_run.evaluation_folder() / "report.html").read_text(encoding="utf-8")).text
    first = text.index("Sensitivity, any tumor")
    assert first < text.index("Positive predictive value") < text.index("Balanced accuracy")
    use_graph(monkeypatch, model_file)
    assert export(own_run, own_run.folder / "model.onnx").detection == stored.detection


def test_a_prevalence_out_of_range_stops_before_any_image_is_read(
    own_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(own_run.folder), "--prevalence", "5"]) == 1
    assert "prevalence 5; expected a share between 0 and 1" in capsys.readouterr().err
    assert not (Path(own_run.evaluation_folder()) / "evaluation.json").exists()


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
