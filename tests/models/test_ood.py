"""Features far from the principal subspace get a high OOD score, and so does an image with one gray value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tumorlens.models import InDistributionSubspace, OODScore, principal_subspace
from tumorlens.training import Run


def near_a_subspace(count: int, seed: int) -> np.ndarray:
    """Features of 64 numbers that vary along three directions, and by 0.01 along the others."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(np.random.default_rng(9).normal(size=(64, 3)))[0]
    return 5 + random.normal(0, 10, (count, 3)) @ axes.T + random.normal(0, 0.01, (count, 64))


def test_features_far_from_the_subspace_score_high_and_others_do_not() -> None:
    module = OODScore(principal_subspace(near_a_subspace(200, 0)))
    near = module.score(torch.from_numpy(near_a_subspace(50, 1)).float())
    far = module.score(
        torch.from_numpy(near_a_subspace(50, 1) + np.random.default_rng(2).normal(0, 10, (50, 64))).float()
    )
    assert near.max() < 0.4 * far.min()


def test_a_weak_feature_that_was_never_active_in_training_scores_high() -> None:
    usual = np.random.default_rng(0).uniform(0.5, 5.0, (200, 64)) * (np.arange(64) < 40)
    module = OODScore(principal_subspace(usual))
    known = torch.from_numpy(usual[:20]).float()
    activated = known.clone()
    activated[:, 40:] = 0.1
    rounded = known + 1e-5 * torch.rand(20, 64)
    assert module.score(activated).min() > 1.5 * module.score(known).max()
    torch.testing.assert_close(module.score(rounded), module.score(known), rtol=0.02, atol=0)


def test_the_score_is_the_residual_times_the_root_of_the_norm_over_the_threshold() -> None:
    axes = np.eye(3, 1, dtype=np.float32)
    module = OODScore(InDistributionSubspace(np.zeros(3, np.float32), axes, threshold=0.5))
    scores = module.score(torch.tensor([[7.0, 0.0, 0.0], [0.0, 9.0, 0.0], [5.0, -5.0, 0.0], [0.0, 0.0, 0.0]]))
    assert scores.tolist() == pytest.approx([0.0, 2 * 3.0, 2 * 0.5**0.5 * 50.0**0.25, 0.0])


def test_components_are_orthonormal_and_limited_by_images_and_features() -> None:
    axes = principal_subspace(near_a_subspace(200, 0)).axes
    assert axes.shape == (64, 16)
    np.testing.assert_allclose(axes.T @ axes, np.eye(16), atol=1e-5)
    assert principal_subspace(near_a_subspace(6, 0)).axes.shape == (64, 3)
    assert principal_subspace(near_a_subspace(1, 0)).axes.shape == (64, 0)


def test_an_image_with_one_gray_value_is_out_of_distribution_whatever_its_features() -> None:
    module = OODScore(replace(principal_subspace(near_a_subspace(50, 0)), threshold=1e9))
    images = torch.randint(0, 256, (4, 20, 30), dtype=torch.uint8)
    images[1], images[3] = 0, 77
    scores = module(images, torch.rand(4, 64))
    assert (scores > 1).tolist() == [False, True, False, True]


def test_a_pipeline_gives_scores_only_with_a_principal_subspace(finished_run: Run) -> None:
    image = torch.randint(0, 256, (2, 40, 40), dtype=torch.uint8)
    with torch.inference_mode():
        plain = finished_run.pipeline()(image)
        assert plain.ood_score.shape == (2, 0)
        pooled = plain.features.mean((2, 3)).numpy()
        scored = finished_run.pipeline(1.0, principal_subspace(pooled))(image)
    assert scored.ood_score.shape == (2,)
    assert torch.equal(scored.probabilities, plain.probabilities)
