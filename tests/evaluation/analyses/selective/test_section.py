"""What is flagged and what is answered, on the page and in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tumorlens.evaluation import Evaluation, evaluate
from tumorlens.evaluation.analyses.selective.section import abstention_tables, ood_text, unknown_words
from tumorlens.evaluation.report.evaluation_page import evaluation_sections
from tumorlens.report import ImageGrid, find_blocks
from tumorlens.training import Run


@pytest.fixture(scope="module")
def found(finished_run: Run) -> Evaluation:
    return evaluate(finished_run, background=False, n_resamples=100)


def test_the_rule_is_told_with_its_evidence(found: Evaluation) -> None:
    assert found.ood is not None
    said = ood_text(found.ood)
    assert "from 8 validation images of 4 patients, of which 100.0 % are within" in said
    assert found.ood.flagged.percent() in said


def test_one_row_an_error_and_one_column_a_class(found: Evaluation) -> None:
    assert found.abstention is not None
    for (headings, rows), columns in zip(abstention_tables(found.abstention), (4, 5), strict=True):
        assert [row[0] for row in rows] == ["0.01", "0.05", "0.1", "0.2"]
        assert {len(row) for row in rows} == {len(headings)} == {columns}
    assert unknown_words(found.abstention).startswith("glioma has 1, ")
    assert "max-error 0.01 needs 99, 0.05 needs 19" in unknown_words(found.abstention)


def test_the_page_shows_what_is_flagged_the_strangest_first(found: Evaluation, finished_run: Run) -> None:
    assert found.ood is not None
    scores = found.ood.scores * 0
    scores[[2, 5]] = 1.5, 4.0
    strange = replace(found, ood=replace(found.ood, scores=scores))
    (section,) = [s for s in evaluation_sections(finished_run, strange) if s.title == "When it says no"]
    (grid,) = find_blocks(section.blocks, ImageGrid)
    first, second = grid.items
    assert first.caption.startswith(found.samples[5].id)
    assert second.caption.startswith(found.samples[2].id)
    assert "score 4.00" in first.caption


def test_without_either_there_is_no_section(found: Evaluation, finished_run: Run) -> None:
    plain = replace(found, ood=None, abstention=None)
    assert "When it says no" not in [section.title for section in evaluation_sections(finished_run, plain)]
