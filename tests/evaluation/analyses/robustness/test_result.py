"""The one sentence that says what the figures mean follows from where accuracy begins to fall."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tumorlens.evaluation.analyses.robustness.result import Cell, Robustness, Row, Summary
from tumorlens.stats import Estimate


def figure(value: float, reach: float = 0.02) -> Estimate:
    return Estimate(value, value - reach, value + reach, 60, 30, "patient", "bootstrap")


def robustness(differences: tuple[float, ...]) -> Robustness:
    """Of a network that is right in 95 % of clean images."""
    severities = tuple(figure(0.95 + less) for less in differences)
    cells = tuple(
        Cell(i, f"{i} of it", one, figure(less), None, None, "glioma", 0.4)
        for i, (one, less) in enumerate(zip(severities, differences, strict=True), start=1)
    )
    summary = Summary(figure(0.95), severities, figure(0.8), figure(0.158), tuple(map(figure, differences)))
    return Robustness((0, 1), (Row("noise", "Rician noise", cells, figure(0.8), None),), summary, None, 0)


def test_a_loss_by_slight_artifacts_is_a_caution() -> None:
    found = robustness((-0.01, -0.05, -0.1, -0.2, -0.3))
    assert found.accuracy.falls_from == 2
    assert found.meaning.startswith(
        "In the mean over artifacts accuracy falls from severity 2 on (-5.0 points (-7.0 to -3.0)), where"
    )
    assert "the figures of clean images do not hold" in found.meaning
    assert found.caveat == found.meaning


def test_a_loss_by_plain_artifacts_alone_is_none() -> None:
    found = robustness((0.01, -0.01, -0.01, -0.03, -0.3))
    assert found.accuracy.falls_from == 4
    assert "plainly seen" in found.meaning
    assert found.caveat is None


def test_the_worst_is_named_with_its_amount_and_what_is_named_instead() -> None:
    found = robustness((0, 0, -0.3, -0.5, -0.4))
    assert found.worst_words == (
        "Worst is Rician noise at severity 4 (4 of it): accuracy 45.0 % (43.0 to 47.0), and 40 % of the images are "
        "named glioma."
    )


def test_the_summary_has_the_mean_the_clean_figure_and_the_drop() -> None:
    found = robustness((0, 0, 0, 0, -0.1))
    assert found.summary == (
        "Over all artifacts accuracy is 80.0 % (78.0 to 82.0) in the mean and 95.0 % (93.0 to 97.0) on the same "
        "images as they are, a relative drop of 15.8 % (13.8 to 17.8)."
    )
    assert replace(found, dice=found.accuracy).summary.endswith(
        "; Dice is 0.800 (0.780 to 0.820) in the mean and 0.950 "
        "(0.930 to 0.970) on the same images as they are, a relative drop of 15.8 % (13.8 to 17.8)."
    )


@pytest.mark.parametrize("nothing", [0.0, 0.01])
def test_no_loss_is_said_to_be_none_that_is_shown(nothing: float) -> None:
    assert robustness((nothing,) * 5).meaning.startswith("In the mean over artifacts no loss of accuracy is shown")
