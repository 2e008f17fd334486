"""A precision-recall curve has the points of the data, and the prevalence."""

from __future__ import annotations

import numpy as np

from tests.report.plots.examples import (
    legend,
    plotted,
)
from tumorlens.report.plots import (
    PrecisionRecallChart,
    PrecisionRecallCurve,
)


def test_precision_is_plotted_against_recall() -> None:
    ax = plotted(PrecisionRecallChart([PrecisionRecallCurve("glioma", [0, 0.5, 1], [1, 0.9, 0.2], 0.2)]))
    np.testing.assert_array_equal(ax.lines[-1].get_xydata(), [(0, 1), (0.5, 0.9), (1, 0.2)])
    assert legend(ax) == ["glioma: prevalence 20.0 %"]
