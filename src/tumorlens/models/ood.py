"""Features -> how unlike the training images an image is: what their principal components leave of it.

The last maps of a network, averaged over places, are one vector for an image. Those of its training images lie
close to a plane of few dimensions; those of photographs, text or noise do not (Wang et al. 2022, the residual of ViM).
What tells a photograph is first which features answer at all, since half of them are silent in a head: powers of a
quarter, scaled to length 1, bring those forward (power normalization; Perronnin, Sanchez and Mensink 2010, ECCV). And
it is how loudly they answer, so the distance is multiplied by the square root of the features' own length. All of it is
a few products and norms, so it lives in the exported graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

# Of Figshare's 1,280 features; 32 and 64 do as well. A network with few features keeps most of them for the residual.
COMPONENTS = 48
SHARE = 4
_POWER = 0.25
_SILENT = 1e-3  # a feature well below it counts as silent: rounding must not wake it
BLANK = 2.0  # the least score of an image of one gray: twice the limit


@dataclass(frozen=True, eq=False)
class InDistributionSubspace:
    """What the images of a network's training part look like to it.

    Attributes:
        center: (C,) float32, the mean of their features, each `power_normalized`.
        axes: (C, D) float32, the principal components of those, orthonormal.
        limit: the distance from the plane of center and axes, by the root of the features' length, that is scored 1;
            above it an image is outside.
    """

    center: npt.NDArray[np.float32]
    axes: npt.NDArray[np.float32]
    limit: float = 1.0


def power_normalized(features: Tensor) -> Tensor:
    """(N, C) features -> the same of length 1, with faint ones brought forward; signs are kept."""
    raised = features.sign() * ((features.abs() + _SILENT) ** _POWER - _SILENT**_POWER)
    out: Tensor = raised / _length(raised)[:, None].clamp(min=_SILENT)
    return out


def principal_subspace(features: npt.ArrayLike, components: int = COMPONENTS) -> InDistributionSubspace:
    """The plane of some images, with a limit of 1.

    Args:
        features: (N, C) averaged over places, one row an image.
        components: at most so many, and at most a quarter of the features and half of the images.
    """
    rows = power_normalized(torch.from_numpy(np.asarray(features, dtype=np.float64))).numpy()
    count = max(0, min(components, rows.shape[1] // SHARE, len(rows) // 2))
    center = rows.mean(axis=0)
    # Of as many images as features or fewer, eigenvectors of the covariance are quicker than an SVD of the images.
    _, vectors = np.linalg.eigh((rows - center).T @ (rows - center))
    return InDistributionSubspace(center.astype(np.float32), vectors[:, ::-1][:, :count].astype(np.float32))


class OODScore(nn.Module):
    """Images and their features -> a score each: above 1, an image is unlike those the network learned from."""

    center: Tensor
    axes: Tensor
    limit: Tensor

    def __init__(self, subspace: InDistributionSubspace) -> None:
        super().__init__()
        self.register_buffer("center", torch.from_numpy(subspace.center.copy()))
        self.register_buffer("axes", torch.from_numpy(subspace.axes.copy()))
        self.register_buffer("limit", torch.tensor(float(subspace.limit)))

    def forward(self, images: Tensor, pooled: Tensor) -> Tensor:
        """(N, H, W) images and their (N, C) `ModelOutput.pooled` -> (N,); an image of one gray scores 2 or more."""
        gray = images.float()
        blank = gray.amax((1, 2)) == gray.amin((1, 2))
        score = self.score(pooled)
        return torch.where(blank, score.clamp(min=BLANK), score)

    def score(self, pooled: Tensor) -> Tensor:
        """(N, C) features averaged over places -> (N,), as `InDistributionSubspace.limit` has it, over the limit."""
        apart = power_normalized(pooled) - self.center
        left = apart - (apart @ self.axes) @ self.axes.T
        return _length(left) * _length(pooled).sqrt() / self.limit


def _length(rows: Tensor) -> Tensor:
    return rows.square().sum(1).sqrt()
