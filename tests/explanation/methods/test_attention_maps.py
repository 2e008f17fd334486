"""Attention maps are combined into one; for one transformer layer it is attention rollout."""

from __future__ import annotations

import numpy as np
import torch

from tumorlens.explanation.methods.attention_maps import combine_attention_maps
from tumorlens.models import attention_maps, create


def ramp(side: int) -> np.ndarray:
    return np.tile(np.linspace(1, 2, side, dtype=np.float32), (side, 1))


def test_one_map_stays_the_same_apart_from_scale_and_minimum() -> None:
    combined = combine_attention_maps([ramp(8)])
    np.testing.assert_allclose(combined, (ramp(8) - 1) / ramp(8).mean(), atol=1e-6)


def test_a_uniform_map_changes_only_the_scale() -> None:
    both = combine_attention_maps([ramp(8), np.full((4, 4), 0.5, np.float32)])
    np.testing.assert_allclose(2 * both, combine_attention_maps([ramp(8)]), atol=1e-6)


def test_the_scale_of_each_map_does_not_matter() -> None:
    np.testing.assert_allclose(
        combine_attention_maps([ramp(8), ramp(4).T]),
        combine_attention_maps([100 * ramp(8), 0.001 * ramp(4).T]),
        atol=1e-5,
    )


def test_maps_of_different_sizes_are_resized_to_the_finest() -> None:
    spot = np.zeros((3, 3), np.float32)
    spot[0, 2] = 1
    combined = combine_attention_maps([spot, np.ones((12, 12), np.float32)])
    assert combined.shape == (12, 12)
    row, column = np.unravel_index(combined.argmax(), combined.shape)
    assert row < 4
    assert column >= 8


def test_uniform_maps_give_zeros() -> None:
    assert not combine_attention_maps([np.full((4, 4), 0.3, np.float32), np.zeros((2, 2), np.float32)]).any()


def test_for_one_transformer_layer_it_equals_attention_rollout() -> None:
    torch.manual_seed(0)
    network = create("efficientnet_lite0_transformer", 3).eval()
    layer = network.encoder.attention
    with torch.no_grad():
        layer.query.weight *= 30  # without training, attention is almost uniform
    outputs: list[torch.Tensor] = []
    for projection in (layer.query, layer.key):
        projection.register_forward_hook(lambda _, __, out: outputs.append(out.detach()))
    inputs = torch.randn(1, 3, 160, 160, generator=torch.Generator().manual_seed(1))
    (received,) = attention_maps(network, inputs).values()
    query, key = (one.unflatten(2, (2, 16)).transpose(1, 2) for one in outputs)
    attention = torch.softmax(query @ key.transpose(2, 3) / 16**0.5, dim=3).mean(1)[
        0
    ]  # Abnar and Zuidema: mean of heads
    rollout = 0.5 * attention + 0.5 * torch.eye(25)
    expected = rollout.mean(0).view(5, 5).numpy()  # tokens are averaged with equal weights
    combined = combine_attention_maps([received[0].numpy()])
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(combined / combined.max(), (expected - expected.min()) / np.ptp(expected), atol=1e-3)
