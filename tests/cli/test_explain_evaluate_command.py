"""tumorlens explain --evaluate, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tumorlens.cli import main
from tumorlens.explanation.faithfulness import Faithfulness, measure_faithfulness
from tumorlens.training import Run

pytestmark = pytest.mark.usefixtures("plain_charts")
MEASURED: dict[str, Faithfulness] = {}
"""Options of a measurement -> its result."""
QUICK = ["--method", "grad_cam", "--method", "eigen_cam", "--limit", "3", "--n-resamples", "100"]


@pytest.fixture(autouse=True)
def _measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same options give the same result without another measurement."""

    def once(run: Run, **options: Any) -> Faithfulness:
        key = repr((run.folder, sorted((name, value) for name, value in options.items() if name != "progress")))
        if key not in MEASURED:
            MEASURED[key] = measure_faithfulness(run, **options)
        return MEASURED[key]

    monkeypatch.setattr("tumorlens.explanation.faithfulness.measure_faithfulness", once)


def test_the_methods_are_printed_side_by_side(
    finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "faithfulness"
    assert main(["explain", str(finished_run.folder), "--evaluate", "--out-dir", str(out), *QUICK]) == 0
    printed = capsys.readouterr()
    for word in ("Grad-CAM", "Eigen-CAM", "center of the head", "brightness", "pointing game", "deletion", "sanity"):
        assert word in printed.out
    assert "maps of mini_resnet on phantom, test: 3 images, 3 patients" in printed.out
    assert "caveat: Only 3 test patients" in printed.err
    assert f"written: {out / 'report.html'}" in printed.err
    assert (out / "maps.csv").is_file()
    written = json.loads((out / "faithfulness.json").read_text())["methods"]
    cells = next(line for line in printed.out.splitlines() if line.startswith("Grad-CAM ")).split()
    assert cells[1:3] == [f"{100 * written['grad_cam']['metrics']['pointing_game']['value']:.1f}", "%"]


def test_json_is_that_of_the_file(finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "faithfulness"
    assert main(["explain", str(finished_run.folder), "--evaluate", "--out-dir", str(out), *QUICK, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["folder"] == str(out)
    written = json.loads((out / "faithfulness.json").read_text())
    assert found == {"schema_version": 1} | written | {"folder": str(out)}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--evaluate", "scan.png"], "leave out paths, --target and --task"),
        (["--evaluate", "--target", "glioma"], "leave out paths, --target and --task"),
        (["scan.png", "--limit", "3"], "need --evaluate"),
        (["scan.png", "--allow-box-masks"], "need --evaluate"),
        ([], "no images given; expected images, folders or patterns, or --evaluate"),
        (["scan.png", "--method", "grad_cam", "--method", "occlusion"], "several --method; expected one, or all"),
    ],
)
def test_options_that_exclude_each_other_are_wrong_usage(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "no-such-run", "--out-dir", str(tmp_path / "out"), *words]) == 2
    assert message in capsys.readouterr().err


def test_the_maps_of_a_model_file_cannot_be_measured(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(model_file), "--evaluate", "--out-dir", str(tmp_path / "out")]) == 2
    assert "is a file; expected the folder of a run" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_for_an_unknown_method(
    finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "faithfulness"
    words = ["explain", str(finished_run.folder), "--evaluate", "--out-dir", str(out), "--method", "gradcam"]
    assert main(words) == 1
    assert "did you mean grad_cam?" in capsys.readouterr().err
    assert not out.exists()
