"""Flagged images are counted by class, and over folds each is held to the scaled threshold of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens.datasets import Sample, Table
from tumorlens.evaluation import evaluate
from tumorlens.evaluation.analyses import PooledContext
from tumorlens.evaluation.analyses.ood.measure import SCALED_TO, flagged, pool
from tumorlens.evaluation.analyses.ood.result import OODResult
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.stats import ClusterBootstrap, Estimate
from tumorlens.training import Run

NOTHING = Estimate(0.0, None, None, 0, 0, "image", "none")


def test_flagged_images_are_counted_by_class(phantom_table: Table) -> None:
    test = phantom_table.subset("test")
    labels = np.array(test.labels)
    scores = np.where(labels == 0, 2.0, 0.5)
    share, per_class = flagged(scores, labels, bootstrap_of(test, n_resamples=100), phantom_table.classes)
    first, second, *_ = phantom_table.classes
    assert (per_class[first].value, per_class[second].value) == (1, 0)
    assert per_class[first].low is not None
    assert share.value == pytest.approx(np.mean(scores > 1))


def test_an_evaluation_has_it_with_the_scores_of_its_images(finished_run: Run) -> None:
    result = evaluate(finished_run, analyses={"region_occlusion": False}, n_resamples=100).analyses["ood"]
    assert isinstance(result, OODResult)
    assert result.to_dict()["fitted_on_images"] == 8
    assert result.flagged.value == pytest.approx(np.mean(result.scores > 1))
    (sentence,) = result.conclusions
    assert "from 8 validation images of 4 patients, of which 100.0 % are below it" in sentence


def test_each_fold_is_held_to_the_scaled_threshold_of_the_others() -> None:
    low, high = np.linspace(0, 0.5, 101), np.linspace(0, 2.0, 101)
    results = [OODResult(cast(Any, None), scores, NOTHING, {}) for scores in (low, high)]
    bootstrap = ClusterBootstrap([str(i) for i in range(202)], "image", 100, 0)
    samples = tuple(Sample(f"set/{i}", Path("a.png"), "glioma") for i in range(202))
    context = PooledContext(
        samples, (101, 101), np.zeros((202, 1)), np.zeros(202, dtype=np.int64), ("glioma",), bootstrap
    )
    pooled = pool(results, context)
    assert pooled is not None
    assert pooled.flagged.value == pytest.approx(np.mean(np.concatenate([low, high]) > 1))
    assert pooled.per_class["glioma"].value == pooled.flagged.value
    assert pooled.threshold_scale == pytest.approx(np.quantile(np.concatenate([low, high]), SCALED_TO))
    # All low scores are below the threshold of the high ones, 1.92; a quarter of the high below that of the low, 0.48.
    assert pooled.flagged_beyond.value == pytest.approx((high > 0.48).sum() / 202)
    assert pool([results[0], None], context) is None
    assert pooled.per_dataset == {}
    two = tuple(replace(one, id=f"{'rare' if i > 190 else 'set'}/{i}") for i, one in enumerate(samples))
    of_two = pool(results, replace(context, samples=two))
    assert of_two is not None
    assert of_two.threshold_scale > pooled.threshold_scale  # 11 high scores are a set of their own
    assert set(of_two.per_dataset) == {"rare", "set"}


def test_images_of_any_size_are_scored_and_empty_ones_are_flagged(finished_run: Run, phantom_table: Table) -> None:
    import torch

    from tumorlens.evaluation import thresholds_of

    fit = thresholds_of(finished_run, phantom_table).ood
    assert fit is not None
    pipeline = finished_run.pipeline(1.0, fit.subspace)
    images = [scans.GRAY, np.zeros((30, 50), np.uint8), np.full((9, 9), 255, np.uint8)]
    with torch.inference_mode():
        scores = [float(pipeline(torch.from_numpy(gray.copy())[None]).ood_score[0]) for gray in images]
    assert min(scores[1:]) > 1
