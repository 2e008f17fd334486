"""A confusion matrix shows every count, at the place of its classes."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_hex

from tests.report.plots.examples import (
    CHARTS,
    CLASSES,
    COUNTS,
    plotted,
    tips,
    words,
)
from tumorlens.report.plots import (
    ConfusionChart,
    render_chart,
)


def test_the_matrix_shows_every_count_and_its_share_of_the_row() -> None:
    shown = words(CHARTS["matrix"])
    assert [w for w in shown if w.isdigit()] == [str(c) for c in COUNTS.ravel()]
    assert {"98.3 %", "87.7 %", "6.5 %", "n = 293", "n = 138"} <= set(shown)


def test_rows_of_the_matrix_are_true_classes() -> None:
    assert "true meningioma, predicted glioma: 9 of 138" in tips(CHARTS["matrix"])
    ax = plotted(CHARTS["matrix"])
    assert [text.get_position()[0] for text in ax.texts if text.get_text() == "288"] == [0]
    nine = next(text for text in ax.texts if text.get_text() == "9")
    assert (nine.get_position()[0], round(nine.get_position()[1])) == (0, 1)


def test_the_diagonal_and_mistakes_have_different_colors_and_more_is_darker() -> None:
    cells = [patch.get_facecolor() for patch in plotted(CHARTS["matrix"]).patches]
    assert len({to_hex(color) for color in cells}) == 2
    assert to_hex(cells[0]) == to_hex(cells[5]) != to_hex(cells[1])
    assert cells[4][3] > cells[1][3] > cells[2][3] == 0


def test_a_class_without_images_has_no_percentages() -> None:
    assert words(ConfusionChart([[3, 1], [0, 0]], ["a", "b"])).count("–") == 2


def test_a_matrix_of_another_size_than_its_classes_is_an_error() -> None:
    with pytest.raises(ValueError, match="4 x 4"):
        ConfusionChart(COUNTS[:3], CLASSES)


def test_long_names_of_columns_are_rotated_and_have_tooltips() -> None:
    name = "no tumor at all in this slice"
    assert render_chart(ConfusionChart(COUNTS, [*CLASSES[:3], name])).count("rotate(-30") == 4
    assert tips(ConfusionChart(COUNTS, [*CLASSES[:3], name])).count(name) == 2
