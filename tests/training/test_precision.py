"""bfloat16 on a CPU, with the depthwise convolutions left in float32."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tumorlens.models import create
from tumorlens.training.precision import depthwise_in_float32


def test_a_depthwise_convolution_keeps_float32_accuracy_under_autocast() -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(8, 8, 3, padding=1, groups=8)
    treated = copy.deepcopy(plain)
    depthwise_in_float32(treated)
    x = torch.randn(2, 8, 16, 16)
    exact = plain(x)
    with torch.autocast("cpu", torch.bfloat16):
        kept, lost = treated(x), plain(x)
    assert kept.dtype == lost.dtype == torch.bfloat16
    assert torch.equal(kept, exact.bfloat16())  # rounded once, at its end
    assert not torch.equal(lost, exact.bfloat16())


def test_other_convolutions_stay_in_bfloat16() -> None:
    torch.manual_seed(0)
    pointwise = nn.Conv2d(8, 8, 1)
    x = torch.randn(1, 8, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        before = pointwise(x)
        depthwise_in_float32(pointwise)
        assert torch.equal(pointwise(x), before)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficient_mtnet_s", "mini_resnet"])
def test_without_autocast_nothing_changes(name: str) -> None:
    torch.manual_seed(0)
    network = create(name, 3).eval()
    picture, names = torch.randn(1, 3, 64, 64), list(network.state_dict())
    with torch.no_grad():
        before = network(picture).logits
        depthwise_in_float32(network)
        assert torch.equal(network(picture).logits, before)
    assert list(network.state_dict()) == names


def test_gradients_reach_the_weights() -> None:
    layer = nn.Conv2d(4, 4, 3, groups=4)
    depthwise_in_float32(layer)
    with torch.autocast("cpu", torch.bfloat16):
        layer(torch.randn(1, 4, 8, 8)).float().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32
