"""A reader sees every cell, what is lost, and what the artifacts look like."""

from __future__ import annotations

import pytest

from tumorlens.evaluation import Evaluation, evaluate, evaluation_page
from tumorlens.evaluation.analyses.robustness import ARTIFACTS
from tumorlens.evaluation.analyses.robustness.robustness_tables import lines
from tumorlens.evaluation.analyses.robustness.section import robustness_section
from tumorlens.report import Blocks, Details, HeatTable, ImageGrid, Paragraph, find_blocks
from tumorlens.training import Run


@pytest.fixture(scope="module")
def found(segmentation_run: Run) -> Evaluation:
    return evaluate(segmentation_run, background=False, robustness=3, n_resamples=100)


@pytest.fixture(scope="module")
def blocks(found: Evaluation) -> Blocks:
    assert found.robustness is not None
    return robustness_section(found.samples, found.robustness).blocks


def test_both_heat_tables_have_a_row_for_every_artifact(found: Evaluation, blocks: Blocks) -> None:
    tables = find_blocks(blocks, HeatTable)
    assert len(tables) == 2
    for table in tables:
        rows = [name for name, _ in table.rows]
        assert rows == ["as they are", *(artifact.title for artifact in ARTIFACTS.values()), "all of them"]
        assert any("sigma 9 % of the brightest tissue" in cell.title for _, cells in table.rows for cell in cells)
    accuracy, dice = ([cell.text for _, cells in table.rows for cell in cells] for table in tables)
    assert found.robustness is not None
    for row in found.robustness.rows:
        for cell in row.cells:
            assert f"{100 * cell.accuracy.value:.1f}" in accuracy
            assert cell.dice is not None
            assert f"{cell.dice.value:.3f}" in dice


def test_sentences_and_images_are_there(found: Evaluation, blocks: Blocks) -> None:
    assert found.robustness is not None
    for text in (found.robustness.summary, found.robustness.worst_words, found.robustness.meaning):
        assert text in [block.text for block in find_blocks(blocks, Paragraph)]
    grids = find_blocks(blocks, ImageGrid)
    assert [len(grid.items) for grid in grids] == 3 * [1 + len(ARTIFACTS)]
    assert len(find_blocks(blocks, Details)) == 2


def test_the_page_has_the_section_only_where_it_was_measured(found: Evaluation, segmentation_run: Run) -> None:
    assert "How it holds up" in evaluation_page(segmentation_run, found)
    plain = evaluate(segmentation_run, background=False, n_resamples=100)
    assert "How it holds up" not in evaluation_page(segmentation_run, plain)


def test_on_a_terminal_each_row_has_clean_severities_and_mean(found: Evaluation) -> None:
    assert found.robustness is not None
    (headings, accuracy), (_, dice) = lines(found.robustness)
    assert headings == ["accuracy, %", "clean", "1", "2", "3", "4", "5", "mean"]
    assert [row[0] for row in accuracy] == [row[0] for row in dice]
    assert all(len(row) == 8 for row in accuracy + dice)
    flip = next(row for row in accuracy if row[0] == "left-right flip")
    assert flip[3:7] == [""] * 4
    assert flip[1] == f"{100 * found.robustness.accuracy.clean.value:.1f}"
    assert accuracy[-1][0] == "all of them"
    assert accuracy[-1][7] == found.robustness.accuracy.mean.percent()
