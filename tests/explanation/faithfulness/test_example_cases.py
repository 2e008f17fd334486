"""Examples have the highest, median and lowest scores, with one image per patient in each group."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tumorlens.datasets import Table
from tumorlens.explanation.faithfulness.example_cases import example_section
from tumorlens.explanation.faithfulness.faithfulness_result import SANITY_FAILED
from tumorlens.report import render_blocks
from tumorlens.training import Run


def made(table: Table, count: int) -> Any:
    """Scores of one method for images with a mask, rising from image to image."""
    samples = [sample for sample in table.samples if sample.mask][:count]
    values = {
        "relevance_mass_accuracy": np.linspace(0.1, 0.9, count),
        "pointing_game": np.resize([0.0, 0.5, 1.0], count),
    }
    scores = SimpleNamespace(values=values, blank=np.arange(count) == count - 2)
    return SimpleNamespace(
        samples=samples,
        predicted=[sample.label if i else "no_tumor" for i, sample in enumerate(samples)],
        probabilities=np.full(count, 0.5),
        tumor_fractions=np.full(count, 0.02),
        methods=[SimpleNamespace(name="eigen_cam", title="Eigen-CAM", fails=True, scores=scores)],
    )


@pytest.fixture
def groups(finished_run: Run, phantom_table: Table, request: pytest.FixtureRequest) -> dict[str, list[str]]:
    """Title of a group -> its captions."""
    html = render_blocks(example_section(finished_run, made(phantom_table, request.param)).blocks)
    found: dict[str, list[str]] = {}
    for title, caption in re.findall(r"<p>([A-Z][\w ]+): (phantom/[^<]*)</p>", html):
        found.setdefault(title, []).append(caption)
    return found


@pytest.mark.parametrize("groups", [18], indirect=True)
def test_of_many_images_each_group_shows_two_patients(groups: dict[str, list[str]], phantom_table: Table) -> None:
    samples = [sample for sample in phantom_table.samples if sample.mask]
    assert list(groups) == ["Highest", "Median", "Lowest"]
    position = {sample.id: i for i, sample in enumerate(samples)}
    chosen = {title: [position[text.split(",")[0]] for text in texts] for title, texts in groups.items()}
    assert chosen["Highest"][0] == 17
    assert chosen["Lowest"][0] == 0
    assert chosen["Median"][0] in (8, 9)
    for positions in chosen.values():
        assert len({samples[i].unit for i in positions}) == len(positions) == 2


@pytest.mark.parametrize("groups", [6], indirect=True)
def test_few_images_are_all_shown_in_order(groups: dict[str, list[str]]) -> None:
    (texts,) = groups.values()
    assert list(groups) == ["From the highest to the lowest"]
    assert len(texts) == 6
    assert "classified as no_tumor with a probability of 50.0 %" in texts[-1]
    assert all("correctly classified" in text for text in texts[:-1])


def test_a_caption_says_where_the_maximum_lies_and_that_a_method_fails(finished_run: Run, phantom_table: Table) -> None:
    html = render_blocks(example_section(finished_run, made(phantom_table, 6)).blocks)
    for text in (
        "0.10, maximum outside",
        "0.26, maximum inside and outside",
        "0.42, maximum inside",
        "Eigen-CAM: blank",
    ):
        assert text in html
    assert SANITY_FAILED in html
