"""A network behind one backend -> seconds a pass and peak memory, in a process of its own.

Peaks of memory cannot be taken back, and the allocator settings of one backend would help another: every
measurement is therefore made by ``python -m tumorlens.benchmarking.timing JOB``, which prints one line of JSON for each
batch size, smallest first, as soon as it is done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._memory import keep_freed_memory, peak_memory

NEEDS_GRAPH = ("onnxruntime", "openvino")
"""The backends that run the exported network, on the CPU, each called as its package is."""

Pass = Callable[[], object]
Inputs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class BenchmarkJob:
    """What one process is to measure.

    Attributes:
        backend: ``"pytorch"``, ``"channels-last"``, ``"onnxruntime"`` or ``"openvino"``.
        model: registry name.
        classes: number of outputs.
        channels: 1 or 3 input channels.
        size: side of the input, pixels.
        options: of the architecture.
        graph: the exported network; the PyTorch backends do not read it.
        batches: images in a pass; each is measured, smallest first.
        device: of the PyTorch backends, ``"cpu"`` or ``"cuda"``; the others are on the CPU.
        threads: of the CPU.
        seconds: of passes for each batch size; a quarter as long to warm up, and one pass at least of either.
    """

    backend: str
    model: str
    classes: int
    channels: int
    size: int
    graph: str
    batches: tuple[int, ...]
    device: str
    threads: int
    seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PassTimes:
    """What was measured of one batch size.

    Attributes:
        batch: images in a pass.
        seconds: of every pass after warming up.
        memory_before: the most the process held before the network was there, bytes: Python and its libraries;
            None where the system does not say.
        peak_memory: the most it held up to now.
        freed_memory_kept: whether the allocator keeps what is freed, as tumorlens has it do where it runs PyTorch.
        peak_device_memory: of tensors on the graphics card, bytes; None on the CPU.
    """

    batch: int
    seconds: tuple[float, ...]
    memory_before: int | None
    peak_memory: int | None
    freed_memory_kept: bool
    peak_device_memory: int | None


Outcome = tuple[list[PassTimes], str]
"""What was measured, and why it ended early; empty where it did not."""


def run(job: BenchmarkJob) -> Outcome:
    """Measure in a new process."""
    command = [sys.executable, "-m", "tumorlens.benchmarking.timing", json.dumps(asdict(job))]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    timings = [PassTimes(**(line | {"seconds": tuple(line["seconds"])})) for line in lines]
    if done.returncode == 0:
        return timings, ""
    if done.returncode < 0:
        return timings, f"ended by signal {-done.returncode}, most likely for want of memory"
    said = done.stderr.strip().splitlines()
    return timings, said[-1][:200] if said else f"exit code {done.returncode}"


def main() -> None:
    """What the process does."""
    found = json.loads(sys.argv[1])
    job = BenchmarkJob(**(found | {"batches": tuple(found["batches"])}))
    kept = job.backend not in NEEDS_GRAPH and keep_freed_memory()
    load, device_peak = _BACKENDS[job.backend](job)
    before = peak_memory()
    prepare = load()
    random = np.random.default_rng(0)
    for batch in sorted(job.batches):
        inputs = random.standard_normal((batch, job.channels, job.size, job.size), dtype=np.float32)
        seconds = _times(prepare(inputs), job.seconds)
        print(json.dumps(asdict(PassTimes(batch, seconds, before, peak_memory(), kept, device_peak()))), flush=True)


def _times(once: Pass, seconds: float) -> tuple[float, ...]:
    """Seconds of every pass; those of warming up are left out."""
    end = time.perf_counter() + seconds / 4
    once()
    while time.perf_counter() < end:
        once()
    spent: list[float] = []
    end = time.perf_counter() + seconds
    while not spent or time.perf_counter() < end:
        begun = time.perf_counter()
        once()
        spent.append(time.perf_counter() - begun)
    return tuple(spent)


# What loads the network, once all libraries are there, and the peak of the card's memory.
_Backend = tuple[Callable[[], Callable[[Inputs], Pass]], Callable[[], int | None]]


def _pytorch(job: BenchmarkJob, *, channels_last: bool) -> _Backend:
    """Eager PyTorch."""
    import torch

    from tumorlens.models import create

    torch.set_num_threads(job.threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    on_card = job.device == "cuda"

    def load() -> Callable[[Inputs], Pass]:
        network = create(job.model, job.classes, channels=job.channels, options=job.options)
        network = network.eval().to(job.device).to(memory_format=layout)

        def prepare(inputs: Inputs) -> Pass:
            held = torch.from_numpy(inputs).to(job.device).contiguous(memory_format=layout)

            @torch.inference_mode()
            def once() -> None:
                network(held)
                if on_card:
                    torch.cuda.synchronize()

            return once

        return prepare

    return load, lambda: torch.cuda.max_memory_allocated() if on_card else None


def _onnxruntime(job: BenchmarkJob) -> _Backend:
    import onnxruntime as ort

    def load() -> Callable[[Inputs], Pass]:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = job.threads
        session = ort.InferenceSession(job.graph, options, providers=["CPUExecutionProvider"])
        return lambda inputs: lambda: session.run(None, {"images": inputs})

    return load, lambda: None


def _openvino(job: BenchmarkJob) -> _Backend:
    import openvino

    # Left to itself it computes in bfloat16 where the processor has it, and would not be comparable.
    settings = {
        "INFERENCE_NUM_THREADS": job.threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }

    def load() -> Callable[[Inputs], Pass]:
        request = openvino.Core().compile_model(job.graph, "CPU", settings).create_infer_request()
        return lambda inputs: lambda: request.infer({0: inputs}, share_inputs=True)

    return load, lambda: None


_BACKENDS: dict[str, Callable[[BenchmarkJob], _Backend]] = {
    "pytorch": lambda job: _pytorch(job, channels_last=False),
    "channels-last": lambda job: _pytorch(job, channels_last=True),
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
}
BACKENDS = tuple(_BACKENDS)


if __name__ == "__main__":
    main()
