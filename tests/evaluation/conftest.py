"""One evaluation of the finished run, and its folder, for the tests of this room. Tests must not write into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tumorlens._record import Record
from tumorlens.evaluation import Evaluation, evaluate, write_evaluation
from tumorlens.training import Run


@pytest.fixture(scope="session")
def evaluation(finished_run: Run) -> Evaluation:
    """With all default analyses."""
    return evaluate(finished_run, n_resamples=100)


@pytest.fixture(scope="session")
def evaluation_folder(finished_run: Run, evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files of the evaluation, its page among them."""
    folder = tmp_path_factory.mktemp("evaluation")
    write_evaluation(finished_run, evaluation, folder, Record("evaluate"))
    return folder
