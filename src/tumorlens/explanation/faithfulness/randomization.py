"""Trained network -> the same network with more and more random weights (cascading randomization)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tumorlens.models import Network, Pipeline

MAX_STAGES = 14
"""Larger networks are split into this many stages at most."""

_BATCH = 16


@dataclass(frozen=True)
class RandomizationStage:
    """Weights that are randomized together.

    Attributes:
        name: of the module, as PyTorch names it.
        modules: names of all modules in it that have weights of their own.
    """

    name: str
    modules: tuple[str, ...]


def randomization_stages(network: Network, inputs: Tensor) -> list[RandomizationStage]:
    """The modules of a network, from the last one in a forward pass to the first.

    Modules are split into their submodules, the largest first, until there are about `MAX_STAGES`. Modules that are
    only used in training are left out, and a norm belongs to the layer before it.

    Args:
        network: in evaluation mode.
        inputs: (N, C, H, W); one pass over the first image shows the order.
    """
    layers = _in_order(network, inputs)
    groups = {"": [name for name in layers if not _is_norm(network.get_submodule(name))]}
    while finer := _finer(groups):
        groups = finer
    group_of = {name: group for group, names in groups.items() for name in names}
    stages: dict[str, list[str]] = {}
    group = ""
    for name in layers:
        group = group_of.get(name, group)
        stages.setdefault(group, []).append(name)
    own = " and ".join(name for name, _ in network.named_parameters(recurse=False))
    last_first = sorted(stages.items(), key=lambda item: -layers.index(item[1][-1]))
    return [RandomizationStage(group or own, tuple(names)) for group, names in last_first]


def cascading_randomization(
    pipeline: Pipeline,
    new_network: Callable[[], Network],
    stages: list[RandomizationStage],
    inputs: Tensor,
    seed: int,
) -> Iterator[Pipeline]:
    """The pipeline with the first stage random, then with the first two, and so on; one object that changes.

    Random weights are those of a new network of this architecture, as in Adebayo et al. 2018 (arXiv:1810.03292).
    Running means and variances of batch norm are estimated again for the random weights: with the old ones,
    activations would vanish or explode, and every map would change.

    Args:
        pipeline: is not changed.
        new_network: makes a network with random weights.
        stages: of `randomization_stages`; all of them at once as a list of one stage.
        inputs: (N, C, size, size) to estimate means and variances on.
        seed: of the random weights.
    """
    changed = copy.deepcopy(pipeline)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        new = new_network().eval()
    randomized: list[str] = []
    for stage in stages:
        for name in stage.modules:
            _copy(new.get_submodule(name), changed.network.get_submodule(name))
        randomized += stage.modules
        _estimate_norms(changed.network, randomized, inputs)
        yield changed


def _in_order(network: Network, inputs: Tensor) -> list[str]:
    """Names of the modules with weights of their own, in the order in which a forward pass reaches them."""
    reached: dict[str, int] = {}

    def record(name: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            reached.setdefault(name, len(reached))

        return hook

    handles = [module.register_forward_pre_hook(record(name)) for name, module in network.named_modules()]
    try:
        with torch.inference_mode():
            network(inputs[:1])
    finally:
        for handle in handles:
            handle.remove()
    idle = {id(module) for part in network.training_only() for module in part.modules()}
    layers = [
        name
        for name, module in network.named_modules()
        if id(module) not in idle and next(module.parameters(recurse=False), None) is not None
    ]
    return sorted(layers, key=lambda name: _position(name, reached))


def _position(name: str, reached: dict[str, int]) -> int:
    """The position of a module; of one whose weights its parent uses, the position of the parent."""
    while name not in reached:
        name = name.rpartition(".")[0]
    return reached[name]


def _finer(groups: dict[str, list[str]]) -> dict[str, list[str]] | None:
    """The same groups with the largest one split that `MAX_STAGES` allows to split; None where there is none."""
    for name in sorted(groups, key=lambda group: -len(groups[group])):
        inner = _split(name, groups[name])
        if inner.keys() != {name} and len(groups) - 1 + len(inner) <= MAX_STAGES:
            return {key: value for key, value in groups.items() if key != name} | inner
    return None


def _split(name: str, modules: list[str]) -> dict[str, list[str]]:
    """A group by the next component of its modules' names."""
    depth = len(name.split(".")) if name else 0
    finer: dict[str, list[str]] = {}
    for module in modules:
        finer.setdefault(".".join(module.split(".")[: depth + 1]), []).append(module)
    return finer


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, (_BatchNorm, nn.LayerNorm, nn.GroupNorm))


def _copy(source: nn.Module, target: nn.Module) -> None:
    """Copy the module's own weights and statistics, without those of its submodules."""
    with torch.no_grad():
        for kind in ("named_parameters", "named_buffers"):
            new = dict(getattr(source, kind)(recurse=False))
            for name, tensor in getattr(target, kind)(recurse=False):
                tensor.copy_(new[name])


def _estimate_norms(network: Network, names: list[str], inputs: Tensor) -> None:
    """Estimate means and variances of the batch norms among these modules, over all inputs."""
    norms = [m for n in names if isinstance(m := network.get_submodule(n), _BatchNorm) and m.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # an average over all batches instead of a running one
        norm.train()
    several = inputs if len(inputs) > 1 else inputs.expand(2, -1, -1, -1)  # one value has no variance
    with torch.no_grad():
        for batch in torch.split(several, _BATCH):
            network(batch if len(batch) > 1 else several[-2:])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
