"""Network + input -> its attention maps, by name, taken from where the network computes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from tumorlens.errors import ModelError
from tumorlens.models.model_output import Network


class AttentionMap(nn.Identity):
    """An identity that marks an attention map in an architecture.

    An architecture passes a map, (N, 1, h, w) with values of at least 0, through one of these modules; the name of the
    module is the name of the map. It has no weights and changes nothing.
    """


def attention_names(network: Network) -> list[str]:
    """Names of the attention maps of a network, from its input to its output; empty where it has none."""
    return [name for name, module in network.named_modules() if isinstance(module, AttentionMap)]


def attention_maps(network: Network, inputs: Tensor, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """The attention maps of one forward pass.

    Args:
        network: in evaluation mode.
        inputs: (N, C, H, W) normalized images.
        names: some of `attention_names`; None for all of them.

    Returns:
        Each map (N, h, w) float32, by name.

    Raises:
        ModelError: the network has no map of that name; lists those it has.
    """
    wanted = attention_names(network) if names is None else list(names)
    with recorded_attention(network, wanted) as maps, torch.no_grad():
        network(inputs)
    return {name: maps[name] for name in wanted}


@contextmanager
def recorded_attention(network: Network, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Record the attention maps of every forward pass inside the block, which may be a trace for an export.

    Yields:
        The maps of the latest forward pass, (N, h, w) float32 by name.

    Raises:
        ModelError: the network has no map of that name; lists those it has.
    """
    known = attention_names(network)
    maps: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for name in names:
            if name not in known:
                raise ModelError(
                    found=f"{type(network).__name__} has no attention map '{name}'",
                    expected=f"one of {', '.join(known)}" if known else "a network with attention",
                )

            def keep(_: nn.Module, __: tuple[Tensor, ...], out: Tensor, name: str = name) -> None:
                maps[name] = out[:, 0].detach().float()

            hooks.callback(network.get_submodule(name).register_forward_hook(keep).remove)
        yield maps
