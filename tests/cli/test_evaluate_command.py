"""tumorlens evaluate: what it prints and records, of a run and of the predictions of another tool."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens.cli import main
from tumorlens.cli.common import ExitCode
from tumorlens.cli.evaluate_command import _external_name
from tumorlens.datasets import Table, open_table, write_table
from tumorlens.training import Run

pytestmark = pytest.mark.usefixtures("plain_charts")


def test_metrics_go_to_standard_output_and_caveats_to_standard_error(
    finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert (
        main(["evaluate", str(finished_run.folder), "--out-dir", out, "--n-resamples", "100", "--subset", "val"]) == 0
    )
    printed = capsys.readouterr()
    assert "mini_resnet on phantom, val: 8 images, 4 patients" in printed.out
    assert "calibration error (ECE)" in printed.out
    assert "caveat: This is the validation subset" in printed.err
    assert f"written: {out}" in printed.err


def test_an_evaluation_records_device_threads_and_batch_size_and_does_not_depend_on_the_batch(
    finished_run: Run, tmp_path: Path
) -> None:
    common = ["evaluate", str(finished_run.folder), "--n-resamples", "100", "--no-region-occlusion", "--threads", "1"]
    found = {}
    for size in (1, 5):
        folder = tmp_path / f"batch-{size}"
        assert main([*common, "--batch-size", str(size), "-o", str(folder)]) == 0
        record = json.loads((folder / "run.json").read_text())
        assert (record["device"], record["threads"], record["batch_size"]) == ("cpu", 1, size)
        found[size] = json.loads((folder / "evaluation.json").read_text())["overall"]
    for name, estimate in found[1].items():
        assert found[5][name]["value"] == pytest.approx(estimate["value"], abs=1e-5), name


def test_the_evaluation_on_external_data_is_written_into_the_run(
    own_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "phantom", str(tmp_path / "new"), "--patients", "4", "--size", "48", "--seed", "3"]) == 0
    arguments = ["evaluate", str(own_run.folder), "--data", str(tmp_path / "new"), "--n-resamples", "100"]
    assert main(arguments) == 0
    assert (own_run.folder / "evaluations" / "phantom" / "report.html").is_file()


def test_evaluate_prints_the_metrics_of_segmentation(
    segmentation_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(segmentation_run.folder), "-o", str(tmp_path / "e"), "--n-resamples", "100"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first, second = (i for i, line in enumerate(lines) if line.startswith("segmentation "))
    assert all(name in lines[first] for name in ("masks", "Dice", "median", "mean IoU"))
    names = ("HD95 (pixels)", "surface Dice, 2 pixels", "lesion-wise sensitivity", "false positives per image")
    assert all(name in lines[second] for name in names)
    labels = ["all", "glioma", "meningioma", "pituitary", "no_tumor"]
    for heading in (first, second):
        assert [line.split()[0] for line in lines[heading + 1 : heading + 6]] == labels
    assert [line.split()[1] for line in lines[first + 1 : first + 6]] == ["6", "2", "2", "2", "0"]


def read_analyses(folder: Path) -> dict[str, dict]:
    """The results of the analyses in evaluation.json."""
    return json.loads((folder / "evaluation.json").read_text())["analyses"]


def test_evaluate_prints_the_conclusions_of_the_region_occlusion_test(
    finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(finished_run.folder), "--n-resamples", "100", "--out-dir"]
    assert main([*words, str(tmp_path / "with")]) == 0
    printed = " ".join("".join(capsys.readouterr()).split())
    result = read_analyses(tmp_path / "with")["region_occlusion"]
    assert len(result["conclusions"]) == 3
    assert all(conclusion in printed for conclusion in result["conclusions"])
    assert main([*words, str(tmp_path / "without"), "--no-region-occlusion"]) == 0
    assert "occluded" not in capsys.readouterr().out
    assert "region_occlusion" not in read_analyses(tmp_path / "without")


def test_evaluate_prints_the_robustness_on_request(
    finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(finished_run.folder), "--n-resamples", "100", "--no-region-occlusion", "-o"]
    assert main([*words, str(tmp_path / "with"), "--robustness", "--robustness-limit", "2"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert any(line.split() == ["accuracy,", "%,", "by", "artifact", *"12345", "mean"] for line in lines)
    assert {"Rician noise", "left-right flip"} <= {line.split("  ")[0] for line in lines}
    result = read_analyses(tmp_path / "with")["robustness"]
    assert result["images"] == 2
    assert all(conclusion in " ".join((out + err).split()) for conclusion in result["conclusions"])
    assert main([*words, str(tmp_path / "without")]) == 0
    assert "robustness" not in read_analyses(tmp_path / "without")


def test_box_masks_are_compared_with_on_request_only(
    segmentation_run: Run, phantom_table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = []
    for sample in phantom_table.subset("test").samples:
        box = np.zeros((64, 64), np.uint8)
        box[20:40, 20:30] = 255
        path = scans.save(tmp_path / "boxes" / f"{len(samples)}.png", box)
        samples.append(replace(sample, mask=path if sample.mask else None, split=None))
    table = replace(phantom_table, name="boxed", samples=tuple(samples), plan=None)
    write_table(table, tmp_path / "boxed.csv")
    words = ["evaluate", str(segmentation_run.folder), "--data", str(tmp_path / "boxed.csv"), "--n-resamples", "100"]
    assert main([*words, "--out-dir", str(tmp_path / "refused")]) == 1
    printed = capsys.readouterr().err
    assert "6 of 6 reference masks that show a tumor are filled rectangles" in printed
    assert not (tmp_path / "refused").exists()
    assert main([*words, "--out-dir", str(tmp_path / "allowed"), "--allow-box-masks", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["segmentation"]["boxes"] == 6


def write_predictions(table: Table, path: Path) -> Path:
    """Probabilities of another tool, which is sure of the reference class."""
    rows = [[sample.image.name, *(0.7 if c == sample.label else 0.1 for c in table.classes)] for sample in table]
    lines = [["image", *table.classes], *rows]
    path.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n")
    return path


def test_predictions_of_another_tool_get_a_folder_of_their_own_and_their_predictive_values(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_predictions(open_table(phantoms), tmp_path / "their.csv")
    words = ["evaluate", "their.csv", "--data", str(phantoms), "--n-resamples", "100"]
    assert main([*words, "--prevalence", "0.05"]) == 0
    out, err = capsys.readouterr()
    assert "their on phantom, " in out
    assert any(line.split()[:3] == ["accuracy", "100.0", "%"] for line in out.splitlines())
    predictive = [line for line in out.splitlines() if "any tumor, at a prevalence of 5 %" in line]
    assert len(predictive) == 2
    assert "caveat: " in err
    folder = Path("runs/evaluate/their")
    assert f"written: {folder / 'report.html'}" in err
    assert (folder / "report.html").is_file()
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["folder"] == "runs/evaluate/their-2"  # the first one is taken
    assert found["overall"]["accuracy"]["value"] == 1


def test_the_subset_of_a_table_is_evaluated_alone(
    phantom_table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(phantom_table, tmp_path / "split.csv")
    their = write_predictions(phantom_table.subset("val"), tmp_path / "their.csv")
    words = ["evaluate", str(their), "--data", str(tmp_path / "split.csv"), "--n-resamples", "100", "--json"]
    assert main([*words, "--subset", "val", "-o", str(tmp_path / "val")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["folder"]) == (8, str(tmp_path / "val"))
    assert main([*words, "--subset", "test", "-o", str(tmp_path / "test")]) == 1
    assert "images of val" not in capsys.readouterr().out
    assert not (tmp_path / "test").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["their.csv"], "--data is missing: the table of the images that the predictions are for"),
        (["RUN", "--masks", "masks"], "are for another tool, not for a run"),
        (["RUN", "--trained-on", "data"], "are for another tool, not for a run"),
        (["RUN", "--unmatched", "ignore"], "are for another tool, not for a run"),
        (["RUN", "--subset", "val", "--data", "data"], "leave it out with --data"),
        (["their.csv", "--data", "data", "--mask-labels", "1,0"], "expected whole numbers above 0, such as 1,3"),
    ],
)
def test_options_that_do_not_belong_together_are_wrong_usage(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *words]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""


@pytest.mark.parametrize(("name", "folder"), [("test", "external-test"), ("val", "external-val"), ("ward", "ward")])
def test_an_external_table_called_like_a_subset_does_not_replace_its_evaluation(name: str, folder: str) -> None:
    assert _external_name(name) == folder
