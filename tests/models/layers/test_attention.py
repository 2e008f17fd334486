"""The attention maps of a network can be read by name."""

from __future__ import annotations

import torch

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelError
from tumorlens.models import attention_maps, attention_names, create


def test_brainmrnet_has_maps_of_both_spatial_attentions_and_its_hypercolumn() -> None:
    network = create("brainmrnet", 2).eval()
    names = attention_names(network)
    maps = attention_maps(network, torch.randn(2, 3, 96, 96))
    assert list(maps) == names
    assert len(names) == 3
    assert maps["hypercolumn"].shape == (2, 4, 4)
    spatial = next(values for name, values in maps.items() if name.startswith("stage2"))
    assert ((spatial > 0) & (spatial < 1)).all()


def test_a_map_depends_on_the_image() -> None:
    network = create("brainmrnet", 2).eval()
    one, other = (attention_maps(network, torch.randn(1, 3, 64, 64), ["hypercolumn"]) for _ in range(2))
    assert not torch.equal(one["hypercolumn"], other["hypercolumn"])


def test_the_error_for_an_unknown_map_lists_the_known_ones() -> None:
    with assert_refused(ModelError, found="no attention map 'hypercolum'", expected="one of stage2"):
        attention_maps(create("brainmrnet", 2).eval(), torch.zeros(1, 3, 64, 64), ["hypercolum"])


def test_reading_maps_leaves_no_hooks_in_the_network() -> None:
    network = create("brainmrnet", 2).eval()
    attention_maps(network, torch.randn(1, 3, 64, 64))
    assert not any(module._forward_hooks for module in network.modules())
