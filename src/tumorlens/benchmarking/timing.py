"""A network and a backend -> seconds per forward pass and peak memory, measured in a separate process.

A process cannot reset its peak memory, and the allocator settings of one backend change the speed of another. Every
measurement therefore runs as ``python -m tumorlens.benchmarking.timing JOB``. It prints one line of JSON per batch
size, smallest first, as soon as that batch size is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tumorlens._memory import keep_freed_memory, peak_memory

ONNX_BACKENDS = ("onnxruntime", "openvino")
"""Backends that run the exported ONNX model on the CPU; the name is that of the Python package."""

ForwardPass = Callable[[], object]
Inputs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class BenchmarkJob:
    """One network and backend, measured in one process.

    Attributes:
        backend: ``"pytorch"``, ``"channels-last"``, ``"onnxruntime"`` or ``"openvino"``.
        model: registry name.
        classes: number of outputs.
        channels: 1 or 3 input channels.
        input_size: side of the square input, pixels.
        onnx_path: the exported model; the PyTorch backends ignore it.
        batches: batch sizes; each is measured, smallest first.
        device: ``"cpu"`` or ``"cuda"`` for the PyTorch backends; the other backends use the CPU.
        threads: CPU threads.
        seconds: measuring time per batch size. Warm-up takes a quarter of it. Each has at least one pass.
        options: of the architecture.
    """

    backend: str
    model: str
    classes: int
    channels: int
    input_size: int
    onnx_path: str
    batches: tuple[int, ...]
    device: str
    threads: int
    seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PassTimes:
    """Times and memory of one batch size.

    Attributes:
        batch: images per forward pass.
        seconds: of every pass after the warm-up.
        baseline_memory: peak memory of the process before the network was created (Python and its libraries), bytes;
            None where the system does not report it.
        peak_memory: peak memory of the process so far, bytes.
        freed_memory_kept: whether the allocator keeps freed memory for reuse (tumorlens sets this for PyTorch).
        peak_device_memory: peak memory of tensors on the GPU, bytes; None on the CPU.
    """

    batch: int
    seconds: tuple[float, ...]
    baseline_memory: int | None
    peak_memory: int | None
    freed_memory_kept: bool
    peak_device_memory: int | None


class JobOutcome(NamedTuple):
    """The result of one job.

    Attributes:
        times: of every batch size that was measured.
        error: why the process stopped early; empty where it finished.
    """

    times: list[PassTimes]
    error: str = ""


def run_job(job: BenchmarkJob) -> JobOutcome:
    """Measure one job in a new process."""
    command = [sys.executable, "-m", "tumorlens.benchmarking.timing", json.dumps(asdict(job))]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    times = [PassTimes(**(line | {"seconds": tuple(line["seconds"])})) for line in lines]
    if done.returncode == 0:
        return JobOutcome(times)
    if done.returncode < 0:
        return JobOutcome(times, f"ended by signal {-done.returncode}, most likely out of memory")
    errors = done.stderr.strip().splitlines()
    return JobOutcome(times, errors[-1][:200] if errors else f"exit code {done.returncode}")


def main() -> None:
    """Measure the job in the first argument and print one line of JSON per batch size."""
    fields = json.loads(sys.argv[1])
    job = BenchmarkJob(**(fields | {"batches": tuple(fields["batches"])}))
    kept = job.backend not in ONNX_BACKENDS and keep_freed_memory()
    load, device_peak = _BACKENDS[job.backend](job)
    baseline = peak_memory()
    prepare = load()
    random = np.random.default_rng(0)
    for batch in sorted(job.batches):
        inputs = random.standard_normal((batch, job.channels, job.input_size, job.input_size), dtype=np.float32)
        seconds = _times(prepare(inputs), job.seconds)
        times = PassTimes(batch, seconds, baseline, peak_memory(), kept, device_peak())
        sys.stdout.write(json.dumps(asdict(times)) + "\n")
        sys.stdout.flush()


def _times(once: ForwardPass, seconds: float) -> tuple[float, ...]:
    """Seconds of every pass after the warm-up."""
    end = time.perf_counter() + seconds / 4
    once()
    while time.perf_counter() < end:
        once()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        once()
        times.append(time.perf_counter() - start)
    return tuple(times)


# A function that loads the network, called after all imports, and one that returns the peak GPU memory.
_Backend = tuple[Callable[[], Callable[[Inputs], ForwardPass]], Callable[[], int | None]]


def _pytorch(job: BenchmarkJob, *, channels_last: bool) -> _Backend:
    """Eager PyTorch."""
    import torch

    from tumorlens.models import create

    torch.set_num_threads(job.threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    on_gpu = job.device == "cuda"

    def load() -> Callable[[Inputs], ForwardPass]:
        network = create(job.model, job.classes, channels=job.channels, options=job.options)
        network = network.eval().to(job.device).to(memory_format=layout)

        def prepare(inputs: Inputs) -> ForwardPass:
            images = torch.from_numpy(inputs).to(job.device).contiguous(memory_format=layout)

            @torch.inference_mode()
            def once() -> None:
                network(images)
                if on_gpu:
                    torch.cuda.synchronize()

            return once

        return prepare

    return load, lambda: torch.cuda.max_memory_allocated() if on_gpu else None


def _onnxruntime(job: BenchmarkJob) -> _Backend:
    import onnxruntime as ort

    def load() -> Callable[[Inputs], ForwardPass]:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = job.threads
        session = ort.InferenceSession(job.onnx_path, options, providers=["CPUExecutionProvider"])
        return lambda inputs: lambda: session.run(None, {"images": inputs})

    return load, lambda: None


def _openvino(job: BenchmarkJob) -> _Backend:
    import openvino

    # By default OpenVINO computes in bfloat16 on processors that support it; that would not be comparable.
    settings = {
        "INFERENCE_NUM_THREADS": job.threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }

    def load() -> Callable[[Inputs], ForwardPass]:
        request = openvino.Core().compile_model(job.onnx_path, "CPU", settings).create_infer_request()
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
