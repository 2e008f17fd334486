"""What folds say of each other's limits, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.evaluation.analyses.ood import SCALED_TO, measure_across
from tumorlens.stats import ClusterBootstrap


def test_each_fold_is_held_to_the_reach_of_the_others() -> None:
    low, high = np.linspace(0, 0.5, 101), np.linspace(0, 2.0, 101)
    bootstrap = ClusterBootstrap([str(i) for i in range(202)], "image", 100, 0)
    found = measure_across([low, high], np.zeros(202, dtype=np.int64), bootstrap, ["glioma"])
    assert found.flagged.value == pytest.approx(np.mean(np.concatenate([low, high]) > 1))
    assert found.per_class["glioma"].value == found.flagged.value
    assert found.threshold_scale == pytest.approx(np.quantile(np.concatenate([low, high]), SCALED_TO))
    # The low ones all lie within the reach of the high ones, 1.92; a quarter of the high within that of the low, 0.48.
    assert found.flagged_beyond.value == pytest.approx((high > 0.48).sum() / 202)
