"""Similarity over the stages of a cascade, with the limit that it should fall below."""

from __future__ import annotations

from xml.etree import ElementTree

from tumorlens.report.plots import CascadeChart, CascadeLine, render_chart

STAGES = ["head", "blocks.1", "stem"]


def test_each_line_has_a_dot_with_its_stage_for_each_measurement() -> None:
    lines = [
        CascadeLine("Grad-CAM", [(0, 1.0), (1, 0.6), (2, 0.2), (3, -0.3)]),
        CascadeLine("slow", [(0, 1.0), (3, 0.1)]),
    ]
    svg = render_chart(CascadeChart(lines, STAGES, 0.5, "rank correlation"))
    root = ElementTree.fromstring(svg)
    tips = [title.text for title in root.iter("title")]
    assert "Grad-CAM, as trained: 1.000" in tips
    assert "Grad-CAM, 2: blocks.1: 0.200" in tips
    assert len(list(root.iter("circle"))) == 6
    assert "limit 0.5" in svg
    assert "slow ends at 0.100" in root.get("aria-label", "")
    dots = [float(dot.get("cy", "nan")) for dot in root.iter("circle")]
    assert dots[0] < dots[1] < dots[2] < dots[3] <= 12 + 220  # down the page, and all within the frame


def test_it_renders_without_lines_and_with_malicious_names() -> None:
    ElementTree.fromstring(render_chart(CascadeChart([], [], 0.5, "rank correlation")))
    svg = render_chart(
        CascadeChart([CascadeLine("</svg><script>", [(0, 1.0), (1, 0.0)])], ["<b>"], 0.5, "rank correlation")
    )
    assert "<script>" not in svg
