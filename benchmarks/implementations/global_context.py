"""LightHam or self-attention -> milliseconds, or MiB beyond those in use before."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

import torch
from rounds import milliseconds, peak, serve
from torch import Tensor, nn
from torch.nn import functional as F

from tumorlens.models.layers.light_ham import LightHam, NonLocalBlock

CHANNELS = 128  # as in EfficientMTNet


class FusedAttention(NonLocalBlock):
    """The same weights with PyTorch's fused kernel, which never stores the whole matrix and so has no attention map."""

    def forward(self, x: Tensor) -> Tensor:
        parts = self.queries_keys_values(x).flatten(2).chunk(3, dim=1)
        queries, keys, values = (
            part.mT[:, None].contiguous() for part in parts
        )  # else PyTorch does not use the fused kernel
        out: Tensor = x + self.upper(F.scaled_dot_product_attention(queries, keys, values)[:, 0].mT.reshape(x.shape))
        return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["light", "plain", "fused"])
    parser.add_argument("passes", choices=["forward", "both"])
    parser.add_argument("quantity", choices=["time", "memory"])
    parser.add_argument("grid", type=int)
    parser.add_argument("times", type=int)
    chosen = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    makers: dict[str, type[nn.Module]] = {"plain": NonLocalBlock, "fused": FusedAttention}
    module = (LightHam(CHANNELS, rank=32) if chosen.kind == "light" else makers[chosen.kind](CHANNELS)).to(device)
    module.train(chosen.passes == "both")
    x = torch.randn(1, CHANNELS, chosen.grid, chosen.grid, device=device)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    def forward() -> None:
        with torch.inference_mode():
            module(x)
        wait()

    def both() -> None:
        module.zero_grad()
        module(x.detach().requires_grad_()).sum().backward()
        wait()

    call = forward if chosen.passes == "forward" else both
    if chosen.quantity == "time":
        milliseconds(call, 1)
        serve(lambda: milliseconds(call, chosen.times))
    else:
        whole, x = x, x[:, :, :4, :4]
        call()  # loads libraries before memory is measured
        x = whole
        gc.collect()
        before = _in_use(device)
        call()
        used = _peak(device) - before
        serve(lambda: used)


def _in_use(device: torch.device) -> float:
    """MiB in use; resets the peak."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated() / 2**20
    Path("/proc/self/clear_refs").write_text("5")
    return 1024 * peak()


def _peak(device: torch.device) -> float:
    """Peak of MiB in use."""
    return torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else 1024 * peak()


if __name__ == "__main__":
    main()
