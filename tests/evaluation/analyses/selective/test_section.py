"""Selective prediction and flagged images on the page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tumorlens.evaluation import Evaluation, evaluate
from tumorlens.evaluation.analyses.ood.result import OODResult
from tumorlens.evaluation.analyses.ood.section import section as ood_section
from tumorlens.evaluation.analyses.selective.result import SelectiveResult
from tumorlens.evaluation.analyses.selective.section import section
from tumorlens.evaluation.page.evaluation_page import evaluation_sections
from tumorlens.report import ImageGrid, Paragraph, TableBlock, find_blocks
from tumorlens.training import Run


@pytest.fixture(scope="module")
def found(finished_run: Run) -> Evaluation:
    return evaluate(finished_run, analyses={"region_occlusion": False}, n_resamples=100)


def test_one_row_a_coverage_and_one_column_a_class(found: Evaluation) -> None:
    result = found.analyses["selective"]
    assert isinstance(result, SelectiveResult)
    useful = tuple(replace(row, answered=replace(row.answered, value=0.5)) for row in result.rows)
    tables = find_blocks(section(replace(result, rows=useful), found.samples).blocks, TableBlock)
    for block, columns in zip(tables, (4, 5), strict=True):
        assert [row[0] for row in block.rows] == ["0.99", "0.95", "0.9", "0.8"]
        assert len(block.headers) == columns
    (sentence,) = result.conclusions
    assert "glioma has 1, " in sentence
    assert "coverage 0.99 needs 99, 0.95 needs 19" in sentence


def test_a_coverage_at_which_every_set_holds_all_classes_is_a_sentence_and_not_a_row(found: Evaluation) -> None:
    result = found.analyses["selective"]
    assert isinstance(result, SelectiveResult)
    first, *others = result.rows
    rows = (first, *(replace(row, answered=replace(row.answered, value=0.5)) for row in others))
    blocks = section(replace(result, rows=rows), found.samples).blocks
    for block in find_blocks(blocks, TableBlock):
        assert [row[0] for row in block.rows] == ["0.95", "0.9", "0.8"]
    texts = [block.text for block in find_blocks(blocks, Paragraph)]
    assert any(
        text.startswith("At a nominal coverage of 0.99 every prediction set holds all classes") for text in texts
    )


def test_the_page_shows_flagged_images_with_the_highest_scores_first(found: Evaluation) -> None:
    result = found.analyses["ood"]
    assert isinstance(result, OODResult)
    scores = result.scores * 0
    scores[[2, 5]] = 1.5, 4.0
    (grid,) = find_blocks(ood_section(replace(result, scores=scores), found.samples).blocks, ImageGrid)
    first, second = grid.items
    assert first.caption.startswith(found.samples[5].id)
    assert second.caption.startswith(found.samples[2].id)
    assert "OOD score 4.00" in first.caption


def test_without_a_result_there_is_no_section(found: Evaluation, finished_run: Run) -> None:
    titles = [section.title for section in evaluation_sections(finished_run, replace(found, analyses={}))]
    assert not {"Selective prediction", "Out-of-distribution detection"} & set(titles)
