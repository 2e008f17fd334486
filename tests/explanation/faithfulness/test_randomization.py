"""Weights are randomized from the last layer to the first, in a copy, and activations stay in range."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tumorlens.explanation.faithfulness.randomization import MAX_STAGES, cascading_randomization, randomization_stages
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
def test_stages_contain_every_used_weight_once_from_last_to_first(name: str) -> None:
    network = create(name, 3).eval()
    stages = randomization_stages(network, torch.zeros(1, 3, 64, 64))
    modules = [module for stage in stages for module in stage.modules]
    unused = {id(m) for part in network.training_only() for m in part.modules()}
    expected = [key for key, m in network.named_modules() if id(m) not in unused and list(m.parameters(recurse=False))]
    assert sorted(modules) == sorted(expected)
    assert 5 <= len(stages) <= MAX_STAGES
    assert len({stage.name for stage in stages}) == len(stages)
    first, last = {"efficient_mtnet_s": ("segment", "downsample")}.get(name, ("head", None))
    assert stages[0].name == first
    assert last is None or stages[-1].name == last


def test_one_stage_after_the_other_is_randomized_and_the_original_does_not_change() -> None:
    original = pipeline()
    before = {name: value.clone() for name, value in original.state_dict().items()}
    stages = randomization_stages(original.network, inputs())
    counts = [
        len(changed_names(changed.network, original.network))
        for changed in cascading_randomization(original, SMALL.network, stages, inputs(), seed=5)
    ]
    assert counts == sorted(set(counts))  # more each time
    assert len(counts) == len(stages)
    assert all(torch.equal(value, before[name]) for name, value in original.state_dict().items())


def test_the_first_stage_is_the_head_and_after_the_last_all_weights_are_random() -> None:
    original = pipeline()
    with torch.no_grad():
        for parameter in original.network.parameters():
            parameter.add_(7.0)  # so that every weight differs from a new network
    cascade = cascading_randomization(
        original, SMALL.network, randomization_stages(original.network, inputs()), inputs(), seed=5
    )
    first = next(cascade)
    assert changed_names(first.network, original.network) == {"head.weight", "head.bias"}
    *_, last = cascade
    torch.manual_seed(5)
    assert changed_names(last.network, SMALL.network()) == set()


def test_activations_of_a_random_network_neither_vanish_nor_explode() -> None:
    original = pipeline()
    for norm in original.network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_var.fill_(1e6)  # type: ignore[union-attr]
    *_, last = cascading_randomization(
        original, SMALL.network, randomization_stages(original.network, inputs()), inputs(), seed=5
    )
    with torch.no_grad():
        assert 0.1 < float(last.network(inputs()).features.std()) < 10
    assert not any(module.training for module in last.modules())


def test_the_same_seed_gives_the_same_random_network_and_leaves_the_global_generator() -> None:
    original = pipeline()
    stages = randomization_stages(original.network, inputs())
    torch.manual_seed(9)
    state = torch.get_rng_state()
    *_, one = cascading_randomization(original, SMALL.network, stages, inputs(), seed=2)
    *_, two = cascading_randomization(original, SMALL.network, stages, inputs(), seed=2)
    assert changed_names(one.network, two.network) == set()
    assert torch.equal(state, torch.get_rng_state())
