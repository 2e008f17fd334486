"""Maps -> maps with global context: low-rank matrix factorization (LightHam), or self-attention for comparison."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tumorlens.models.layers.attention import AttentionMap

EPSILON = 1e-6  # keeps divisors above 0 for black images


class LightHam(nn.Module):
    """Hamburger of Geng et al. 2021, Is Attention Better Than Matrix Decomposition? (ICLR; arXiv:2109.04553).

    1x1 convolution and ReLU, non-negative matrix factorization over positions, 1x1 convolution and batch norm, plus the
    input. Arithmetic and memory grow with the number of positions; those of self-attention grow with its square.
    """

    def __init__(self, channels: int, rank: int = 64, steps: int = 6) -> None:
        super().__init__()
        self.lower = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.ReLU(inplace=True))
        self.ham = MatrixFactorization(channels, rank, steps)
        self.upper = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        out: Tensor = x + self.upper(self.ham(self.lower(x).flatten(2)).view_as(x))
        return out


class MatrixFactorization(nn.Module):
    """Non-negative matrix factorization by multiplicative updates (Lee and Seung 2001): X is nearly bases @ codes.

    The paper samples new initial bases for each image. Here they are saved with the weights, and the initial codes
    follow from them, so that the same weights give the same output. Stable in bfloat16, whose range is that of float32.
    """

    start: Tensor

    def __init__(self, channels: int, rank: int = 64, steps: int = 6) -> None:
        super().__init__()
        self.steps = steps
        # NumPy's stream is the same everywhere; torch's differs between devices, and the meta device has none.
        initial = np.random.default_rng(0).random((channels, rank), dtype=np.float32)
        self.register_buffer("start", torch.tensor(initial))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, P) of at least 0, P positions -> its approximation of the given rank, the same shape.

        Gradients flow through the last step only: through all steps they vanish or explode (Geng et al., one-step
        gradient).
        """
        constant = x.detach()
        bases = self.start.expand(x.shape[0], -1, -1)  # len(x) would be a constant of an exported graph
        # Similarity of a position to each basis, relative to the most similar one. The power makes it nearly a hard
        # assignment: uniformly sampled bases are so similar that six steps from equal codes would hardly separate them.
        similarity = bases.mT @ constant
        codes = (similarity / (similarity.amax(1, keepdim=True) + EPSILON)) ** 32
        for _ in range(self.steps - 1):
            bases, codes = _update(constant, bases, codes)
        bases, codes = _update(x, bases, codes)
        return bases @ codes


def _update(x: Tensor, bases: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """One step: better codes for these bases, then better bases for those codes; never a larger squared error.

    Bases are (N, C, R), codes (N, R, P).
    """
    transposed = bases.mT
    codes = codes * (transposed @ x) / (transposed @ bases @ codes + EPSILON)
    codes_t = codes.mT
    bases = bases * (x @ codes_t) / (bases @ (codes @ codes_t) + EPSILON)
    return bases, codes


class NonLocalBlock(nn.Module):
    """Plain self-attention over all positions (Wang et al. 2018, Non-local Neural Networks), for comparison."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.queries_keys_values = nn.Conv2d(channels, 3 * channels, 1)
        self.map = AttentionMap()
        self.upper = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape; the map is the attention that each position receives, 1 on average."""
        queries, keys, values = self.queries_keys_values(x).flatten(2).chunk(3, dim=1)
        weights = torch.softmax(queries.mT @ keys * x.shape[1] ** -0.5, dim=2)  # (N, query, key)
        self.map(weights.sum(1).view_as(x[:, :1]))
        out: Tensor = x + self.upper((values @ weights.mT).view_as(x))
        return out
