"""Pooled features -> out-of-distribution (OOD) score: the residual outside of the principal subspace of training.

The last maps of a network, averaged over positions, give one vector per image. The vectors of training images lie close
to a subspace of few dimensions; those of photographs, text or noise do not (the residual of ViM, Wang et al. 2022).
Photographs differ first in which features are active, because half of them are near zero in a head. Features are
therefore raised to the power of a quarter and scaled to length 1, which gives weak ones more weight (power
normalization; Perronnin, Sanchez and Mensink 2010, ECCV). Photographs differ also in the norm of the features, so the
residual is multiplied by the square root of that norm. All of it is a few products and norms, and so part of the
exported graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

# Of 1,280 features, on Figshare; 32 and 64 work as well. A network with few features keeps most for the residual.
N_COMPONENTS = 48
MAX_COMPONENT_SHARE = 1 / 4  # of the features
_POWER = 0.25
_EPSILON = 1e-3  # a feature far below it counts as inactive, so that rounding errors have no effect
UNIFORM_IMAGE_SCORE = 2.0  # lowest score of an image with one gray value: twice the threshold


@dataclass(frozen=True, eq=False)
class InDistributionSubspace:
    """The principal subspace of a network's training features.

    Attributes:
        center: (C,) float32, the mean of the features, each `power_normalized`.
        axes: (C, D) float32, their principal components, orthonormal.
        threshold: the residual, times the square root of the norm of the features, that gets the score 1; an image with
            a higher score is out of distribution.
    """

    center: npt.NDArray[np.float32]
    axes: npt.NDArray[np.float32]
    threshold: float = 1.0


def power_normalized(features: Tensor) -> Tensor:
    """(N, C) features -> the same with length 1, where weak features have more weight; signs are kept."""
    raised = features.sign() * ((features.abs() + _EPSILON) ** _POWER - _EPSILON**_POWER)
    out: Tensor = raised / _norm(raised)[:, None].clamp(min=_EPSILON)
    return out


def principal_subspace(features: npt.ArrayLike, components: int = N_COMPONENTS) -> InDistributionSubspace:
    """The principal subspace of some images, with a threshold of 1.

    Args:
        features: (N, C) averaged over positions, one row per image.
        components: highest number; it is also at most a quarter of the features and half of the images.
    """
    rows = power_normalized(torch.from_numpy(np.asarray(features, dtype=np.float64))).numpy()
    count = max(0, min(components, int(rows.shape[1] * MAX_COMPONENT_SHARE), len(rows) // 2))
    center = rows.mean(axis=0)
    # With as many images as features or fewer, eigenvectors of the covariance are faster than an SVD of the images.
    _, vectors = np.linalg.eigh((rows - center).T @ (rows - center))
    return InDistributionSubspace(center.astype(np.float32), vectors[:, ::-1][:, :count].astype(np.float32))


class OODScore(nn.Module):
    """Images and their features -> one OOD score each; above 1 the image is out of distribution."""

    center: Tensor
    axes: Tensor
    threshold: Tensor

    def __init__(self, subspace: InDistributionSubspace) -> None:
        super().__init__()
        self.register_buffer("center", torch.from_numpy(subspace.center.copy()))
        self.register_buffer("axes", torch.from_numpy(subspace.axes.copy()))
        self.register_buffer("threshold", torch.tensor(float(subspace.threshold)))

    def forward(self, images: Tensor, pooled: Tensor) -> Tensor:
        """(N, H, W) images, (N, C) `ModelOutput.pooled` -> (N,) scores; at least 2 for an image with one gray value."""
        gray = images.float()
        uniform = gray.amax((1, 2)) == gray.amin((1, 2))
        score = self.score(pooled)
        return torch.where(uniform, score.clamp(min=UNIFORM_IMAGE_SCORE), score)

    def score(self, pooled: Tensor) -> Tensor:
        """(N, C) features averaged over positions -> (N,), divided by `InDistributionSubspace.threshold`."""
        centered = power_normalized(pooled) - self.center
        residual = centered - (centered @ self.axes) @ self.axes.T
        return _norm(residual) * _norm(pooled).sqrt() / self.threshold


def _norm(rows: Tensor) -> Tensor:
    return rows.square().sum(1).sqrt()
