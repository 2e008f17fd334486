"""tumorlens benchmark, for people and for machines."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from tumorlens.cli import main
from tumorlens.training import Run

QUICK = ["--backend", "onnxruntime", "--batch", "2", "--seconds", "0.02", "--rounds", "1", "--threads", "1"]


def test_people_read_machine_sizes_and_speeds_in_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "costs.csv"
    assert main(["benchmark", "mini_resnet", *QUICK, "--output", str(out)]) == 0
    said = capsys.readouterr()
    assert "1 thread used" in said.out.splitlines()[0]
    assert "0.34 M parameters" in said.out
    assert "1.4 MB as ONNX" in said.out
    row = next(line for line in said.out.splitlines() if line.startswith("mini_resnet"))
    assert row.split()[1] == "onnxruntime"
    assert len(row.split()) == 7
    with out.open(newline="") as stream:
        assert [row["batch"] for row in csv.DictReader(stream)] == ["1", "2"]
    assert json.loads((tmp_path / "costs.run.json").read_text())["machine"]["threads"] == 1


def test_accuracies_of_runs_are_plotted_against_cost(
    own_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(own_run.folder), "--n-resamples", "100"]) == 0
    capsys.readouterr()
    plot = tmp_path / "plots" / "costs.svg"
    assert main(["benchmark", "--run", str(own_run.folder), *QUICK, "--plot", str(plot), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["networks"][0]["accuracies"][0]["run"] == own_run.folder.name
    assert plot.read_text().startswith("<svg xmlns=")


def test_what_could_not_be_measured_is_an_error_beside_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tumorlens.benchmarking.timing.sys.executable", shutil.which("false"))
    assert main(["benchmark", "mini_resnet", *QUICK]) == 1
    said = capsys.readouterr()
    assert "error: mini_resnet, onnxruntime, batch 1: exit code 1" in said.err
    assert "0.34 M parameters" in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--plot", "p.svg"], "--plot needs --run"),
        (["--against", "watts"], "'watts' for --against; expected multiply-adds"),
        (["--batch", "0"], "batch"),
    ],
)
def test_wrong_usage_is_said(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "mini_resnet", *arguments]) == 2
    assert words in capsys.readouterr().err
