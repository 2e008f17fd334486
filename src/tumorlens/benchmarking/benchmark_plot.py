"""Benchmark -> accuracy against cost, drawn."""

from __future__ import annotations

from tumorlens.benchmarking.benchmark_result import Benchmark, NetworkCost
from tumorlens.errors import TumorlensError
from tumorlens.report.plots import CostChart, CostPoint, render_standalone

COSTS = ("multiply-adds", "parameters", "milliseconds")


def plot(found: Benchmark, against: str = "multiply-adds") -> str:
    """The accuracies of the evaluated runs against what their networks cost, as an SVG file.

    Args:
        found: a benchmark with runs.
        against: ``"multiply-adds"``, ``"parameters"``, or ``"milliseconds"``: the median of a pass of one image,
            in ONNX Runtime if that was measured, else in the first backend that was.

    Raises:
        TumorlensError: no accuracy is known, or there is no such cost.
    """
    if against not in COSTS:
        raise TumorlensError(f"cost '{against}' found; expected one of {', '.join(COSTS)}")
    backend = _backend(found)
    mixed = len({score.data for facts in found.networks for score in facts.scores}) > 1
    points = []
    for facts in found.networks:
        cost = _cost(found, facts, against, backend)
        for score in facts.scores if cost else ():
            note = f"{score.run} on {score.data}" if mixed else score.run
            points.append(CostPoint(facts.name, cost, score.accuracy, note))
    if not points:
        raise TumorlensError("no accuracy and cost of one network are known; give evaluated runs, which have both")
    title, unit = {
        "multiply-adds": ("multiply-adds of one image", "G"),
        "parameters": ("parameters", "M"),
        "milliseconds": (f"time of one image, {backend}", "ms"),
    }[against]
    return render_standalone(CostChart(points, title, unit))


def _backend(found: Benchmark) -> str:
    measured = list(dict.fromkeys(m.backend for m in found.measurements if m.p50))
    return "onnxruntime" if "onnxruntime" in measured else next(iter(measured), "")


def _cost(found: Benchmark, facts: NetworkCost, against: str, backend: str) -> float:
    """In the unit of the axis; 0 where it is not known."""
    if against == "multiply-adds":
        return facts.multiply_adds / 1e9
    if against == "parameters":
        return facts.parameters / 1e6
    return next(
        (m.p50 for m in found.measurements if (m.network, m.backend, m.batch) == (facts.name, backend, 1) and m.p50),
        0.0,
    )
