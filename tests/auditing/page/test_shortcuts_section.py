"""The section on shortcuts warns of the strongest one, and only where it is clearly above chance."""

from __future__ import annotations

import pytest

from tests.fixtures.audit_reports import made_report
from tumorlens.auditing.issues import NearestNeighborAccuracy, Shortcut
from tumorlens.auditing.page.shortcuts_section import shortcuts_section
from tumorlens.report import render_blocks
from tumorlens.stats import Estimate


def shortcut(name: str, value: float, low: float | None, best: str = "") -> Shortcut:
    high = None if low is None else min(1.0, 2 * value - low)
    estimate = Estimate(value, low, high, 60, 60, "patient", "bootstrap")
    return Shortcut(name, "features", estimate, 0.4, estimate, best)


def text(**issues: object) -> str:
    return render_blocks(shortcuts_section(made_report(**issues)).blocks)


def test_the_strongest_shortcut_is_the_only_warning() -> None:
    html = text(shortcuts=(shortcut("file size", 0.7, 0.6), shortcut("border", 0.9, 0.8, "glioma and pituitary")))
    assert html.count("the class is predicted with a balanced accuracy of") == 1
    assert "From border alone" in html
    assert "chance level is 33.3 %" in html
    assert "Best separated: glioma and pituitary." in html


def test_a_warning_without_a_best_separated_pair_names_none() -> None:
    html = text(shortcuts=(shortcut("file size", 0.7, 0.6),))
    assert "From file size alone" in html
    assert "Best separated" not in html


@pytest.mark.parametrize(
    ("value", "low", "strong"),
    [(0.5, 0.3, False), (0.42, 0.4, False), (0.45, 0.35, True), (0.45, None, True), (0.4, None, False)],
)
def test_a_shortcut_is_strong_where_its_interval_is_above_chance_and_its_value_by_ten_points(
    value: float, low: float | None, strong: bool
) -> None:
    html = text(shortcuts=(shortcut("border", value, low),))
    assert ("From border alone" in html) == strong
    assert ("None of them separates the classes clearly better than chance." in html) != strong


def test_the_nearest_neighbor_is_reported_without_any_classifier() -> None:
    estimate = Estimate(0.75, 0.6, 0.85, 40, 40, "patient", "bootstrap")
    html = text(nearest_neighbor=(NearestNeighborAccuracy("val", estimate, None, estimate),))
    assert "75.0 %<wbr> (60.0 to 85.0),<wbr> n = 40" in html
    assert "–" in html
    assert "Balanced accuracy without anatomy" not in html


def test_a_class_of_one_patient_does_not_count_for_the_chance_level() -> None:
    report = made_report(shortcuts=(shortcut("border", 0.9, 0.8),))
    groups = [
        "one" if sample.label == "pituitary" else group
        for sample, group in zip(report.table.samples, report.groups, strict=True)
    ]
    assert "chance level is 50.0 %" in text(shortcuts=report.shortcuts, groups=tuple(groups))
