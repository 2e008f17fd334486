"""One faithfulness measurement for the tests of this folder."""

from __future__ import annotations

import pytest

from tumorlens.explanation.faithfulness import Faithfulness, measure_faithfulness
from tumorlens.training import Run


@pytest.fixture(scope="session")
def faithfulness(finished_run: Run) -> Faithfulness:
    """Of two methods and the control maps, on all images with a tumor."""
    return measure_faithfulness(finished_run, methods=["grad_cam", "eigen_cam"], limit=0, n_resamples=100)
