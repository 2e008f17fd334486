"""What a benchmark found: networks, what each costs, and the accuracies that are known of it."""

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
from tumorlens.benchmarking.machine import busy
from tumorlens.benchmarking.timing import NEEDS_GRAPH, Outcome
from tumorlens.stats import Estimate

UNSTEADY = 1.25  # fastest over slowest round; beyond it a machine was not at rest
MB = 1e6
USUAL_CLASSES = 4


@dataclass(frozen=True)
class BenchmarkedNetwork:
    """A network as it is measured.

    Attributes:
        model: registry name.
        classes: number of outputs.
        channels: 1 or 3 input channels.
        size: side of the input, pixels.
        options: of the architecture, those that differ from their default.
        own_size: the side it was made for.
    """

    model: str
    classes: int
    channels: int
    size: int
    options: tuple[tuple[str, Any], ...]
    own_size: int

    @property
    def name(self) -> str:
        """As tables call it: the model, and what is not as usual about it."""
        unusual = [f"{self.size} px"] * (self.size != self.own_size) + ["gray"] * (self.channels == 1)
        unusual += [f"{self.classes} classes"] * (self.classes != USUAL_CLASSES)
        unusual += [f"{key}={value}" for key, value in self.options]
        return f"{self.model} ({', '.join(unusual)})" if unusual else self.model


@dataclass(frozen=True)
class RunAccuracy:
    """The accuracy of an evaluated run.

    Attributes:
        run: name of its folder.
        accuracy: with its interval.
        data: what it was measured on.
        split_hash: of the split it was measured on.
    """

    run: str
    accuracy: Estimate
    data: str
    split_hash: str


@dataclass(frozen=True)
class NetworkCost:
    """What is known of a network without running it.

    Attributes:
        subject: the network.
        parameters: trainable values.
        multiply_adds: of one image.
        on_disk: bytes of the exported ONNX file; None where it could not be exported.
        scores: accuracies of the runs that were given.
        error: why there is no file, else empty.
    """

    subject: BenchmarkedNetwork
    parameters: int
    multiply_adds: int
    on_disk: int | None
    scores: tuple[RunAccuracy, ...]
    error: str = ""

    @property
    def name(self) -> str:
        """As tables call it."""
        return self.subject.name


@dataclass(frozen=True)
class SpeedMeasurement:
    """One network, backend and batch size.

    Attributes:
        network: name in the table.
        backend: ``"pytorch"``, ``"channels-last"``, ``"onnxruntime"`` or ``"openvino"``.
        device: ``"cpu"`` or ``"cuda"``.
        batch: images in a pass.
        passes: that were timed, in all rounds together.
        images_per_second: images in a pass by its median time; None, as all below, where it failed.
        slowest_round: the same of the slowest round.
        fastest_round: the same of the fastest round.
        p50: median of a pass, milliseconds.
        p95: 95th percentile of a pass, milliseconds.
        memory_before: the most the process held before the network was there, bytes: Python and its libraries.
        peak_memory: the most it held with the network and this batch.
        peak_device_memory: of tensors on the graphics card, bytes.
        error: why it failed, else empty.
    """

    network: str
    backend: str
    device: str
    batch: int
    passes: int = 0
    images_per_second: float | None = None
    slowest_round: float | None = None
    fastest_round: float | None = None
    p50: float | None = None
    p95: float | None = None
    memory_before: int | None = None
    peak_memory: int | None = None
    peak_device_memory: int | None = None
    error: str = ""

    @classmethod
    def of(cls, network: str, backend: str, device: str, batch: int, outcome: Sequence[Outcome]) -> SpeedMeasurement:
        """From the timings of every round and the reason it ended early."""
        rounds = [timing for timings, _ in outcome for timing in timings if timing.batch == batch]
        reason = next((reason for _, reason in outcome if reason), "")
        if not rounds:
            return cls(network, backend, device, batch, error=reason)
        spent = np.concatenate([timing.seconds for timing in rounds])
        rates = [batch / median(timing.seconds) for timing in rounds]
        p50, p95 = np.quantile(spent, (0.5, 0.95))
        return cls(
            network,
            backend,
            device,
            batch,
            passes=len(spent),
            images_per_second=float(batch / p50),
            slowest_round=min(rates),
            fastest_round=max(rates),
            p50=1000 * float(p50),
            p95=1000 * float(p95),
            memory_before=_most(timing.memory_before for timing in rounds),
            peak_memory=_most(timing.peak_memory for timing in rounds),
            peak_device_memory=_most(timing.peak_device_memory for timing in rounds),
            error=reason if len(rounds) < len(outcome) else "",
        )


@dataclass(frozen=True)
class Benchmark:
    """Everything one benchmark found.

    Attributes:
        machine: processor, cores, threads, graphics card, versions, load, and how it was measured.
        networks: in the order they were asked for.
        measurements: of each network, backend and batch.
    """

    machine: dict[str, Any]
    networks: tuple[NetworkCost, ...]
    measurements: tuple[SpeedMeasurement, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """One line for each network and backend that could not be measured, the reasons in them."""
        lines = [f"{facts.name}: {facts.error}" for facts in self.networks if facts.error]
        left_out = {facts.name for facts in self.networks if facts.error}
        lines += [
            f"{m.network}, {m.backend}, batch {m.batch}: {m.error}"
            for m in self.measurements
            if m.error and not (m.network in left_out and m.backend in NEEDS_GRAPH)
        ]
        return tuple(lines)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What must be known before a figure is quoted."""
        found = []
        if busy(self.machine):
            load, cores = self.machine["load_before"], self.machine["cores"]
            found.append(f"Something else was running (load {load:.1f} on {cores} cores): speeds are too low.")
        spread = [
            (m.fastest_round / m.slowest_round, m) for m in self.measurements if m.fastest_round and m.slowest_round
        ]
        ratio, worst = max(spread, key=lambda item: item[0], default=(1.0, None))
        if worst and ratio > UNSTEADY:
            found.append(
                f"Rounds differ by up to a factor of {ratio:.1f} ({worst.network}, {worst.backend}, batch "
                f"{worst.batch}): the machine was not at rest."
            )
        parts = {(score.data, score.split_hash) for facts in self.networks for score in facts.scores}
        if len(parts) > 1:
            found.append("The accuracies were measured on different test images: they cannot be compared.")
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "machine": self.machine,
            "networks": [self._network(facts) for facts in self.networks],
            "measurements": [asdict(measurement) for measurement in self.measurements],
            "failed": list(self.failed),
            "caveats": list(self.caveats),
        }

    def write_csv(self, path: str | Path) -> None:
        """One row for each measurement, with the facts of its network."""
        by_name = {facts.name: facts for facts in self.networks}
        with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream:
            rows = [_row(by_name[m.network], m) for m in self.measurements]
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def _network(self, facts: NetworkCost) -> dict[str, Any]:
        subject = facts.subject
        return {
            "name": facts.name,
            "model": subject.model,
            "classes": subject.classes,
            "channels": subject.channels,
            "input_size": subject.size,
            "options": dict(subject.options),
            "parameters": facts.parameters,
            "multiply_adds": facts.multiply_adds,
            "on_disk": facts.on_disk,
            "scores": [asdict(score) | {"accuracy": score.accuracy.to_dict()} for score in facts.scores],
        }


def _most(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _row(facts: NetworkCost, m: SpeedMeasurement) -> dict[str, Any]:
    def digits(value: float | None, count: int) -> str | float:
        return "" if value is None else round(value, count)

    return {
        "network": facts.name,
        "input_size": facts.subject.size,
        "classes": facts.subject.classes,
        "parameters": facts.parameters,
        "multiply_adds": facts.multiply_adds,
        "on_disk_mb": digits(facts.on_disk and facts.on_disk / MB, 3),
        "backend": m.backend,
        "device": m.device,
        "batch": m.batch,
        "images_per_second": digits(m.images_per_second, 2),
        "slowest_round": digits(m.slowest_round, 2),
        "fastest_round": digits(m.fastest_round, 2),
        "p50_ms": digits(m.p50, 3),
        "p95_ms": digits(m.p95, 3),
        "passes": m.passes,
        "memory_before_mb": digits(m.memory_before and m.memory_before / MB, 1),
        "peak_memory_mb": digits(m.peak_memory and m.peak_memory / MB, 1),
        "peak_device_memory_mb": digits(m.peak_device_memory and m.peak_device_memory / MB, 1),
        "error": m.error,
    }
