"""The conclusion names the best method that passes the sanity check."""

from __future__ import annotations

from tests.fixtures.faithfulness import with_correlations
from tumorlens.explanation.faithfulness import Faithfulness
from tumorlens.explanation.faithfulness.faithfulness_text import conclusion


def test_the_conclusion_is_the_best_method_that_passes(faithfulness: Faithfulness) -> None:
    alone = conclusion(with_correlations(faithfulness, grad_cam=0.9, eigen_cam=0.1))
    assert alone.startswith("Eigen-CAM is the only method that passes the sanity check.")
    none = conclusion(with_correlations(faithfulness, grad_cam=0.9, eigen_cam=0.5))
    assert none.startswith("No method passes")
    both = conclusion(with_correlations(faithfulness, grad_cam=0.1, eigen_cam=0.1))
    best = max(faithfulness.methods, key=lambda row: row.metrics["relevance_mass_accuracy"].value)
    assert both.startswith(f"Of the methods that pass the sanity check, {best.title} has the highest")
