"""Network + input -> its own attention maps, taken by name from wherever it computes them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from tumorlens.errors import ModelError
from tumorlens.models.output import Network


class AttentionMap(nn.Identity):
    """Marks the place in an architecture where a map of what it attends to passes by.

    An architecture puts one where it has computed a map, (N, 1, h, w) with values of at least 0; the name of the
    map is the name of this module. It holds no weights and changes nothing.
    """


def attention_names(network: Network) -> list[str]:
    """Names of the maps a network computes, from its input to its output; empty where it has none."""
    return [name for name, module in network.named_modules() if isinstance(module, AttentionMap)]


def attention_maps(network: Network, inputs: Tensor, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """The attention maps of one forward pass.

    Args:
        network: in evaluation mode.
        inputs: (N, C, H, W) normalised pictures.
        names: which of `attention_names`; all of them if left out.

    Returns:
        Each map (N, h, w) float32, by name.

    Raises:
        ModelError: the network has no map of that name; says which it has.
    """
    known = attention_names(network)
    wanted = known if names is None else list(names)
    for name in wanted:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise ModelError(f"no attention map is called '{name}' in {type(network).__name__}; {has}")
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> None:
        def hook(_: nn.Module, __: tuple[Tensor, ...], out: Tensor) -> None:
            seen[name] = out[:, 0].detach().float()

        handles.append(network.get_submodule(name).register_forward_hook(hook))

    handles: list[torch.utils.hooks.RemovableHandle] = []
    try:
        for name in wanted:
            keep(name)
        with torch.no_grad():
            network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {name: seen[name] for name in wanted}
