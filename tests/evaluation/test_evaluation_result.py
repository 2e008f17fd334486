"""An evaluation plots itself on the axes that it is given."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from tumorlens.errors import DataError
from tumorlens.evaluation import Evaluation


@pytest.mark.parametrize("kind", ["confusion_matrix", "roc", "precision_recall", "calibration"])
def test_an_evaluation_is_plotted_on_axes(evaluation: Evaluation, kind: str) -> None:
    ax = Figure().add_subplot()
    assert evaluation.plot(kind, ax) is ax
    assert ax.has_data()


def test_an_unknown_plot_is_an_error_that_lists_the_kinds(evaluation: Evaluation) -> None:
    with pytest.raises(DataError, match="confusion_matrix, roc, precision_recall, calibration; did you mean roc"):
        evaluation.plot("rocs")
