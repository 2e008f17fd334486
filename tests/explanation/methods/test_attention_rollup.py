"""Attention maps become one, and of a transformer layer that one is its rollout."""

from __future__ import annotations

import numpy as np
import torch

from tumorlens.explanation.methods.attention_rollup import together
from tumorlens.models import attention_maps, create


def ramp(side: int) -> np.ndarray:
    return np.tile(np.linspace(1, 2, side, dtype=np.float32), (side, 1))


def test_one_map_keeps_its_shape_from_its_lowest_value_up() -> None:
    found = together([ramp(8)])
    np.testing.assert_allclose(found, (ramp(8) - 1) / ramp(8).mean(), atol=1e-6)


def test_a_map_that_prefers_no_place_changes_nothing_but_the_scale() -> None:
    both = together([ramp(8), np.full((4, 4), 0.5, np.float32)])
    np.testing.assert_allclose(2 * both, together([ramp(8)]), atol=1e-6)


def test_units_do_not_matter() -> None:
    np.testing.assert_allclose(together([ramp(8), ramp(4).T]), together([100 * ramp(8), 0.001 * ramp(4).T]), atol=1e-5)


def test_maps_of_different_sizes_meet_on_the_finest_grid() -> None:
    spot = np.zeros((3, 3), np.float32)
    spot[0, 2] = 1
    found = together([spot, np.ones((12, 12), np.float32)])
    assert found.shape == (12, 12)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert row < 4
    assert column >= 8


def test_maps_that_prefer_nothing_give_nothing() -> None:
    assert not together([np.full((4, 4), 0.3, np.float32), np.zeros((2, 2), np.float32)]).any()


def test_of_one_transformer_layer_it_is_attention_rollout() -> None:
    torch.manual_seed(0)
    network = create("efficientnet_lite0_transformer", 3).eval()
    layer = network.encoder.attention
    with torch.no_grad():
        layer.query.weight *= 30  # untrained, all places are alike
    seen: list[torch.Tensor] = []
    for part in (layer.query, layer.key):
        part.register_forward_hook(lambda _, __, out: seen.append(out.detach()))
    inputs = torch.randn(1, 3, 160, 160, generator=torch.Generator().manual_seed(1))
    (received,) = attention_maps(network, inputs).values()
    query, key = (one.unflatten(2, (2, 16)).transpose(1, 2) for one in seen)
    attention = torch.softmax(query @ key.transpose(2, 3) / 16**0.5, dim=3).mean(1)[
        0
    ]  # Abnar and Zuidema: mean of heads
    rollout = 0.5 * attention + 0.5 * torch.eye(25)
    wanted = rollout.mean(0).view(5, 5).numpy()  # the tokens are averaged, so each counts the same
    found = together([received[0].numpy()])
    assert np.ptp(wanted) > 1e-3
    np.testing.assert_allclose(found / found.max(), (wanted - wanted.min()) / np.ptp(wanted), atol=1e-3)
