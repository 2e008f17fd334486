"""train, evaluate, export, explain and predict, one after the other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tests.fixtures.known_graph import use_graph
from tumorlens.cli import main
from tumorlens.datasets import Table, write_table
from tumorlens.training import Run

pytestmark = pytest.mark.usefixtures("plain_charts")


def test_data_become_a_run_a_model_file_and_predictions(
    phantoms: Path,
    model_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    use_graph(monkeypatch, model_file)  # of a run with the same recipe, data and seed, so with the same weights

    def run_json(*arguments: str) -> dict:
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    small = [v for value in ("input.size=48", "epochs=2", "batch_size=4") for v in ("--set", value)]
    trained = run_json(
        "train", str(phantoms), "--out-dir", "run", "--recipe", "demo", *small, "--folds", "3", "--val", "0.34"
    )
    assert trained["split"]["by"] == "patient"
    assert trained["epochs_trained"] == 2

    found = run_json("evaluate", "run", "--n-resamples", "100")
    assert found["split_hash"] == trained["split_hash"]
    assert found["folder"] == "run/evaluations/test"
    assert {p.name for p in Path("run/evaluations/test").iterdir()} == {
        "calibration.csv",
        "evaluation.json",
        "precision_recall.csv",
        "predictions.csv",
        "report.html",
        "roc.csv",
        "run.json",
    }

    card = run_json("export", "run")
    assert card["path"] == "run/model.onnx"
    assert card["metrics"]["accuracy"] == found["overall"]["accuracy"]
    record = json.loads(Path("run/model.run.json").read_text())
    assert record["split_hash"] == trained["split_hash"]

    image = str(next((phantoms / "images").iterdir()))
    explained = run_json("explain", "run", image, "--out-dir", "maps", "--target", "glioma")
    assert Path(explained["overlay"]).is_file()
    assert run_json("predict", image, "-m", "run/model.onnx")["label"] in card["classes"]

    assert main(["train", "run/split.csv", "--out-dir", "run", "--recipe", "demo"]) == 1
    assert "a run was started in this folder" in capsys.readouterr().err


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


def test_explain_writes_overlays_and_reports_bad_files(
    finished_run: Run, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = scans.raw(tmp_path / "bad.png", b"no image")
    out = tmp_path / "maps"
    arguments = ["explain", str(finished_run.folder), str(bad), f"{phantoms}/images/*_01.png", "--out-dir", str(out)]
    assert main(arguments) == 1
    assert f"error: {bad}: " in capsys.readouterr().err
    record = json.loads((out / "run.json").read_text())
    assert len(record["outputs"]) == len(list(out.glob("*.png"))) == 12
    assert len(record["failed"]) == 1


def test_explain_refuses_an_unknown_class(
    finished_run: Run, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "explain",
        str(finished_run.folder),
        str(phantoms),
        "--out-dir",
        str(tmp_path / "m"),
        "--target",
        "gloma",
    ]
    assert main(arguments) == 1
    assert "class 'gloma' found; expected a class of the model" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_training_on_an_image_level_split_prints_a_caveat(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = [v for value in ("input.size=32", "epochs=1", "batch_size=4") for v in ("--set", value)]
    image_level = ["--split-by", "image", "--folds", "2"]
    assert (
        main(["train", str(phantoms), "--out-dir", str(tmp_path / "run"), "--recipe", "demo", *small, *image_level])
        == 0
    )
    printed = capsys.readouterr()
    assert "caveat: patients are split across subsets (--split-by image)" in printed.err
    assert printed.out.startswith("kept epoch 1")
    assert f"next: tumorlens evaluate {tmp_path / 'run'}" in printed.err


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


def test_training_with_masks_reports_how_many_are_missing(
    phantom_table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    glioma = tuple(replace(s, mask=None) if s.label == "glioma" else s for s in phantom_table.samples)
    write_table(replace(phantom_table, samples=glioma), tmp_path / "split.csv")
    small = [v for value in ("input.size=64", "epochs=1", "batch_size=4") for v in ("--set", value)]
    words = ["train", str(tmp_path / "split.csv"), "--recipe", "efficient_mtnet_s", "--out-dir", str(tmp_path / "run")]
    assert main([*words, *small]) == 0
    printed = capsys.readouterr()
    assert "validation Dice 0." in printed.out
    assert "caveat: 2 of 8 train images have no mask and count for their class alone" in printed.err
    assert "caveat: 2 of 8 val images have no mask" in printed.err

    bare = tuple(replace(s, mask=None) for s in phantom_table.samples)
    write_table(replace(phantom_table, samples=bare), tmp_path / "bare.csv")
    words = ["train", str(tmp_path / "bare.csv"), "--recipe", "efficient_mtnet", "--out-dir", str(tmp_path / "other")]
    assert main(words) == 1
    assert "none of the 8 training images of phantom has a mask" in capsys.readouterr().err
