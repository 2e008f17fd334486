"""Names of networks -> Benchmark: size, multiply-adds, images per second, latency and memory of each, by backend."""
# ruff: noqa: E402 (the check for torch comes before what needs it)

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Callable, Sequence
from importlib import util
from pathlib import Path

from tumorlens._extras import require

require("torch", "train", "benchmark networks")

import torch
from torch import Tensor, nn

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens.benchmarking.benchmark_result import (
    Benchmark,
    BenchmarkedNetwork,
    BenchmarkSettings,
    NetworkCost,
    RunAccuracy,
    SpeedMeasurement,
)
from tumorlens.benchmarking.machine import machine_info
from tumorlens.benchmarking.timing import BACKENDS, ONNX_BACKENDS, BenchmarkJob, JobOutcome, run_job
from tumorlens.deploy.onnx_trace import trace
from tumorlens.errors import ModelError, TumorlensError, did_you_mean
from tumorlens.evaluation import read_evaluation
from tumorlens.models import Network, architecture_info, cost, create, registered_names
from tumorlens.training import Run


def benchmark(
    names: Sequence[str] = (),
    *,
    runs: Sequence[Run] = (),
    backends: Sequence[str] = (),
    batches: Sequence[int] = (32,),
    classes: int = 4,
    device: str = "cpu",
    threads: int | None = None,
    seconds: float = 1.0,
    rounds: int = 3,
    progress: ProgressOption = None,
) -> Benchmark:
    """Measure size and speed of networks: one forward pass in float32, from prepared images to logits and mask.

    Weights are untrained, since speed does not depend on them. Every round starts a new process for each network and
    backend, in turn (A B C A B C). A slow minute of the machine then affects all of them, and peak memory is separate.

    Args:
        names: registry names, measured at their default input size; all networks where neither names nor runs are
            given.
        runs: evaluated runs. Each adds its accuracy, and its network as trained (input size, channels, classes,
            options), in place of the default configuration of that name.
        backends: of ``"pytorch"``, ``"channels-last"``, ``"onnxruntime"`` and ``"openvino"``; all installed ones if
            empty.
        batches: batch sizes; 1 is always added, for the latency.
        classes: number of classes of the networks in `names`.
        device: ``"cpu"`` or ``"cuda"`` for the PyTorch backends; the other backends use the CPU.
        threads: CPU threads; None for PyTorch's default, which is OMP_NUM_THREADS where that is set.
        seconds: measuring time per network, backend, batch size and round.
        rounds: how often everything is measured; reported times are medians over all passes.
        progress: a callable, True for bars, None for silence.

    Raises:
        ModelError: no such network or backend.
        RunError: a run is not evaluated.
        MissingExtraError: a requested backend is not installed.
        TumorlensError: there is no GPU, or a number is out of range.

    Example:
        >>> import tumorlens
        >>> result = tumorlens.benchmark(["mini_resnet"], backends=["onnxruntime"], batches=[1], seconds=0.1, rounds=1)
        >>> [(m.network, m.backend, m.batch, m.error) for m in result.measurements]
        [('mini_resnet', 'onnxruntime', 1, '')]
    """
    chosen = _backends(backends)
    _check(device, batches, seconds, rounds, threads)
    accuracies = [_accuracy(run) for run in runs]
    networks = _networks(names, runs, classes)
    machine = machine_info(device, threads or torch.get_num_threads())
    sizes = tuple(sorted({1, *batches}))
    total = len(networks) * (1 + rounds * len(chosen))
    with tempfile.TemporaryDirectory(prefix="tumorlens-benchmark-") as scratch, progress_of(progress) as shown:
        step = _counter(total, shown)
        costs, jobs = [], []
        for i, network in enumerate(networks):
            onnx_path = Path(scratch) / f"{i}.onnx"
            own = tuple(accuracy for trained, accuracy in accuracies if trained == network)
            costs.append(_cost(network, onnx_path, own))
            jobs += [
                (costs[i], _job(network, onnx_path, backend, device, machine.threads, sizes, seconds))
                for backend in chosen
            ]
            step()
        outcomes: list[list[JobOutcome]] = [[] for _ in jobs]
        for _ in range(rounds):
            for (network_cost, job), of_job in zip(jobs, outcomes, strict=True):
                not_exported = job.backend in ONNX_BACKENDS and network_cost.error
                of_job.append(JobOutcome([], network_cost.error) if not_exported else run_job(job))
                step()
    measurements = tuple(
        SpeedMeasurement.from_rounds(network_cost.name, job.backend, job.device, batch, of_job)
        for (network_cost, job), of_job in zip(jobs, outcomes, strict=True)
        for batch in sizes
    )
    settings = BenchmarkSettings(seconds, rounds, freed_memory_kept=_freed_memory_kept(jobs, outcomes))
    return Benchmark(machine, settings, tuple(costs), measurements)


class _ExportedOutputs(nn.Module):
    """The network with logits and mask as its only outputs."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        output = self.network(images)
        return (output.logits,) if output.mask is None else (output.logits, output.mask)


def _cost(network: BenchmarkedNetwork, onnx_path: Path, accuracies: tuple[RunAccuracy, ...]) -> NetworkCost:
    """Count parameters and multiply-adds and export to ONNX; after a failed export only PyTorch is measured."""
    options, channels, side = dict(network.options), network.channels, network.input_size
    counted = cost(network.model, network.classes, channels=channels, input_size=side, options=options)
    module = create(network.model, network.classes, channels=channels, options=options).eval()
    example = torch.zeros(2, channels, side, side)
    error, size = "", None
    try:
        outputs = ["logits", "mask"] if architecture_info(network.model).segments else ["logits"]
        dimensions = {"images": {0: torch.export.Dim("batch", min=1, max=4096)}}
        trace(_ExportedOutputs(module), example, "images", outputs, dimensions).save(onnx_path, external_data=False)
        size = onnx_path.stat().st_size
    except Exception as failure:  # one network that cannot be exported must not stop the others
        message = str(failure).strip() or type(failure).__name__
        error = f"not exported: {message.splitlines()[0][:150]}"
    return NetworkCost(network, counted.parameters, counted.multiply_adds, size, accuracies, error)


def _networks(names: Sequence[str], runs: Sequence[Run], classes: int) -> list[BenchmarkedNetwork]:
    """The networks to measure, each once, in the order of `names`; a run's network replaces the default one."""
    trained = [_trained_network(run) for run in runs]
    networks: list[BenchmarkedNetwork] = []
    for name in list(names) or ([] if runs else registered_names()):
        side = architecture_info(name).input_size
        default = BenchmarkedNetwork(name, classes, 3, side, (), side)
        networks += [network for network in trained if network.model == name] or [default]
    return list(dict.fromkeys([*networks, *trained]))


def _trained_network(run: Run) -> BenchmarkedNetwork:
    spec = run.spec
    return BenchmarkedNetwork(
        model=spec.model,
        classes=len(spec.classes),
        channels=spec.channels,
        input_size=spec.input_geometry.size,
        options=tuple(sorted(spec.options.items())),
        default_size=architecture_info(spec.model).input_size,
    )


def _job(
    network: BenchmarkedNetwork,
    onnx_path: Path,
    backend: str,
    device: str,
    threads: int,
    batches: tuple[int, ...],
    seconds: float,
) -> BenchmarkJob:
    return BenchmarkJob(
        backend=backend,
        model=network.model,
        classes=network.classes,
        channels=network.channels,
        input_size=network.input_size,
        options=dict(network.options),
        onnx_path=str(onnx_path),
        batches=batches,
        device="cpu" if backend in ONNX_BACKENDS else device,
        threads=threads,
        seconds=seconds,
    )


def _counter(total: int, progress: Progress) -> Callable[[], None]:
    done = itertools.count(1)
    return lambda: progress("measuring networks", next(done), total)


def _freed_memory_kept(
    jobs: Sequence[tuple[NetworkCost, BenchmarkJob]], outcomes: Sequence[Sequence[JobOutcome]]
) -> bool | None:
    """Whether the allocator kept freed memory in all PyTorch jobs; None where there were none."""
    kept = [
        times.freed_memory_kept
        for (_, job), of_job in zip(jobs, outcomes, strict=True)
        for outcome in of_job
        for times in outcome.times
        if job.backend not in ONNX_BACKENDS
    ]
    return all(kept) if kept else None


def _accuracy(run: Run) -> tuple[BenchmarkedNetwork, RunAccuracy]:
    evaluation = read_evaluation(run)
    record = evaluation.record
    return _trained_network(run), RunAccuracy(run.folder.name, evaluation.accuracy, record.data, record.split_hash)


def _backends(requested: Sequence[str]) -> list[str]:
    unknown = [name for name in requested if name not in BACKENDS]
    if unknown:
        raise ModelError(
            found=f"no backend is called '{unknown[0]}'",
            expected=f"one of {', '.join(BACKENDS)}",
            advice=did_you_mean(unknown[0], BACKENDS),
        )
    if not requested:
        return [name for name in BACKENDS if name not in ONNX_BACKENDS or util.find_spec(name)]
    if "openvino" in requested:
        require("openvino", "openvino", "measure its backend")
    return list(dict.fromkeys(requested))


def _check(device: str, batches: Sequence[int], seconds: float, rounds: int, threads: int | None) -> None:
    if device not in ("cpu", "cuda"):
        raise TumorlensError(found=f"device '{device}' found", expected="cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise TumorlensError(
            found="device 'cuda', and PyTorch finds no GPU", expected="a GPU", advice="leave out the device, or use cpu"
        )
    if min([rounds, 1 if threads is None else threads, *batches]) < 1 or not 0 < seconds < math.inf:
        raise TumorlensError(
            found=f"batch sizes {list(batches)}, threads {threads}, rounds {rounds}, seconds {seconds:g}",
            expected="batch sizes, threads and rounds of at least 1, and seconds above 0",
        )
