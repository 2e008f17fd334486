"""The folder of the shared evaluation, for the tests of this room. Tests must not write into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tumorlens.training import Run


@pytest.fixture(scope="session")
def evaluation_folder(evaluated_run: Run) -> Path:
    """All files of the evaluation, its page among them."""
    return evaluated_run.evaluation_folder()
