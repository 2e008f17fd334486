"""Maps -> the same maps, each place told of all others: a low-rank factorisation, or self-attention beside it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tumorlens.models.layers.attention import AttentionMap

LEAST = 1e-6  # keeps divisors from 0 where an image has nothing


class LightHam(nn.Module):
    """Hamburger of Geng et al. 2021, Is Attention Better Than Matrix Decomposition? (ICLR; arXiv:2109.04553).

    Bread (1x1 convolution, ReLU), non-negative factorisation of the places, bread (1x1 convolution, batch norm), and
    the input added. Arithmetic and memory grow with the number of places, self-attention's with its square.
    """

    def __init__(self, channels: int, rank: int = 64, steps: int = 6) -> None:
        super().__init__()
        self.lower = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.ReLU(inplace=True))
        self.ham = Factorisation(channels, rank, steps)
        self.upper = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        out: Tensor = x + self.upper(self.ham(self.lower(x).flatten(2)).view_as(x))
        return out


class Factorisation(nn.Module):
    """Non-negative matrix factorisation by multiplicative updates (Lee and Seung 2001): X is nearly bases @ codes.

    The paper draws a new start for each image. Here bases start from numbers that are saved with the weights, and
    codes follow from them, so that the same weights give the same answer. Stable in bfloat16, whose range is float32's.
    """

    start: Tensor

    def __init__(self, channels: int, rank: int = 64, steps: int = 6) -> None:
        super().__init__()
        self.steps = steps
        # NumPy's stream is the same everywhere; torch's differs between devices, and the meta device has none.
        drawn = np.random.default_rng(0).random((channels, rank), dtype=np.float32)
        self.register_buffer("start", torch.tensor(drawn))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, P) of at least 0, P places -> its approximation of the given rank, the same shape.

        Gradients pass the last step only: those of all steps vanish or explode (Geng et al., one-step gradient).
        """
        settled = x.detach()
        bases = self.start.expand(x.shape[0], -1, -1)  # len(x) would be a constant of an exported graph
        # How like each basis a place is, beside the one it is most like. With the power nearly an assignment: evenly
        # drawn bases are so alike that six steps from equal codes would hardly tell them apart.
        likeness = bases.mT @ settled
        codes = (likeness / (likeness.amax(1, keepdim=True) + LEAST)) ** 32
        for _ in range(self.steps - 1):
            bases, codes = _update(settled, bases, codes)
        bases, codes = _update(x, bases, codes)
        return bases @ codes


def _update(x: Tensor, bases: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """One step: better codes for these bases, then better bases for those codes; never a larger squared error.

    Bases are (N, C, R), codes (N, R, P).
    """
    turned = bases.mT
    codes = codes * (turned @ x) / (turned @ bases @ codes + LEAST)
    back = codes.mT
    bases = bases * (x @ back) / (bases @ (codes @ back) + LEAST)
    return bases, codes


class SelfAttention(nn.Module):
    """Plain self-attention over all places (Wang et al. 2018, Non-local Neural Networks), for comparison."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.queries_keys_values = nn.Conv2d(channels, 3 * channels, 1)
        self.map = AttentionMap()
        self.upper = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape; the map is how much every place is looked at, on average 1."""
        queries, keys, values = self.queries_keys_values(x).flatten(2).chunk(3, dim=1)
        weights = torch.softmax(queries.mT @ keys * x.shape[1] ** -0.5, dim=2)  # (N, looking, looked at)
        self.map(weights.sum(1).view_as(x[:, :1]))
        out: Tensor = x + self.upper((values @ weights.mT).view_as(x))
        return out
