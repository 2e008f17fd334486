"""tumorlens explain --evaluate, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tumorlens.cli import main
from tumorlens.training import Run

QUICK = ["--method", "grad_cam", "--method", "eigen_cam", "--limit", "3", "--n-resamples", "100"]


def test_people_read_the_methods_side_by_side_and_where_the_page_is(
    finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "trust"
    assert main(["explain", str(finished_run.folder), "--evaluate", "--out-dir", str(out), *QUICK]) == 0
    said = capsys.readouterr()
    for word in ("Grad-CAM", "Eigen-CAM", "center of the head", "brightness", "pointing game", "deletion", "sanity"):
        assert word in said.out
    assert "maps of mini_resnet on phantom, test: 3 images, 3 patients" in said.out
    assert "caution: Only 3 test patients" in said.err
    assert f"written: {out / 'report.html'}" in said.err
    assert (out / "maps.csv").is_file()


def test_machines_read_the_same_as_json(finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "trust"
    assert main(["explain", str(finished_run.folder), "--evaluate", "--out-dir", str(out), *QUICK, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["folder"] == str(out)
    assert found == json.loads((out / "explanation.json").read_text()) | {"folder": str(out)}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--evaluate", "scan.png"], "leave out paths, --target and --of"),
        (["--evaluate", "--target", "glioma"], "leave out paths, --target and --of"),
        (["scan.png", "--limit", "3"], "expected --evaluate beside them"),
        (["scan.png", "--allow-box-masks"], "expected --evaluate beside them"),
        ([], "no images named; expected images, folders or patterns, or --evaluate"),
        (["scan.png", "--method", "grad_cam", "--method", "occlusion"], "several --method; expected one, or all"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_is_read(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "no-such-run", "--out-dir", str(tmp_path / "out"), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_bundle_cannot_be_measured(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(model_file), "--evaluate", "--out-dir", str(tmp_path / "out")]) == 2
    assert "is a file; expected the folder of a run" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_where_nothing_can_be_measured(
    finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "trust"
    words = ["explain", str(finished_run.folder), "--evaluate", "--out-dir", str(out), "--method", "gradcam"]
    assert main(words) == 1
    assert "did you mean grad_cam?" in capsys.readouterr().err
    assert not out.exists()
