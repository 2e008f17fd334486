"""Network + input -> its own attention maps, taken by name from wherever it computes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from tumorlens.errors import ModelError
from tumorlens.models.model_output import Network


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
        inputs: (N, C, H, W) normalized images.
        names: which of `attention_names`; all of them if left out.

    Returns:
        Each map (N, h, w) float32, by name.

    Raises:
        ModelError: the network has no map of that name; says which it has.
    """
    wanted = attention_names(network) if names is None else list(names)
    with attention_passing(network, wanted) as seen, torch.no_grad():
        network(inputs)
    return {name: seen[name] for name in wanted}


@contextmanager
def attention_passing(network: Network, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Look at the maps that pass by while the network is used inside the block, which may be a trace for an export.

    Yields:
        A dictionary that each forward pass fills anew, with (N, h, w) float32 by name.

    Raises:
        ModelError: the network has no map of that name; says which it has.
    """
    known = attention_names(network)
    seen: dict[str, Tensor] = {}
    with ExitStack() as looking:
        for name in names:
            if name not in known:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise ModelError(f"no attention map is called '{name}' in {type(network).__name__}; {has}")

            def keep(_: nn.Module, __: tuple[Tensor, ...], out: Tensor, name: str = name) -> None:
                seen[name] = out[:, 0].detach().float()

            looking.callback(network.get_submodule(name).register_forward_hook(keep).remove)
        yield seen
