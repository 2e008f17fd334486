"""tumorlens benchmark, for people and for machines."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.fixtures.known_graph import use_benchmark_graph
from tumorlens.benchmarking.timing import BenchmarkJob, JobOutcome, PassTimes
from tumorlens.cli import main
from tumorlens.training import Run

QUICK = ["--backend", "onnxruntime", "--batch-size", "2", "--seconds", "0.02", "--rounds", "1", "--threads", "1"]


def test_machine_sizes_and_speeds_are_printed_in_one_table(
    mini_resnet_graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_benchmark_graph(monkeypatch, mini_resnet_graph)
    out = tmp_path / "costs.csv"
    assert main(["benchmark", "mini_resnet", *QUICK, "--output", str(out)]) == 0
    printed = capsys.readouterr()
    assert "1 thread used" in printed.out.splitlines()[0]
    assert "0.34 M parameters" in printed.out
    assert "1.4 MB as ONNX" in printed.out
    row = next(line for line in printed.out.splitlines() if line.startswith("mini_resnet"))
    assert row.split()[1] == "onnxruntime"
    assert len(row.split()) == 7
    with out.open(newline="") as stream:
        assert [row["batch"] for row in csv.DictReader(stream)] == ["1", "2"]
    assert json.loads((tmp_path / "costs.run.json").read_text())["machine"]["threads"] == 1


class NoProgram:
    """In place of a traced network, where no graph is measured."""

    def save(self, path: Path, *, external_data: bool) -> None:
        path.write_bytes(b"no graph")


@pytest.fixture
def untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is traced, which takes five seconds."""
    monkeypatch.setattr("tumorlens.benchmarking.benchmark.trace", lambda *_: NoProgram())


@pytest.mark.usefixtures("untraced")
def test_accuracies_of_runs_are_plotted_against_cost(
    evaluated_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pretend(job: BenchmarkJob) -> JobOutcome:
        return JobOutcome([PassTimes(batch, (0.01, 0.02), 10**8, 2 * 10**8, True, None) for batch in job.batches])

    monkeypatch.setattr("tumorlens.benchmarking.benchmark.run_job", pretend)
    folder = evaluated_run.folder
    plot = tmp_path / "plots" / "costs.svg"
    assert main(["benchmark", "--run", str(folder), *QUICK, "--plot", str(plot), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["networks"][0]["accuracies"][0]["run"] == folder.name
    assert plot.read_text().startswith("<svg xmlns=")


@pytest.mark.usefixtures("untraced")
def test_a_failed_measurement_is_an_error_and_the_others_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tumorlens.benchmarking.timing.sys.executable", shutil.which("false"))
    assert main(["benchmark", "mini_resnet", *QUICK]) == 1
    printed = capsys.readouterr()
    assert "error: mini_resnet, onnxruntime, batch 1: exit code 1" in printed.err
    assert "0.34 M parameters" in printed.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "p.svg"], "--plot needs --run"),
        (["--plot", "p.jpg", "--run", "r"], "p.jpg found; expected a name that ends with .svg, .png, .pdf"),
        (["--x-axis", "watts"], "'watts'; expected multiply-adds"),
        (["--batch-size", "0"], "batch-size"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "mini_resnet", *arguments]) == 2
    assert message in capsys.readouterr().err
