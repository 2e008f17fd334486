"""Host -> MachineInfo: processor, threads, GPU, versions and load, so that a measured speed can be interpreted."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from tumorlens._record import processor, versions

BUSY = 0.5  # load per core; above it, other processes slow the measurement


@dataclass(frozen=True)
class MachineInfo:
    """The machine of a benchmark.

    Attributes:
        processor: model name.
        cores: number of logical CPU cores.
        threads: CPU threads that the benchmark uses.
        graphics_card: name of the GPU; None for a benchmark on the CPU.
        load_before: load average before the benchmark; None where the system does not report it.
        versions: of tumorlens, Python and the packages, by name.
    """

    processor: str
    cores: int
    threads: int
    graphics_card: str | None
    load_before: float | None
    versions: dict[str, str]

    @property
    def busy(self) -> bool:
        """Whether other processes used the cores when the benchmark began."""
        return self.load_before is not None and self.load_before > BUSY * self.cores

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def machine_info(device: str, threads: int) -> MachineInfo:
    """Describe this machine.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        threads: CPU threads that the benchmark uses.
    """
    graphics_card = None
    if device == "cuda":
        import torch

        graphics_card = torch.cuda.get_device_name()
    return MachineInfo(
        processor=processor(),
        cores=os.cpu_count() or 1,
        threads=threads,
        graphics_card=graphics_card,
        load_before=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        versions=versions(),
    )
