"""Eigen-CAM equals that of pytorch-grad-cam up to the sign, and is positive where activation is high."""

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
def test_it_is_positive_where_activation_is_high(channels: int) -> None:
    for seed in range(5):
        features = 0.1 * maps(channels, 7, seed)
        features[: channels // 2, 2:4, 4:6] += 3  # half of the maps are active in one region
        component = eigen_cam(features)
        assert (component[2:4, 4:6] > 0).all()
        background = np.ones((7, 7), bool)
        background[2:4, 4:6] = False
        assert component[2:4, 4:6].min() > 5 * np.abs(component[background]).max()


def test_constant_maps_give_zeros() -> None:
    assert not eigen_cam(np.full((6, 4, 4), 2.0)).any()
