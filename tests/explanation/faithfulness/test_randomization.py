"""Weights become random from the last layer to the first, in a copy, and the network keeps working."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tumorlens.explanation.faithfulness.randomization import MOST, cascade, stages
from tumorlens.models import ModelSpec, Network, Pipeline, create
from tumorlens.scan import InputGeometry

SMALL = ModelSpec("mini_resnet", ("a", "b"), 1, InputGeometry(32), (0.5,) * 3, (0.5,) * 3)


def pipeline() -> Pipeline:
    torch.manual_seed(1)
    made: Pipeline = Pipeline(SMALL.preprocessing(), SMALL.network()).eval()
    return made


def inputs() -> Tensor:
    return torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def changed_names(one: Network, other: Network) -> set[str]:
    theirs = dict(other.named_parameters())
    return {name for name, value in one.named_parameters() if not torch.equal(value, theirs[name])}


@pytest.mark.parametrize(
    "name", ["mini_resnet", "efficientnet_lite0_transformer", "efficient_mtnet_s", "brainmrnet", "vgg16"]
)
def test_stages_hold_every_weight_that_is_used_once_the_last_first(name: str) -> None:
    network = create(name, 3).eval()
    found = stages(network, torch.zeros(1, 3, 64, 64))
    held = [module for stage in found for module in stage.modules]
    unused = {id(m) for part in network.training_only() for m in part.modules()}
    wanted = [key for key, m in network.named_modules() if id(m) not in unused and list(m.parameters(recurse=False))]
    assert sorted(held) == sorted(wanted)
    assert 5 <= len(found) <= MOST
    assert len({stage.name for stage in found}) == len(found)
    first, last = {"efficient_mtnet_s": ("segment", "downsample")}.get(name, ("head", None))
    assert found[0].name == first
    assert last is None or found[-1].name == last


def test_one_stage_after_the_other_becomes_random_and_the_original_stays() -> None:
    original = pipeline()
    before = {name: value.clone() for name, value in original.state_dict().items()}
    parts = stages(original.network, inputs())
    counts = [
        len(changed_names(changed.network, original.network))
        for changed in cascade(original, SMALL.network, parts, inputs(), seed=5)
    ]
    assert counts == sorted(set(counts))  # more each time
    assert len(counts) == len(parts)
    assert all(torch.equal(value, before[name]) for name, value in original.state_dict().items())


def test_the_first_stage_is_the_head_alone_and_the_last_leaves_nothing_learned() -> None:
    original = pipeline()
    with torch.no_grad():
        for parameter in original.network.parameters():
            parameter.add_(7.0)  # so that nothing is as a new network has it
    walk = cascade(original, SMALL.network, stages(original.network, inputs()), inputs(), seed=5)
    first = next(walk)
    assert changed_names(first.network, original.network) == {"head.weight", "head.bias"}
    *_, last = walk
    torch.manual_seed(5)
    assert changed_names(last.network, SMALL.network()) == set()


def test_what_passes_a_random_network_neither_fades_nor_blows_up() -> None:
    original = pipeline()
    for norm in original.network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_var.fill_(1e6)  # type: ignore[union-attr]
    *_, last = cascade(original, SMALL.network, stages(original.network, inputs()), inputs(), seed=5)
    with torch.no_grad():
        assert 0.1 < float(last.network(inputs()).features.std()) < 10
    assert not any(module.training for module in last.modules())


def test_the_same_seed_gives_the_same_random_network_and_touches_no_other_randomness() -> None:
    original = pipeline()
    parts = stages(original.network, inputs())
    torch.manual_seed(9)
    state = torch.get_rng_state()
    *_, one = cascade(original, SMALL.network, parts, inputs(), seed=2)
    *_, two = cascade(original, SMALL.network, parts, inputs(), seed=2)
    assert changed_names(one.network, two.network) == set()
    assert torch.equal(state, torch.get_rng_state())
