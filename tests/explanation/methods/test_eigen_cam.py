"""Eigen-CAM is the field's up to its sign, and its sign is that of activation."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.explanation.methods.eigen_cam import eigen_cam


def maps(channels: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(1.0, size=(channels, side, side)).astype(np.float32)


@pytest.mark.parametrize(("channels", "side"), [(40, 5), (8, 12)])
def test_it_equals_the_grad_cam_package_up_to_the_sign(channels: int, side: int) -> None:
    svd = pytest.importorskip("pytorch_grad_cam.utils.svd_on_activations")
    features = maps(channels, side)
    (theirs,) = svd.get_2d_projection(features[None])
    ours = eigen_cam(features)
    np.testing.assert_allclose(ours, theirs * np.sign((ours * theirs).sum()), atol=1e-4)
    assert np.abs(theirs).max() > 1


@pytest.mark.parametrize("channels", [2, 300])
def test_it_is_positive_where_activation_is(channels: int) -> None:
    for seed in range(5):
        features = 0.1 * maps(channels, 7, seed)
        features[: channels // 2, 2:4, 4:6] += 3  # a part of the maps is active in one place
        chart = eigen_cam(features)
        assert (chart[2:4, 4:6] > 0).all()
        ood_score = np.ones((7, 7), bool)
        ood_score[2:4, 4:6] = False
        assert chart[2:4, 4:6].min() > 5 * np.abs(chart[ood_score]).max()


def test_maps_without_a_pattern_give_nothing() -> None:
    assert not eigen_cam(np.full((6, 4, 4), 2.0)).any()
