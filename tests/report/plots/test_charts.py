"""What all charts have in common: SVG that can stand in a page, files for papers, and Axes that a user can restyle."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.report.plots.examples import CHARTS, MALICIOUS, NAN, bins, curve, estimate, parse, points, words
from tests.report.test_html_page import contrast
from tumorlens.errors import DataError
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
    RocCurve,
    StackedBarChart,
    TrainingCurves,
    render_chart,
    render_standalone,
    save_chart,
)
from tumorlens.report.plots.inline_svg import inline_svg
from tumorlens.report.plots.page_style import FONT_SIZE, INK, MUTED, PAPER, SERIES


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_on_a_page_has_no_ids_links_styles_or_addresses(name: str) -> None:
    svg = render_chart(CHARTS[name])
    assert not re.search(r"\bid=|href|url\(|xmlns|https?:|<style|<script|metadata|clip-path", svg)
    assert svg == render_chart(CHARTS[name])


@pytest.mark.parametrize("name", CHARTS)
def test_text_is_text_of_at_least_ten_pixels_at_a_width_of_400(name: str) -> None:
    root = parse(CHARTS[name])
    width = float(root.get("viewBox", "").split()[2])
    texts = list(root.iter("text"))
    sizes = [float(re.findall(r"font-size:([\d.]+)px", text.get("style", ""))[0]) for text in texts]
    narrowest = float(re.findall(r"min-width:([\d.]+)px", root.get("style", ""))[0])
    assert min(sizes) * narrowest / width >= 10
    assert min(sizes) == FONT_SIZE
    assert not any("font-family" in text.get("style", "") for text in texts)
    assert "font-family:sans-serif" in root.get("style", "")


@pytest.mark.parametrize("name", CHARTS)
def test_nothing_lies_outside_of_the_chart(name: str) -> None:
    root = parse(CHARTS[name])
    width, height = map(float, root.get("viewBox", "").split()[2:])
    for path in root.iter("path"):
        if not path.get("transform"):
            values = [float(v) for v in re.findall(r"-?[\d.]+", path.get("d", ""))]
            assert -1 <= min(values[0::2]) <= max(values[0::2]) <= width + 1
            assert -1 <= min(values[1::2]) <= max(values[1::2]) <= height + 1
    for text in root.iter("text"):
        place = re.findall(r"translate\(([-\d.]+) ([-\d.]+)\)", text.get("transform", ""))
        x, y = place[0] if place else (text.get("x", ""), text.get("y", ""))  # rotated, or not
        assert 0 <= float(x) <= width
        assert 0 <= float(y) <= height


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_plotted_on_given_axes(name: str) -> None:
    figure = Figure()
    axes = figure.subplots(1, 2)
    assert CHARTS[name].plot(axes[1]) is axes[1]
    assert axes[1].has_data()
    assert not axes[0].has_data()
    free = Figure().add_axes((0.1, 0.1, 0.8, 0.8))
    assert CHARTS[name].plot(free) is free


def test_a_new_figure_is_one_of_pyplot_so_that_a_notebook_shows_it() -> None:
    import matplotlib.pyplot as plt

    plt.close("all")
    ax = CHARTS["roc"].plot()
    assert plt.figure(plt.get_fignums()[-1]) is ax.figure
    plt.close("all")


def test_a_user_restyles_axes_but_not_pages() -> None:
    page = render_chart(CHARTS["roc"])
    with matplotlib.rc_context({"axes.prop_cycle": matplotlib.cycler(color=["#123456"]), "font.size": 20}):
        ax = CHARTS["roc"].plot(Figure().add_subplot())
        assert ax.lines[1].get_color() == "#123456"
        assert render_chart(CHARTS["roc"]) == page
    ax.set_title("mine")
    assert ax.get_title() == "mine"


def test_a_page_leaves_the_settings_of_matplotlib_and_pyplot_alone() -> None:
    code = (
        "import sys, matplotlib\n"
        "def settings(): return {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != 'backend'}\n"
        "before = settings()\n"
        "from tests.report.plots.examples import CHARTS\n"
        "from tumorlens.report.plots import render_chart\n"
        "render_chart(CHARTS['training'])\n"
        "assert settings() == before\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert done.stderr == ""


@pytest.mark.parametrize("modules", ["tumorlens, tumorlens.cli", "tumorlens.report.plots, tumorlens.report"])
def test_matplotlib_is_imported_with_the_first_chart(modules: str) -> None:
    code = f"import sys, {modules}; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


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
    assert any(name[:7].partition("\n")[0] in word for word in words(chart(name)))


@pytest.mark.parametrize(
    "chart",
    [
        lambda: ConfusionChart([], []),
        lambda: ConfusionChart(np.eye(17, dtype=int), [f"class {i}" for i in range(17)]),
        lambda: RocChart([]),
        lambda: RocChart([RocCurve("rare", [], [], estimate(NAN, None, None))]),
        lambda: RocChart([curve(f"class {i}") for i in range(12)]),
        lambda: PrecisionRecallChart([]),
        lambda: ReliabilityChart(ReliabilityCurve("before", [])),
        lambda: ReliabilityChart(ReliabilityCurve("before", bins([0, 0])), ReliabilityCurve("after", bins([0]))),
        lambda: IntervalChart([]),
        lambda: IntervalChart([IntervalRow("same", estimate(1.0, 1.0, 1.0))]),
        lambda: IntervalChart([IntervalRow("none", estimate(NAN, None, None))]),
        lambda: TrainingCurves([]),
        lambda: TrainingCurves([EpochSeries("loss", [])], [EpochSeries("F1", [NAN])], best=1),
        lambda: TrainingCurves([EpochSeries("loss", [0.3] * 40)], best=40),
        lambda: CascadeChart([], [], 0.5, "rank correlation"),
        lambda: CascadeChart([CascadeLine("empty", [])], [f"s{i}" for i in range(60)], 0.5, "rank correlation"),
        lambda: CostChart([CostPoint("unknown", 2, estimate(NAN, None, None))], "cost", ""),
        lambda: CostChart([CostPoint("a", 1e-6, estimate()), CostPoint("b", 1e9, estimate())], "cost", ""),
        lambda: StackedBarChart([], [], "images"),
        lambda: StackedBarChart([BarRow("none", (0,))], ["images"], "images"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_very_little_or_much_data_renders(chart: Callable[[], Chart]) -> None:
    assert parse(chart()).tag == "svg"


def test_a_standalone_file_has_its_size_and_namespace() -> None:
    root = ElementTree.fromstring(render_standalone(CHARTS["costs"]))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<svg xmlns="), (".png", b"\x89PNG"), (".PDF", b"%PDF")])
def test_a_chart_is_saved_by_suffix_and_the_same_each_time(tmp_path: Path, suffix: str, start: bytes) -> None:
    paths = [tmp_path / f"{i}{suffix}" for i in range(2)]
    for path in paths:
        save_chart(CHARTS["matrix"], path)
    assert paths[0].read_bytes().startswith(start)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_another_suffix_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"suffix '\.jpg' found.*\.svg, \.png, \.pdf"):
        save_chart(CHARTS["matrix"], tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_the_font_shorthand_of_older_matplotlib_is_read() -> None:
    old = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g id="text_1">'
        '<text style="font: 700 11px \'DejaVu Sans\', \'Arial\', sans-serif; fill: #1a2127" x="1" y="2">a</text>'
        '<text style="font: 11px \'DejaVu Sans\', sans-serif; text-anchor: middle" x="1" y="2">b</text></g></svg>'
    )
    styles = [text.get("style") for text in ElementTree.fromstring(inline_svg(old, "d", 400)).iter("text")]
    assert styles == ["font-size:11px;font-weight:700;fill:#1a2127", "font-size:11px;text-anchor:middle"]


def test_text_and_series_have_enough_contrast_on_the_light_background() -> None:
    assert min(contrast(color, PAPER) for color in (INK, MUTED, "#696969")) >= 4.5  # the last is "dimgray"
    assert min(contrast(color, PAPER) for color, _ in SERIES) >= 3
    for color, _ in SERIES[:2]:  # the fullest cell of a confusion matrix
        mixed = (np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) + 255) / 2
        assert contrast(INK, mixed) >= 4.5
