"""What a speed was measured on, so that the figure means something elsewhere."""

from __future__ import annotations

import os
from typing import Any

from tumorlens._record import processor, versions

BUSY = 0.5  # of the cores; what else runs then shows in the figures


def machine(device: str, threads: int) -> dict[str, Any]:
    """Processor, cores, threads, graphics card, versions and load, as plain data.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        threads: that the measurement uses.
    """
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    card = None
    if device == "cuda":
        import torch

        card = torch.cuda.get_device_name()
    return {
        "processor": processor(),
        "cores": cores,
        "threads": threads,
        "graphics_card": card,
        "load_before": load,
        "versions": versions(),
    }


def busy(facts: dict[str, Any]) -> bool:
    """Whether something else was using the cores when the measurement began."""
    return facts["load_before"] is not None and facts["load_before"] > BUSY * facts["cores"]
