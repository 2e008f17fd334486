"""Benchmark -> chart of accuracy against cost."""

from __future__ import annotations

from tumorlens.benchmarking.benchmark_result import Benchmark, NetworkCost
from tumorlens.errors import TumorlensError, did_you_mean
from tumorlens.report.plots import CostChart, CostPoint

COSTS = ("multiply-adds", "parameters", "latency")


def cost_chart(benchmark: Benchmark, cost: str = "multiply-adds") -> CostChart:
    """The accuracy of every evaluated run against the cost of its network.

    `CostChart.plot` plots it on matplotlib Axes, and `tumorlens.report.plots.save_chart` writes it as a file.

    Args:
        benchmark: with evaluated runs.
        cost: ``"multiply-adds"``, ``"parameters"``, or ``"latency"`` (median time of one image, with ONNX Runtime if
            that was measured, else with the first measured backend).

    Raises:
        TumorlensError: no accuracy is known, or there is no such cost.
    """
    if cost not in COSTS:
        raise TumorlensError(
            found=f"cost '{cost}' found", expected=f"one of {', '.join(COSTS)}", advice=did_you_mean(cost, COSTS)
        )
    backend = _backend(benchmark)
    several_datasets = len({one.data for network in benchmark.networks for one in network.accuracies}) > 1
    points = []
    for network in benchmark.networks:
        value = _value(benchmark, network, cost, backend)
        for one in network.accuracies if value else ():
            note = f"{one.run} on {one.data}" if several_datasets else one.run
            points.append(CostPoint(network.name, value, one.accuracy, note))
    if not points:
        raise TumorlensError(
            found=f"none of {len(benchmark.networks)} networks has both an accuracy and a cost",
            expected="at least one",
            advice="give evaluated runs",
        )
    title, unit = {
        "multiply-adds": ("multiply-adds of one image", "G"),
        "parameters": ("parameters", "M"),
        "latency": (f"latency of one image, {backend}", "ms"),
    }[cost]
    return CostChart(points, title, unit)


def _backend(benchmark: Benchmark) -> str:
    measured = list(dict.fromkeys(m.backend for m in benchmark.measurements if m.p50_ms))
    return "onnxruntime" if "onnxruntime" in measured else next(iter(measured), "")


def _value(benchmark: Benchmark, network: NetworkCost, cost: str, backend: str) -> float:
    """The cost in the unit of the axis; 0 where it was not measured."""
    if cost == "multiply-adds":
        return network.multiply_adds / 1e9
    if cost == "parameters":
        return network.parameters / 1e6
    key = (network.name, backend, 1)
    times = (m.p50_ms for m in benchmark.measurements if (m.network, m.backend, m.batch) == key)
    return next((milliseconds for milliseconds in times if milliseconds), 0.0)
