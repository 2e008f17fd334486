"""The conclusion follows from the severity at which accuracy begins to fall."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tumorlens.evaluation.analyses.robustness.result import (
    Robustness,
    RobustnessCell,
    RobustnessRow,
    RobustnessSummary,
)
from tumorlens.stats import Estimate


def estimate(value: float, halfwidth: float = 0.02) -> Estimate:
    return Estimate(value, value - halfwidth, value + halfwidth, 60, 30, "patient", "bootstrap")


def robustness(differences: tuple[float, ...]) -> Robustness:
    """Of a network that is right in 95 % of clean images."""
    severities = tuple(estimate(0.95 + less) for less in differences)
    cells = tuple(
        RobustnessCell(i, f"{i} of it", one, estimate(less), None, None, "glioma", 0.4)
        for i, (one, less) in enumerate(zip(severities, differences, strict=True), start=1)
    )
    summary = RobustnessSummary(
        estimate(0.95), severities, estimate(0.8), estimate(0.158), tuple(map(estimate, differences))
    )
    return Robustness((0, 1), (RobustnessRow("noise", "Rician noise", cells, estimate(0.8), None),), summary, None, 0)


def test_a_loss_by_slight_artifacts_is_a_caveat() -> None:
    found = robustness((-0.01, -0.05, -0.1, -0.2, -0.3))
    assert found.accuracy.falls_from == 2
    assert found.conclusion.startswith(
        "The mean over artifacts shows a loss of accuracy from severity 2 on (-5.0 points (-7.0 to -3.0)): "
    )
    assert "metrics of clean images do not hold" in found.conclusion
    assert found.caveats == (found.conclusion,)


def test_a_loss_by_strong_artifacts_alone_is_no_caveat() -> None:
    found = robustness((0.01, -0.01, -0.01, -0.03, -0.3))
    assert found.accuracy.falls_from == 4
    assert "that a radiologist would complain about" in found.conclusion
    assert found.caveats == ()


def test_the_worst_artifact_has_its_amount_and_the_most_predicted_class() -> None:
    found = robustness((0, 0, -0.3, -0.5, -0.4))
    assert found.worst_cell == (
        "The worst artifact is Rician noise at severity 4 (4 of it): accuracy 45.0 % (43.0 to 47.0); 40.0 % of the "
        "images are classified as glioma."
    )


def test_the_summary_has_the_mean_the_clean_value_and_the_drop() -> None:
    found = robustness((0, 0, 0, 0, -0.1))
    assert found.summary == (
        "Over all artifacts the mean accuracy is 80.0 % (78.0 to 82.0), and 95.0 % (93.0 to 97.0) on the same images "
        "without artifacts: a relative drop of 15.8 % (13.8 to 17.8)."
    )
    assert replace(found, dice=found.accuracy).summary.endswith(
        "; the mean Dice is 0.800 (0.780 to 0.820), and 0.950 (0.930 to 0.970) on the same images without artifacts: "
        "a relative drop of 15.8 % (13.8 to 17.8)."
    )


@pytest.mark.parametrize("nothing", [0.0, 0.01])
def test_without_a_loss_the_conclusion_says_that_none_is_shown(nothing: float) -> None:
    assert robustness((nothing,) * 5).conclusion.startswith("The mean over artifacts shows no loss")
