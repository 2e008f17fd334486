"""The machine is described as it is."""

from __future__ import annotations

import os

from tumorlens.benchmarking.machine import busy, machine


def test_processor_cores_threads_and_versions_are_named() -> None:
    facts = machine("cpu", 3)
    assert facts["processor"]
    assert facts["cores"] == os.cpu_count()
    assert facts["threads"] == 3
    assert facts["graphics_card"] is None
    assert {"tumorlens", "python", "torch"} <= set(facts["versions"])


def test_a_load_of_more_than_half_the_cores_is_busy() -> None:
    assert busy({"load_before": 1.1, "cores": 2})
    assert not busy({"load_before": 0.9, "cores": 2})
    assert not busy({"load_before": None, "cores": 2})
