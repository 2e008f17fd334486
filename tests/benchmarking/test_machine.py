"""The machine is described as it is."""

from __future__ import annotations

import os
from dataclasses import replace

from tumorlens.benchmarking.machine import machine_info


def test_processor_cores_threads_and_versions_are_described() -> None:
    machine = machine_info("cpu", 3)
    assert machine.processor
    assert machine.cores == os.cpu_count()
    assert machine.threads == 3
    assert machine.graphics_card is None
    assert {"tumorlens", "python", "torch"} <= set(machine.versions)


def test_a_load_above_half_the_cores_is_busy() -> None:
    machine = replace(machine_info("cpu", 1), cores=2)
    assert replace(machine, load_before=1.1).busy
    assert not replace(machine, load_before=0.9).busy
    assert not replace(machine, load_before=None).busy
