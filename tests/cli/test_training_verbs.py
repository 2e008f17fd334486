"""train, evaluate, export, explain and predict, one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures import scans
from tests.fixtures.known_graph import use_graph
from tumorlens.cli import main
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
