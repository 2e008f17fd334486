"""Parameters and multiply-adds are counted without arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelError
from tumorlens.models import cost, create


def test_parameters_are_those_of_the_built_network() -> None:
    real = sum(p.numel() for p in create("mini_resnet", 4, channels=1).parameters())
    assert cost("mini_resnet", 4, channels=1).parameters == real


def test_a_multiply_add_is_one_weight_applied_once() -> None:
    network = create("mini_resnet", 4)
    by_hand = network.head.weight.numel()

    def count(layer: nn.Conv2d, _: object, out: torch.Tensor) -> None:
        nonlocal by_hand
        by_hand += layer.weight.numel() * out.shape[2] * out.shape[3]

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    network.eval()(torch.zeros(1, 3, 128, 128))
    assert cost("mini_resnet", 4).multiply_adds == by_hand


def test_a_larger_image_needs_more_arithmetic_and_no_more_parameters() -> None:
    small, large = cost("efficientnet_lite0", input_size=128), cost("efficientnet_lite0", input_size=256)
    assert small.parameters == large.parameters
    assert large.multiply_adds == pytest.approx(4 * small.multiply_adds, rel=0.01)


def test_an_unknown_network_is_an_error() -> None:
    with assert_refused(ModelError, advice="did you mean brainmrnet"):
        cost("brainmrnett")
