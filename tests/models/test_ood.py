"""What lies far from the plane of the training images scores high, and an image of one gray always does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tumorlens.models import InDistributionSubspace, OODScore, principal_subspace
from tumorlens.training import Run


def near_a_plane(count: int, seed: int) -> np.ndarray:
    """Features of 64 numbers that vary along three directions, and by 0.01 along the others."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(np.random.default_rng(9).normal(size=(64, 3)))[0]
    return 5 + random.normal(0, 10, (count, 3)) @ axes.T + random.normal(0, 0.01, (count, 64))


def test_images_off_the_plane_score_high_and_others_on_it_do_not() -> None:
    module = OODScore(principal_subspace(near_a_plane(200, 0)))
    subspace = module.score(torch.from_numpy(near_a_plane(50, 1)).float())
    strange = module.score(
        torch.from_numpy(near_a_plane(50, 1) + np.random.default_rng(2).normal(0, 10, (50, 64))).float()
    )
    assert subspace.max() < 0.4 * strange.min()


def test_a_feature_that_answers_where_it_never_did_scores_high_however_faintly() -> None:
    usual = np.random.default_rng(0).uniform(0.5, 5.0, (200, 64)) * (np.arange(64) < 40)
    module = OODScore(principal_subspace(usual))
    known = torch.from_numpy(usual[:20]).float()
    woken = known.clone()
    woken[:, 40:] = 0.1
    rounded = known + 1e-5 * torch.rand(20, 64)
    assert module.score(woken).min() > 1.5 * module.score(known).max()
    torch.testing.assert_close(module.score(rounded), module.score(known), rtol=0.02, atol=0)


def test_the_score_is_the_distance_of_features_of_length_one_by_the_root_of_their_own_over_the_limit() -> None:
    axes = np.eye(3, 1, dtype=np.float32)
    module = OODScore(InDistributionSubspace(np.zeros(3, np.float32), axes, threshold=0.5))
    scores = module.score(torch.tensor([[7.0, 0.0, 0.0], [0.0, 9.0, 0.0], [5.0, -5.0, 0.0], [0.0, 0.0, 0.0]]))
    assert scores.tolist() == pytest.approx([0.0, 2 * 3.0, 2 * 0.5**0.5 * 50.0**0.25, 0.0])


def test_components_are_orthonormal_and_fewer_than_images_and_features_allow() -> None:
    axes = principal_subspace(near_a_plane(200, 0)).axes
    assert axes.shape == (64, 16)
    np.testing.assert_allclose(axes.T @ axes, np.eye(16), atol=1e-5)
    assert principal_subspace(near_a_plane(6, 0)).axes.shape == (64, 3)
    assert principal_subspace(near_a_plane(1, 0)).axes.shape == (64, 0)


def test_a_image_of_one_gray_is_outside_whatever_its_features_say() -> None:
    module = OODScore(replace(principal_subspace(near_a_plane(50, 0)), limit=1e9))
    images = torch.randint(0, 256, (4, 20, 30), dtype=torch.uint8)
    images[1], images[3] = 0, 77
    scores = module(images, torch.rand(4, 64))
    assert (scores > 1).tolist() == [False, True, False, True]


def test_a_pipeline_gives_scores_only_where_it_was_told_what_is_familiar(finished_run: Run) -> None:
    image = torch.randint(0, 256, (2, 40, 40), dtype=torch.uint8)
    with torch.inference_mode():
        plain = finished_run.pipeline()(image)
        assert plain.outside.shape == (2, 0)
        pooled = plain.features.mean((2, 3)).numpy()
        told = finished_run.pipeline(1.0, principal_subspace(pooled))(image)
    assert told.outside.shape == (2,)
    assert torch.equal(told.probabilities, plain.probabilities)
