"""A benchmark measures size and speed of networks and lists what failed, with the reasons."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from collections import defaultdict
from dataclasses import replace
from importlib import import_module, util
from pathlib import Path
from xml.etree import ElementTree

import onnxruntime
import pytest
import torch

from tests.conftest import build_once
from tests.fixtures.refusal import assert_refused
from tumorlens._network_table import ArchitectureInfo
from tumorlens._record import to_jsonable
from tumorlens.benchmarking.benchmark import benchmark
from tumorlens.benchmarking.benchmark_plot import cost_chart
from tumorlens.benchmarking.benchmark_result import (
    Benchmark,
    BenchmarkedNetwork,
    BenchmarkSettings,
    NetworkCost,
    RunAccuracy,
    SpeedMeasurement,
)
from tumorlens.benchmarking.machine import machine_info
from tumorlens.benchmarking.timing import BenchmarkJob, JobOutcome, PassTimes, run_job
from tumorlens.errors import MissingExtraError, ModelError, RunError, TumorlensError
from tumorlens.models import ModelOutput, Network, cost, registry
from tumorlens.report.plots import render_standalone
from tumorlens.stats import Estimate
from tumorlens.training import Run, load_run

module = import_module("tumorlens.benchmarking.benchmark")
BRAINMRNET = BenchmarkedNetwork("brainmrnet", 4, 3, 224, (), 224)
IDLE = replace(machine_info("cpu", 1), load_before=0.0, cores=8)


@pytest.fixture(scope="module")
def evaluated(evaluated_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(shutil.copytree(evaluated_run.folder, tmp_path_factory.mktemp("evaluated") / "trained"))


Measured = tuple[Benchmark, dict[str, list[JobOutcome]]]
"""A benchmark, and the outcomes of its processes by backend."""


@pytest.fixture(scope="module")
def measured(evaluated: Run, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """The only real measurement of this file, made once for all workers. Processes get the largest batch first."""

    def build(path: Path) -> None:
        path.mkdir()
        outcomes: dict[str, list[JobOutcome]] = defaultdict(list)

        def recorded(job: BenchmarkJob) -> JobOutcome:
            outcomes[job.backend].append(run_job(replace(job, batches=job.batches[::-1])))
            return outcomes[job.backend][-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "run_job", recorded)
            found = benchmark(
                ["mini_resnet"],
                runs=[evaluated],
                backends=["onnxruntime", "channels-last"],
                batches=[2],
                threads=1,
                seconds=0.02,
                rounds=1,
            )
        (path / "benchmark.pickle").write_bytes(pickle.dumps((found, dict(outcomes))))

    folder = build_once(tmp_path_factory, "benchmark", build)
    loaded: Measured = pickle.loads((folder / "benchmark.pickle").read_bytes())
    return loaded


@pytest.fixture(scope="module")
def found(measured: Measured) -> Benchmark:
    return measured[0]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[BenchmarkJob]:
    """The jobs that a benchmark starts; none of them runs."""
    started: list[BenchmarkJob] = []

    def pretend(job: BenchmarkJob) -> JobOutcome:
        started.append(job)
        return JobOutcome([PassTimes(batch, (0.01, 0.02), 10**8, 2 * 10**8, True, None) for batch in job.batches])

    monkeypatch.setattr(module, "run_job", pretend)
    return started


def estimate(value: float = 0.9) -> Estimate:
    return Estimate(value, value - 0.05, value + 0.05, 600, 41, "patient", "bootstrap")


def measurement(**changes: object) -> SpeedMeasurement:
    outcomes = [JobOutcome([PassTimes(1, (0.010, 0.012, 0.050), 10**8, 2 * 10**8, True, None)])]
    return replace(SpeedMeasurement.from_rounds("brainmrnet", "onnxruntime", "cpu", 1, outcomes), **changes)


def result(*accuracies: RunAccuracy, measurements: tuple[SpeedMeasurement, ...] = ()) -> Benchmark:
    cost = NetworkCost(BRAINMRNET, 550_530, 2_561_881_536, 2_200_000, accuracies)
    return Benchmark(IDLE, BenchmarkSettings(1.0, 3), (cost,), measurements or (measurement(),))


def test_every_backend_and_batch_is_measured_and_one_image_always(found: Benchmark) -> None:
    assert found.failed == ()
    assert [(m.backend, m.batch) for m in found.measurements] == [
        ("onnxruntime", 1),
        ("onnxruntime", 2),
        ("channels-last", 1),
        ("channels-last", 2),
    ]
    for m in found.measurements:
        assert m.passes >= 2
        assert 0 < m.p50_ms <= m.p95_ms
        assert m.images_per_second == pytest.approx(1000 * m.batch / m.p50_ms)
        assert m.slowest_round <= m.images_per_second * 1.0001
    assert found.machine.threads == 1
    assert found.settings.freed_memory_kept in (True, False)
    assert "onnxruntime" in found.machine.versions


@pytest.mark.parametrize("backend", ["onnxruntime", "channels-last"])
def test_a_process_measures_the_smallest_batch_first_with_its_peaks(measured: Measured, backend: str) -> None:
    ((times, error),) = measured[1][backend]
    assert error == ""
    assert [one.batch for one in times] == [1, 2]
    for one in times:
        assert all(0 < seconds < 5 for seconds in one.seconds)
        assert one.peak_device_memory is None
    peaks = [times[0].baseline_memory, *(one.peak_memory for one in times)]
    if None not in peaks:  # systems that report it
        assert 10e6 < peaks[0] <= peaks[1] <= peaks[2]


def test_a_run_brings_its_network_as_it_was_trained_and_its_accuracy(found: Benchmark, evaluated: Run) -> None:
    (network,) = found.networks
    assert network.name == "mini_resnet (48 px, gray)"
    counted = cost("mini_resnet", 4, channels=1, input_size=48)
    assert (network.parameters, network.multiply_adds) == (counted.parameters, counted.multiply_adds)
    assert network.onnx_bytes > 4 * network.parameters
    (accuracy,) = network.accuracies
    evaluation = json.loads((evaluated.folder / "evaluations" / "test" / "evaluation.json").read_text())
    assert accuracy.run == "trained"
    assert accuracy.accuracy.to_dict() == evaluation["overall"]["accuracy"]


class Marker(Network):
    """A network with one convolution that segments."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.maps, self.head = torch.nn.Conv2d(channels, 4, 3, padding=1), torch.nn.Linear(4, classes)

    def forward(self, inputs: torch.Tensor) -> ModelOutput:
        features = self.maps(inputs)
        return ModelOutput(self.head(features.mean((2, 3))), features, mask=features[:, :1])


def test_a_segmentation_network_is_exported_with_its_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    half = (0.5, 0.5, 0.5)
    info = ArchitectureInfo("marker", "one convolution", 64, half, half, "Apache-2.0", "none", segments=True)
    registry.register(info)(lambda classes, channels, dropout: Marker(classes, channels))
    network = BenchmarkedNetwork("marker", 2, 3, 64, (), 640)
    cost = module._cost(network, tmp_path / "graph.onnx", ())
    assert cost.error == ""
    session = onnxruntime.InferenceSession(tmp_path / "graph.onnx", providers=["CPUExecutionProvider"])
    logits, mask = session.run(["logits", "mask"], {"images": torch.zeros(3, 3, 64, 64).numpy()})
    assert (logits.shape, mask.shape) == ((3, 2), (3, 1, 64, 64))


class NoProgram:
    """In place of a traced network, where nothing is measured."""

    def save(self, path: Path, *, external_data: bool) -> None:
        path.write_bytes(b"no graph")


def test_rounds_take_turns_and_progress_counts_them(jobs: list[BenchmarkJob], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "trace", lambda *_: NoProgram())
    steps: list[tuple[str, int, int | None]] = []
    benchmark(
        ["mini_resnet", "brainmrnet"],
        backends=["pytorch", "onnxruntime"],
        rounds=2,
        threads=3,
        progress=lambda *step: steps.append(step),
    )
    turn = [(name, backend) for name in ("mini_resnet", "brainmrnet") for backend in ("pytorch", "onnxruntime")]
    assert [(job.model, job.backend) for job in jobs] == 2 * turn
    assert {job.batches for job in jobs} == {(1, 32)}
    assert {job.threads for job in jobs} == {3}
    assert steps == [("measuring networks", i, 10) for i in range(1, 11)]


def test_without_names_and_runs_all_networks_are_measured() -> None:
    assert {network.model for network in module._networks((), (), 4)} == set(module.registered_names())
    assert [network.classes for network in module._networks(["brainmrnet", "brainmrnet"], (), 2)] == [2]


def test_a_run_without_names_is_measured_alone(evaluated: Run) -> None:
    assert [s.name for s in module._networks((), [evaluated], 4)] == ["mini_resnet (48 px, gray)"]
    assert [s.model for s in module._networks(["brainmrnet"], [evaluated], 4)] == ["brainmrnet", "mini_resnet"]


def test_a_network_that_cannot_be_exported_is_still_measured_in_pytorch(
    jobs: list[BenchmarkJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no such operator\nand many lines more")

    monkeypatch.setattr(module, "trace", refuse)
    found = benchmark(["mini_resnet"], backends=["pytorch", "onnxruntime"], batches=[1])
    assert [job.backend for job in jobs] == ["pytorch"] * 3
    assert found.failed == ("mini_resnet: not exported: no such operator",)
    assert [m.images_per_second is None for m in found.measurements] == [False, True]
    assert found.to_dict()["networks"][0]["onnx_bytes"] is None


def test_an_unknown_network_or_backend_and_numbers_out_of_range_are_refused() -> None:
    with assert_refused(ModelError, advice="did you mean mini_resnet"):
        benchmark(["mini_resnt"])
    with assert_refused(
        ModelError, found="'tensorrt'", expected="one of pytorch, channels-last, onnxruntime, openvino"
    ):
        benchmark(["mini_resnet"], backends=["tensorrt"])
    with assert_refused(TumorlensError, found="device 'tpu' found", expected="cpu or cuda"):
        benchmark(["mini_resnet"], device="tpu")
    for wrong in ({"batches": [0]}, {"rounds": 0}, {"seconds": 0.0}, {"seconds": float("nan")}, {"threads": 0}):
        with assert_refused(TumorlensError, expected="at least 1"):
            benchmark(["mini_resnet"], **wrong)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_is_an_error() -> None:
    with assert_refused(TumorlensError, found="no GPU"):
        benchmark(["mini_resnet"], device="cuda")


@pytest.mark.skipif(util.find_spec("openvino") is not None, reason="OpenVINO is installed")
def test_a_backend_that_is_not_installed_names_its_extra() -> None:
    assert "openvino" not in module._backends(())
    with assert_refused(MissingExtraError, advice=r"tumorlens\[openvino\]"):
        benchmark(["mini_resnet"], backends=["openvino"])


def test_an_unevaluated_run_is_an_error_before_anything_is_measured(
    finished_run: Run, jobs: list[BenchmarkJob]
) -> None:
    with assert_refused(RunError, advice="run: tumorlens evaluate"):
        benchmark(runs=[finished_run])
    assert jobs == []


def test_times_are_medians_over_all_passes() -> None:
    outcomes = [
        JobOutcome([PassTimes(4, (0.1, 0.1, 0.9), 5, 7, True, None)]),
        JobOutcome([PassTimes(4, (0.2, 0.2, 0.2), 6, 9, True, None)]),
    ]
    m = SpeedMeasurement.from_rounds("x", "pytorch", "cpu", 4, outcomes)
    assert (m.passes, m.p50_ms, m.images_per_second) == (6, pytest.approx(200), pytest.approx(20))
    assert (m.slowest_round, m.fastest_round) == (pytest.approx(20), pytest.approx(40))
    assert (m.baseline_memory, m.peak_memory) == (6, 9)


def test_after_a_batch_too_large_the_smaller_ones_are_kept() -> None:
    outcomes = [JobOutcome([PassTimes(1, (0.1,), 5, 7, True, None)], "ended by signal 9")]
    small, large = (SpeedMeasurement.from_rounds("x", "pytorch", "cpu", batch, outcomes) for batch in (1, 32))
    assert (small.error, small.images_per_second) == ("", pytest.approx(10))
    assert (large.error, large.images_per_second) == ("ended by signal 9", None)
    assert result(measurements=(small, large)).failed == ("x, pytorch, batch 32: ended by signal 9",)


def test_a_busy_machine_uneven_rounds_and_different_test_images_are_caveats() -> None:
    assert (
        result(RunAccuracy("a", estimate(), "figshare", "1"), RunAccuracy("b", estimate(), "figshare", "1")).caveats
        == ()
    )
    accuracies = RunAccuracy("a", estimate(), "figshare", "1"), RunAccuracy("b", estimate(), "navoneel", "2")
    uneven = result(*accuracies, measurements=(measurement(slowest_round=10.0, fastest_round=20.0),))
    caveats = replace(uneven, machine=replace(IDLE, load_before=6.0)).caveats
    assert len(caveats) == 3
    for text, words in zip(caveats, ("load 6.0 on 8 cores", "factor of 2.0", "different test images"), strict=True):
        assert words in text


def test_the_csv_file_has_a_row_for_each_measurement(found: Benchmark, tmp_path: Path) -> None:
    found.write_csv(tmp_path / "costs.csv")
    with (tmp_path / "costs.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(found.measurements)
    assert float(rows[0]["p50_ms"]) == pytest.approx(found.measurements[0].p50_ms, abs=1e-3)
    assert json.loads(json.dumps(to_jsonable(found.to_dict())))["measurements"][0]["backend"] == "onnxruntime"


@pytest.mark.parametrize(
    ("cost", "words"),
    [("multiply-adds", "at 2.56 G"), ("parameters", "at 0.551 M"), ("latency", "at 12 ms")],
)
def test_the_plot_gives_accuracy_interval_and_cost(cost: str, words: str) -> None:
    svg = render_standalone(cost_chart(result(RunAccuracy("fold-1", estimate(), "figshare", "1")), cost))
    shown = ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert f"1. fold-1, brainmrnet: 90.0 % (85.0 to 95.0) {words}" in shown


def test_the_plot_names_the_datasets_where_they_differ() -> None:
    chart = cost_chart(
        result(RunAccuracy("a", estimate(), "figshare", "1"), RunAccuracy("b", estimate(), "navoneel", "2"))
    )
    assert [point.note for point in chart.points] == ["a on figshare", "b on navoneel"]


def test_a_plot_needs_an_evaluated_run() -> None:
    with assert_refused(TumorlensError, advice="give evaluated runs"):
        cost_chart(result())
    with assert_refused(TumorlensError, found="cost 'watts' found"):
        cost_chart(result(), "watts")


def test_the_repr_is_one_short_line(found: Benchmark) -> None:
    assert repr(found).startswith("Benchmark(")
    assert "\n" not in repr(found)
    assert len(repr(found)) < 200
