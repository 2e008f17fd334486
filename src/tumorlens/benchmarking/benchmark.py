"""names of networks -> what each costs: size, multiply-adds, images a second, latency, memory, by backend."""
# ruff: noqa: E402 (the check for torch comes before what needs it)

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Sequence
from importlib import util
from pathlib import Path

from tumorlens._extras import require

require("torch", "train", "benchmark networks")

import torch
from torch import Tensor, nn

from tumorlens.benchmarking.benchmark_result import (
    Benchmark,
    BenchmarkedNetwork,
    NetworkCost,
    RunAccuracy,
    SpeedMeasurement,
)
from tumorlens.benchmarking.machine import machine
from tumorlens.benchmarking.timing import BACKENDS, NEEDS_GRAPH, BenchmarkJob, Outcome, run
from tumorlens.deploy.onnx_trace import trace
from tumorlens.errors import ModelError, TumorlensError
from tumorlens.evaluation import read_evaluation
from tumorlens.models import Network, card, cost, create
from tumorlens.models import names as all_names
from tumorlens.training import Run

Progress = Callable[[int, int], None]


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
    progress: Progress | None = None,
) -> Benchmark:
    """Measure what networks cost: one forward pass in float32, from prepared images to logits and mask.

    Weights are untrained, since speed does not depend on them. Every round starts a fresh process for every
    network and backend, in turn (A B C A B C), so that a slow minute meets all and peaks of memory do not mix.

    Args:
        names: of the registry, at their own input size; all where neither names nor runs are given.
        runs: evaluated runs; each brings its network as it was trained (input size, channels, classes, options),
            in the place of the plain one of that name, and its accuracy.
        backends: of ``"pytorch"``, ``"channels-last"``, ``"onnxruntime"`` and ``"openvino"``; those installed if
            empty.
        batches: images in a pass; 1 is always measured, for the latency.
        classes: of the networks given by name.
        device: of the PyTorch backends, ``"cpu"`` or ``"cuda"``; the others are on the CPU.
        threads: of the CPU; PyTorch's own choice if None, which is OMP_NUM_THREADS where that is set.
        seconds: of passes for each network, backend and batch in each round.
        rounds: how many; figures are medians over all passes.
        progress: called with (done, total).

    Raises:
        ModelError: no such network or backend.
        RunError: a run was not evaluated.
        MissingExtraError: a backend was asked for that is not installed.
        TumorlensError: there is no graphics card, or a number is out of range.
    """
    chosen = _backends(backends)
    _check(device, batches, seconds, rounds, threads)
    scores = [_score(one) for one in runs]
    subjects = _subjects(names, runs, classes)
    width = threads or torch.get_num_threads()
    facts = machine(device, width) | {"seconds": seconds, "rounds": rounds, "precision": "float32"}
    sizes = tuple(sorted({1, *batches}))
    step = _counter(len(subjects) * (1 + rounds * len(chosen)), progress)
    with tempfile.TemporaryDirectory(prefix="tumorlens-benchmark-") as scratch:
        described, jobs = [], []
        for i, subject in enumerate(subjects):
            graph = Path(scratch) / f"{i}.onnx"
            described.append(_describe(subject, graph, tuple(score for which, score in scores if which == subject)))
            jobs += [(described[i], _job(subject, graph, name, device, width, sizes, seconds)) for name in chosen]
            step()
        outcomes: list[list[Outcome]] = [[] for _ in jobs]
        for _ in range(rounds):
            for (known, job), outcome in zip(jobs, outcomes, strict=True):
                unreadable = job.backend in NEEDS_GRAPH and known.error
                outcome.append(([], known.error) if unreadable else run(job))
                step()
    measured = tuple(
        SpeedMeasurement.of(known.name, job.backend, job.device, batch, outcome)
        for (known, job), outcome in zip(jobs, outcomes, strict=True)
        for batch in sizes
    )
    return Benchmark(facts | {"freed_memory_kept": _kept(jobs, outcomes)}, tuple(described), measured)


class _Plain(nn.Module):
    """A network with the outputs that are used."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        answer = self.network(images)
        return (answer.logits,) if answer.mask is None else (answer.logits, answer.mask)


def _describe(subject: BenchmarkedNetwork, graph: Path, scores: tuple[RunAccuracy, ...]) -> NetworkCost:
    """Count a network and write its graph; one that cannot be exported is measured in PyTorch alone."""
    options = dict(subject.options)
    counted = cost(subject.model, subject.classes, channels=subject.channels, input_size=subject.size, options=options)
    network = create(subject.model, subject.classes, channels=subject.channels, options=options).eval()
    example = torch.zeros(2, subject.channels, subject.size, subject.size)
    error, size = "", None
    try:
        names = ["logits", "mask"] if card(subject.model).segments else ["logits"]
        dimensions = {"images": {0: torch.export.Dim("batch", min=1, max=4096)}}
        trace(_Plain(network), example, "images", names, dimensions).save(graph, external_data=False)
        size = graph.stat().st_size
    except Exception as failure:  # whatever the exporter says of one network, the others are still measured
        said = str(failure).strip() or type(failure).__name__
        error = f"not exported: {said.splitlines()[0][:150]}"
    return NetworkCost(subject, counted.parameters, counted.multiply_adds, size, scores, error)


def _subjects(names: Sequence[str], runs: Sequence[Run], classes: int) -> list[BenchmarkedNetwork]:
    """What is measured, each once: names in their order, a run's network in the place of its name."""
    trained = [_subject_of(one) for one in runs]
    wanted = list(names) or ([] if runs else all_names())
    found: list[BenchmarkedNetwork] = []
    for name in wanted:
        known = card(name)
        plain = BenchmarkedNetwork(name, classes, 3, known.input_size, (), known.input_size)
        found += [subject for subject in trained if subject.model == name] or [plain]
    return list(dict.fromkeys([*found, *trained]))


def _subject_of(one: Run) -> BenchmarkedNetwork:
    spec = one.spec
    options = tuple(sorted(spec.options.items()))
    return BenchmarkedNetwork(
        spec.model, len(spec.classes), spec.channels, spec.input_geometry.size, options, card(spec.model).input_size
    )


def _job(
    subject: BenchmarkedNetwork,
    graph: Path,
    backend: str,
    device: str,
    threads: int,
    batches: tuple[int, ...],
    seconds: float,
) -> BenchmarkJob:
    return BenchmarkJob(
        backend=backend,
        model=subject.model,
        classes=subject.classes,
        channels=subject.channels,
        size=subject.size,
        options=dict(subject.options),
        graph=str(graph),
        batches=batches,
        device="cpu" if backend in NEEDS_GRAPH else device,
        threads=threads,
        seconds=seconds,
    )


def _counter(total: int, progress: Progress | None) -> Callable[[], None]:
    done = itertools.count(1)
    return lambda: progress(next(done), total) if progress else None


def _kept(jobs: Sequence[tuple[NetworkCost, BenchmarkJob]], outcomes: Sequence[Sequence[Outcome]]) -> bool | None:
    """Whether PyTorch ran with freed memory kept; None where it did not run."""
    told = [
        timing.freed_memory_kept
        for (_, job), outcome in zip(jobs, outcomes, strict=True)
        for timings, _ in outcome
        for timing in timings
        if job.backend not in NEEDS_GRAPH
    ]
    return all(told) if told else None


def _score(one: Run) -> tuple[BenchmarkedNetwork, RunAccuracy]:
    measured = read_evaluation(one)
    facts = measured.facts
    return _subject_of(one), RunAccuracy(one.folder.name, measured.accuracy, facts["data"], facts["split_hash"])


def _backends(wanted: Sequence[str]) -> list[str]:
    unknown = [name for name in wanted if name not in BACKENDS]
    if unknown:
        raise ModelError(f"no backend is called '{unknown[0]}'; expected one of {', '.join(BACKENDS)}")
    if not wanted:
        return [name for name in BACKENDS if name not in NEEDS_GRAPH or util.find_spec(name)]
    if "openvino" in wanted:
        require("openvino", "openvino", "measure its backend")
    return list(dict.fromkeys(wanted))


def _check(device: str, batches: Sequence[int], seconds: float, rounds: int, threads: int | None) -> None:
    if device not in ("cpu", "cuda"):
        raise TumorlensError(f"device '{device}' found; expected cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise TumorlensError("no graphics card that PyTorch can use was found; leave out the device, or give cpu")
    if min([rounds, 1 if threads is None else threads, *batches]) < 1 or seconds <= 0:
        raise TumorlensError("batches, threads and rounds of at least 1 and seconds above 0 are expected")
