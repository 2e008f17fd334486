"""A trained network -> the same with more and more of its weights as they were before any training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tumorlens.models import Network, Pipeline

MOST = 14
"""Stages at most; what is larger stays together."""

_BATCH = 16


@dataclass(frozen=True)
class Stage:
    """Weights that become random together.

    Attributes:
        name: of the part of the network, as PyTorch names it.
        modules: names of all modules in it that hold weights themselves.
    """

    name: str
    modules: tuple[str, ...]


def stages(network: Network, inputs: Tensor) -> list[Stage]:
    """The parts of a network from the last that a pass goes through to the first.

    Parts are split where their names are, the largest first, until there are about `MOST`. What is only used in
    training is left out, and a norm goes with the layer before it.

    Args:
        network: in evaluation mode.
        inputs: (N, C, H, W); one pass over the first shows the order.
    """
    holders = _in_order(network, inputs)
    parts = {"": [name for name in holders if not _is_norm(network.get_submodule(name))]}
    while finer := _finer(parts):
        parts = finer
    part_of = {name: part for part, names in parts.items() for name in names}
    found: dict[str, list[str]] = {}
    part = ""
    for name in holders:
        part = part_of.get(name, part)
        found.setdefault(part, []).append(name)
    own = " and ".join(name for name, _ in network.named_parameters(recurse=False))
    last_first = sorted(found.items(), key=lambda item: -holders.index(item[1][-1]))
    return [Stage(part or own, tuple(names)) for part, names in last_first]


def cascade(
    pipeline: Pipeline, fresh: Callable[[], Network], parts: list[Stage], inputs: Tensor, seed: int
) -> Iterator[Pipeline]:
    """The pipeline with the first stage random, with the first two, and so on; one object that changes.

    Random weights are those of a new network, by the rules of its architecture, as in Adebayo et al. 2018
    (arXiv:1810.03292). Running means and variances of batch norm are measured anew behind them: with those of other
    weights, what passes the network would fade away or blow up, and any map would change.

    Args:
        pipeline: left as it is.
        fresh: makes the network anew.
        parts: of `stages`; all of them at once as a list of one stage.
        inputs: (N, C, size, size) to measure means and variances on.
        seed: of the random weights.
    """
    changed = copy.deepcopy(pipeline)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        new = fresh().eval()
    done: list[str] = []
    for part in parts:
        for name in part.modules:
            _copy(new.get_submodule(name), changed.network.get_submodule(name))
        done += part.modules
        _measure_norms(changed.network, done, inputs)
        yield changed


def _in_order(network: Network, inputs: Tensor) -> list[str]:
    """Names of the modules that hold weights themselves, in the order in which a pass reaches them."""
    reached: dict[str, int] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            reached.setdefault(name, len(reached))

        return hook

    handles = [module.register_forward_pre_hook(note(name)) for name, module in network.named_modules()]
    try:
        with torch.inference_mode():
            network(inputs[:1])
    finally:
        for handle in handles:
            handle.remove()
    idle = {id(module) for part in network.training_only() for module in part.modules()}
    holders = [
        name
        for name, module in network.named_modules()
        if id(module) not in idle and next(module.parameters(recurse=False), None) is not None
    ]
    return sorted(holders, key=lambda name: _when(name, reached))


def _when(name: str, reached: dict[str, int]) -> int:
    """When a module was reached; one whose weights are used by the module around it, when that was."""
    while name not in reached:
        name = name.rpartition(".")[0]
    return reached[name]


def _finer(parts: dict[str, list[str]]) -> dict[str, list[str]] | None:
    """The same parts with the largest of them split for which there is room; None where that is none."""
    for name in sorted(parts, key=lambda part: -len(parts[part])):
        inner = _split(name, parts[name])
        if inner.keys() != {name} and len(parts) - 1 + len(inner) <= MOST:
            return {key: value for key, value in parts.items() if key != name} | inner
    return None


def _split(name: str, modules: list[str]) -> dict[str, list[str]]:
    """A part by the next word of its modules' names."""
    depth = len(name.split(".")) if name else 0
    finer: dict[str, list[str]] = {}
    for module in modules:
        finer.setdefault(".".join(module.split(".")[: depth + 1]), []).append(module)
    return finer


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, (_BatchNorm, nn.LayerNorm, nn.GroupNorm))


def _copy(source: nn.Module, target: nn.Module) -> None:
    """The module's own weights and statistics, without those of modules in it."""
    with torch.no_grad():
        for kind in ("named_parameters", "named_buffers"):
            given = dict(getattr(source, kind)(recurse=False))
            for name, tensor in getattr(target, kind)(recurse=False):
                tensor.copy_(given[name])


def _measure_norms(network: Network, names: list[str], inputs: Tensor) -> None:
    """Means and variances of the batch norms among these modules, over all inputs."""
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
