"""The page defines each metric, and a method that fails the sanity check is marked wherever it appears."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.fixtures.faithfulness import with_checks, with_correlations
from tumorlens.explanation.faithfulness import FAITHFULNESS_METRICS, Faithfulness
from tumorlens.explanation.faithfulness.faithfulness_page import faithfulness_page
from tumorlens.report.text import points, signed
from tumorlens.training import Run

CHECK = "Sanity check with random weights"


def section(page: str, title: str) -> str:
    """The part of a page below a heading."""
    assert page.count(f"{title}</h2>") == 1
    return page.partition(f"{title}</h2>")[2].partition("</section>")[0]


def test_a_method_that_fails_is_marked_in_table_chart_and_images(faithfulness: Faithfulness, finished_run: Run) -> None:
    marked = with_correlations(faithfulness, grad_cam=0.1, eigen_cam=0.9)
    page = faithfulness_page(finished_run, marked)
    assert "Eigen-CAM: FAILS the sanity check" in page
    assert "Grad-CAM: FAILS the sanity check" not in page
    assert "Eigen-CAM (fails)" in section(page, "Comparison of methods")
    body = section(page, CHECK).partition("<tbody>")[2].partition("</tbody>")[0]
    verdicts = dict(re.findall(r"<tr><t[hd][^>]*>([^<]*)</t[hd]>.*?>(FAILS|passes)</td>", body, re.S))
    assert verdicts == {"Grad-CAM": "passes", "Eigen-CAM": "FAILS"}
    images = [entry for entry in page.split("<li>") if entry.startswith("<figure") and "Eigen-CAM" in entry]
    assert len(images) == len(marked.samples)
    assert all("FAILS the sanity check" in entry for entry in images)


def test_the_page_shows_the_reference_contour_and_defines_each_metric(
    faithfulness: Faithfulness, finished_run: Run
) -> None:
    page = faithfulness_page(finished_run, faithfulness)
    assert page.count("scan and reference contour") == len(faithfulness.samples)
    for metric in FAITHFULNESS_METRICS.values():
        assert metric.title in page
        assert metric.meaning.split("(")[0].split("'")[0][:40] in page
    assert "rank correlation over" in page  # the label of the chart for screen readers
    assert "http" not in page.partition("<body>")[2]  # it loads nothing


def test_the_pointing_game_is_in_percent_in_tables_as_in_the_conclusion(
    faithfulness: Faithfulness, finished_run: Run
) -> None:
    page = faithfulness_page(finished_run, faithfulness).replace("\N{NO-BREAK SPACE}", " ")
    cells = section(page, "Comparison of methods").partition("<tbody>")[2].partition("</tbody>")[0]
    differences = section(page, "Comparison with control maps")
    classes = section(page, "Metrics by class")
    for row in faithfulness.methods:
        assert row.metrics["pointing_game"].percent() in cells
        assert str(row.metrics["relevance_mass_accuracy"]) in cells
        assert points(row.control_differences["pointing_game"].difference) in differences
        assert signed(row.control_differences["iou"].difference) in differences
        for metrics in row.per_class.values():
            assert metrics["pointing_game"].percent() in classes
    assert f"tumor in {faithfulness.methods[0].metrics['pointing_game'].percent()} of images" in page


def test_only_a_difference_whose_whole_interval_is_better_has_a_check_mark(
    faithfulness: Faithfulness, finished_run: Run
) -> None:
    def judged(better: bool) -> Faithfulness:
        rows = [
            replace(row, control_differences={k: replace(d, better=better) for k, d in row.control_differences.items()})
            for row in faithfulness.rows
        ]
        return replace(faithfulness, rows=tuple(rows))

    def check_marks(found: Faithfulness) -> int:
        shown = section(faithfulness_page(finished_run, found), "Comparison with control maps")
        return shown.partition("</table>")[0].count("✓ ")

    assert check_marks(judged(True)) == 2 * (len(FAITHFULNESS_METRICS) - 1)  # not the best threshold
    assert check_marks(judged(False)) == 0


def test_stages_that_a_map_cannot_depend_on_are_named(faithfulness: Faithfulness, finished_run: Run) -> None:
    (row, _) = faithfulness.methods
    assert row.sanity_check is not None
    first, *others = row.sanity_check.stages
    stages = (replace(first, changes_map=False), *(replace(stage, changes_map=True) for stage in others))
    constant = with_checks(faithfulness, {"grad_cam": {"stages": stages}, "eigen_cam": {"stages": stages[1:]}})
    shown = section(faithfulness_page(finished_run, constant), CHECK)
    assert f"Grad-CAM does not depend on {first.name}: its map cannot change there by construction." in shown
    assert "Eigen-CAM does not depend on" not in shown


@pytest.mark.parametrize("change", [None, {"stages": ()}], ids=["no check", "no cascade"])
def test_a_method_without_a_cascade_has_no_line_in_the_chart(
    faithfulness: Faithfulness, finished_run: Run, change: dict[str, tuple[()]] | None
) -> None:
    shown = section(faithfulness_page(finished_run, with_checks(faithfulness, {"eigen_cam": change})), CHECK)
    chart, table = re.findall(r"<svg.*?</svg>|<table.*?</table>", shown, re.S)[:2]
    assert "Grad-CAM" in chart
    assert "Eigen-CAM" not in chart
    assert ("Eigen-CAM" in table) == (change is not None)
