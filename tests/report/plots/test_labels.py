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

NAMES = [MALICIOUS, "", "_hidden", "$x^2$", "腫瘍\n\t\udcff", "a very long class name " * 9]
SEVERAL: dict[str, Callable[[list[str]], Chart]] = {
    "matrix": lambda names: ConfusionChart([[1] * len(names)] * len(names), names),
    "roc": lambda names: RocChart([curve(name) for name in names]),
    "precision_recall": lambda names: PrecisionRecallChart([points(name) for name in names]),
    "forest": lambda names: IntervalChart([row for n in names for row in (IntervalRow(n), IntervalRow(n, estimate()))]),
    "training": lambda names: TrainingCurves(
        [EpochSeries(name, [1.0]) for name in names], [EpochSeries(name, [0.5]) for name in names], best=1
    ),
    "cascade": lambda names: CascadeChart(
        [CascadeLine(name, [(0, 1.0), (1, 0.0)]) for name in names], names, 0.5, "rank correlation"
    ),
    "costs": lambda names: CostChart(
        [CostPoint(name, i, estimate(), name) for i, name in enumerate(names, 1)], "c", "G"
    ),
    "bars": lambda names: StackedBarChart([BarRow(name, (1, 2)) for name in names], [names[0], "b"], "images"),
}


def assert_shown(chart: Chart, names: list[str]) -> None:
    root = parse(chart)
    assert "script" not in {element.tag for element in root.iter()}
    texts = [element.text or "" for element in root.iter("text")]
    for name in names:
        assert any(name[:7].partition("\n")[0] in text for text in texts), name


@pytest.mark.parametrize("kind", SEVERAL)
def test_any_name_is_shown_as_it_is(kind: str) -> None:
    assert_shown(SEVERAL[kind](NAMES), NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_one_curve_is_shown_as_it_is(name: str) -> None:
    assert_shown(ReliabilityChart(ReliabilityCurve(name, bins([1]))), [name])


@pytest.mark.parametrize("name", NAMES)
def test_a_bar_without_parts_is_shown_by_its_name(name: str) -> None:
    assert_shown(StackedBarChart([BarRow(name), BarRow("other", (1, 2))], ["a", "b"], "images"), [name])
