"""Any name is shown as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.report.plots.examples import (
    MALICIOUS,
    bins,
    curve,
    estimate,
    parse,
    points,
)
from tumorlens.report.plots import (
    BarRow,
    CascadeChart,
    CascadeLine,
    Chart,
    ConfusionChart,
    CostChart,
    CostPoint,
    EpochSeries,
    IntervalChart,
    IntervalRow,
    PrecisionRecallChart,
    ReliabilityChart,
    ReliabilityCurve,
    RocChart,
    StackedBarChart,
    TrainingCurves,
)


@pytest.mark.parametrize(
    "chart",
    [
        lambda name: ConfusionChart([[1]], [name]),
        lambda name: RocChart([curve(name)]),
        lambda name: PrecisionRecallChart([points(name)]),
        lambda name: ReliabilityChart(ReliabilityCurve(name, bins([1]))),
        lambda name: IntervalChart([IntervalRow(name), IntervalRow(name, estimate())]),
        lambda name: TrainingCurves([EpochSeries(name, [1.0])], [EpochSeries(name, [0.5])], best=1),
        lambda name: CascadeChart([CascadeLine(name, [(0, 1.0), (1, 0.0)])], [name], 0.5, "rank correlation"),
        lambda name: CostChart([CostPoint(name, 1, estimate(), name)], "cost", "G"),
        lambda name: StackedBarChart([BarRow(name), BarRow(name, (1, 2))], [name, "b"], "images"),
    ],
    ids=["matrix", "roc", "precision_recall", "reliability", "forest", "training", "cascade", "costs", "bars"],
)
@pytest.mark.parametrize("name", [MALICIOUS, "", "_hidden", "$x^2$", "腫瘍\n\t\udcff", "a very long class name " * 9])
def test_any_name_is_shown_as_it_is(chart: Callable[[str], Chart], name: str) -> None:
    root = parse(chart(name))
    assert "script" not in {element.tag for element in root.iter()}
    assert any(name[:7].partition("\n")[0] in (element.text or "") for element in root.iter("text"))
