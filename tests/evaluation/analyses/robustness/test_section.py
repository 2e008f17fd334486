"""A reader sees every cell, the loss, and examples of the artifacts."""

from __future__ import annotations

import pytest

from tumorlens.evaluation import Evaluation, evaluate, evaluation_page
from tumorlens.evaluation.analyses.robustness.corruptions import ARTIFACTS
from tumorlens.evaluation.analyses.robustness.result import Robustness
from tumorlens.evaluation.analyses.robustness.section import section
from tumorlens.report import Blocks, Details, HeatTable, ImageGrid, Verdict, find_blocks
from tumorlens.training import Run

pytestmark = pytest.mark.usefixtures("plain_charts")


@pytest.fixture(scope="module")
def found(segmentation_run: Run) -> Evaluation:
    return evaluate(
        segmentation_run,
        analyses={"region_occlusion": False, "robustness": True},
        limits={"robustness": 3},
        n_resamples=100,
    )


@pytest.fixture(scope="module")
def result(found: Evaluation) -> Robustness:
    result = found.analyses["robustness"]
    assert isinstance(result, Robustness)
    return result


@pytest.fixture(scope="module")
def blocks(found: Evaluation, result: Robustness) -> Blocks:
    return section(result, found.samples).blocks


def test_both_heat_tables_have_a_row_for_every_artifact(result: Robustness, blocks: Blocks) -> None:
    tables = find_blocks(blocks, HeatTable)
    assert len(tables) == 2
    for table in tables:
        rows = [name for name, _ in table.rows]
        assert rows == ["clean", *(artifact.title for artifact in ARTIFACTS.values()), "all artifacts"]
        assert any("sigma 9 % of the brightest tissue" in cell.title for _, cells in table.rows for cell in cells)
    accuracy, dice = ([cell.text for _, cells in table.rows for cell in cells] for table in tables)
    for row in result.rows:
        for cell in row.cells:
            assert f"{100 * cell.accuracy.value:.1f}" in accuracy
            assert cell.dice is not None
            assert f"{cell.dice.value:.3f}" in dice


def test_sentences_and_images_are_there(result: Robustness, blocks: Blocks) -> None:
    (verdict,) = find_blocks(blocks, Verdict)
    assert verdict.texts == tuple(result.conclusions)
    assert verdict.limit
    grids = find_blocks(blocks, ImageGrid)
    assert [len(grid.items) for grid in grids] == 3 * [1 + len(ARTIFACTS)]
    assert len(find_blocks(blocks, Details)) == 2


def test_the_page_has_the_section_only_where_it_was_measured(found: Evaluation, segmentation_run: Run) -> None:
    assert "Robustness to artifacts" in evaluation_page(segmentation_run, found)
    plain = evaluate(segmentation_run, analyses={"region_occlusion": False}, n_resamples=100)
    assert "Robustness to artifacts" not in evaluation_page(segmentation_run, plain)
