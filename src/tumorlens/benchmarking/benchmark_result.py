"""Measurements -> Benchmark: the size and speed of networks, and the known accuracies of runs with these networks."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tumorlens._files import atomic_write
from tumorlens._record import SURROGATES
from tumorlens.benchmarking.machine import MachineInfo
from tumorlens.benchmarking.timing import ONNX_BACKENDS, JobOutcome
from tumorlens.stats import Estimate

UNSTEADY = 1.25  # ratio of the fastest to the slowest round; above it, other processes disturbed the measurement
MB = 1e6
DEFAULT_CLASSES = 4
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class BenchmarkedNetwork:
    """A network in the configuration that is measured.

    Attributes:
        model: registry name.
        classes: number of outputs.
        channels: 1 or 3 input channels.
        input_size: side of the square input, pixels.
        options: of the architecture; only those that differ from the default.
        default_size: the input size of the architecture, pixels.
    """

    model: str
    classes: int
    channels: int
    input_size: int
    options: tuple[tuple[str, Any], ...]
    default_size: int

    @property
    def name(self) -> str:
        """The name in tables: the model and every setting that differs from the default."""
        changed = [f"{self.input_size} px"] * (self.input_size != self.default_size) + ["gray"] * (self.channels == 1)
        changed += [f"{self.classes} classes"] * (self.classes != DEFAULT_CLASSES)
        changed += [f"{key}={value}" for key, value in self.options]
        return f"{self.model} ({', '.join(changed)})" if changed else self.model


@dataclass(frozen=True)
class RunAccuracy:
    """The accuracy of an evaluated run.

    Attributes:
        run: name of its folder.
        accuracy: with its interval.
        data: name of the dataset of the evaluation.
        split_hash: of the split of the evaluation.
    """

    run: str
    accuracy: Estimate
    data: str
    split_hash: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"accuracy": self.accuracy.to_dict()}


@dataclass(frozen=True)
class NetworkCost:
    """The size of a network, known without timing it.

    Attributes:
        network: the measured configuration.
        parameters: number of trainable values.
        multiply_adds: of one image.
        onnx_bytes: size of the exported ONNX file; None where the export failed.
        accuracies: of the given runs with this network.
        error: why the export failed, else empty.
    """

    network: BenchmarkedNetwork
    parameters: int
    multiply_adds: int
    onnx_bytes: int | None
    accuracies: tuple[RunAccuracy, ...]
    error: str = ""

    @property
    def name(self) -> str:
        """The name in tables."""
        return self.network.name

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        network = self.network
        return {
            "name": self.name,
            "model": network.model,
            "classes": network.classes,
            "channels": network.channels,
            "input_size": network.input_size,
            "options": dict(network.options),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "onnx_bytes": self.onnx_bytes,
            "accuracies": [accuracy.to_dict() for accuracy in self.accuracies],
        }


@dataclass(frozen=True)
class SpeedMeasurement:
    """The speed of one network with one backend and batch size.

    Attributes:
        network: name in tables.
        backend: ``"pytorch"``, ``"channels-last"``, ``"onnxruntime"`` or ``"openvino"``.
        device: ``"cpu"`` or ``"cuda"``.
        batch: images per forward pass.
        passes: number of timed passes over all rounds.
        images_per_second: batch size divided by the median time of a pass. This field and the following ones are None
            where the measurement failed.
        slowest_round: images per second of the slowest round.
        fastest_round: images per second of the fastest round.
        p50_ms: median time of a pass, milliseconds.
        p95_ms: 95th percentile of the time of a pass, milliseconds.
        baseline_memory: peak memory of the process before the network was created (Python and its libraries), bytes.
        peak_memory: peak memory of the process with the network and this batch size, bytes.
        peak_device_memory: peak memory of tensors on the GPU, bytes.
        error: why the measurement failed, else empty.
    """

    network: str
    backend: str
    device: str
    batch: int
    passes: int = 0
    images_per_second: float | None = None
    slowest_round: float | None = None
    fastest_round: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    baseline_memory: int | None = None
    peak_memory: int | None = None
    peak_device_memory: int | None = None
    error: str = ""

    @classmethod
    def from_rounds(
        cls, network: str, backend: str, device: str, batch: int, outcomes: Sequence[JobOutcome]
    ) -> SpeedMeasurement:
        """Combine the outcomes of all rounds."""
        rounds = [times for outcome in outcomes for times in outcome.times if times.batch == batch]
        error = next((outcome.error for outcome in outcomes if outcome.error), "")
        if not rounds:
            return cls(network, backend, device, batch, error=error)
        seconds = np.concatenate([times.seconds for times in rounds])
        rates = [batch / median(times.seconds) for times in rounds]
        p50, p95 = np.quantile(seconds, (0.5, 0.95))
        return cls(
            network,
            backend,
            device,
            batch,
            passes=len(seconds),
            images_per_second=float(batch / p50),
            slowest_round=min(rates),
            fastest_round=max(rates),
            p50_ms=1000 * float(p50),
            p95_ms=1000 * float(p95),
            baseline_memory=_largest(times.baseline_memory for times in rounds),
            peak_memory=_largest(times.peak_memory for times in rounds),
            peak_device_memory=_largest(times.peak_device_memory for times in rounds),
            error=error if len(rounds) < len(outcomes) else "",
        )


@dataclass(frozen=True)
class BenchmarkSettings:
    """How a benchmark measured.

    Attributes:
        seconds: measuring time per network, backend, batch size and round.
        rounds: number of rounds; reported times are medians over all of them.
        precision: of the forward pass, ``"float32"``.
        freed_memory_kept: whether the allocator kept freed memory for PyTorch; None where PyTorch was not measured.
    """

    seconds: float
    rounds: int
    precision: str = "float32"
    freed_memory_kept: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Benchmark:
    """The results of one benchmark.

    Attributes:
        machine: processor, cores, threads, GPU, versions and load.
        settings: measuring time, rounds and precision.
        networks: in the requested order.
        measurements: one per network, backend and batch size.
    """

    machine: MachineInfo
    settings: BenchmarkSettings
    networks: tuple[NetworkCost, ...]
    measurements: tuple[SpeedMeasurement, ...]

    def __repr__(self) -> str:
        counts = {"network": len(self.networks), "measurement": len(self.measurements)}
        parts = ", ".join(f"{n} {word}{'s' * (n != 1)}" for word, n in counts.items()) + f", {len(self.failed)} failed"
        return f"Benchmark({self.machine.processor}: {parts})"

    @property
    def failed(self) -> tuple[str, ...]:
        """One line for each failed network or backend, with the reason."""
        lines = [f"{cost.name}: {cost.error}" for cost in self.networks if cost.error]
        not_exported = {cost.name for cost in self.networks if cost.error}
        lines += [
            f"{m.network}, {m.backend}, batch {m.batch}: {m.error}"
            for m in self.measurements
            if m.error and not (m.network in not_exported and m.backend in ONNX_BACKENDS)
        ]
        return tuple(lines)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What limits the measured speeds and accuracies."""
        caveats = []
        if self.machine.busy:
            load, cores = self.machine.load_before, self.machine.cores
            caveats.append(f"Other processes were running (load {load:.1f} on {cores} cores): speeds are too low.")
        ratios = [
            (m.fastest_round / m.slowest_round, m) for m in self.measurements if m.fastest_round and m.slowest_round
        ]
        ratio, worst = max(ratios, key=lambda item: item[0], default=(1.0, None))
        if worst and ratio > UNSTEADY:
            caveats.append(
                f"Rounds differ by up to a factor of {ratio:.1f} ({worst.network}, {worst.backend}, batch "
                f"{worst.batch}): other processes disturbed the measurement."
            )
        test_sets = {(one.data, one.split_hash) for cost in self.networks for one in cost.accuracies}
        if len(test_sets) > 1:
            caveats.append("The accuracies were measured on different test images: they are not comparable.")
        return tuple(caveats)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "machine": self.machine.to_dict(),
            "settings": self.settings.to_dict(),
            "networks": [cost.to_dict() for cost in self.networks],
            "measurements": [asdict(measurement) for measurement in self.measurements],
            "failed": list(self.failed),
            "caveats": list(self.caveats),
        }

    def write_csv(self, path: str | Path) -> None:
        """One row per measurement, with the size of its network."""
        by_name = {cost.name: cost for cost in self.networks}
        with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream:
            rows = [_csv_row(by_name[m.network], m) for m in self.measurements]
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _csv_row(cost: NetworkCost, m: SpeedMeasurement) -> dict[str, str | int | float]:
    def rounded(value: float | None, digits: int) -> str | float:
        return "" if value is None else round(value, digits)

    return {
        "network": cost.name,
        "input_size": cost.network.input_size,
        "classes": cost.network.classes,
        "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds,
        "onnx_mb": rounded(cost.onnx_bytes and cost.onnx_bytes / MB, 3),
        "backend": m.backend,
        "device": m.device,
        "batch": m.batch,
        "images_per_second": rounded(m.images_per_second, 2),
        "slowest_round": rounded(m.slowest_round, 2),
        "fastest_round": rounded(m.fastest_round, 2),
        "p50_ms": rounded(m.p50_ms, 3),
        "p95_ms": rounded(m.p95_ms, 3),
        "passes": m.passes,
        "baseline_memory_mb": rounded(m.baseline_memory and m.baseline_memory / MB, 1),
        "peak_memory_mb": rounded(m.peak_memory and m.peak_memory / MB, 1),
        "peak_device_memory_mb": rounded(m.peak_device_memory and m.peak_device_memory / MB, 1),
        "error": m.error,
    }
