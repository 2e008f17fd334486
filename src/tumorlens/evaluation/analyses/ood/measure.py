"""Fit + images -> how many of them are flagged as outside, with intervals over patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens.evaluation.analyses.ood.fit_ood import OODFit
from tumorlens.models import Pipeline
from tumorlens.scan import GrayImage
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate


@dataclass(frozen=True, eq=False)
class OODResult:
    """How many of the measured images are flagged as outside of what the network is for.

    Attributes:
        fit: what decides.
        scores: (N,) of each image; above 1 it is flagged.
        flagged: the share that is.
        per_class: class to the same, of the classes there are.
    """

    fit: OODFit
    scores: Floats
    flagged: Estimate
    per_class: dict[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return self.fit.to_dict() | {
            "flagged": self.flagged.to_dict(),
            "per_class": {name: found.to_dict() for name, found in self.per_class.items()},
        }


def measure_ood(
    fit: OODFit | None,
    features: npt.NDArray[np.float32],
    labels: Ints,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
) -> OODResult | None:
    """Count what is flagged; None where nothing was fitted.

    Args:
        fit: of the run.
        features: (N, C) averaged over places.
        labels: (N,) index of the true class.
        bootstrap: the N images.
        classes: the K names.
    """
    if fit is None:
        return None
    scores = fit.scores(features)
    return OODResult(fit, scores, *flagged(scores, labels, bootstrap, classes))


def flagged(
    scores: Floats, labels: Ints, bootstrap: ClusterBootstrap, classes: Sequence[str]
) -> tuple[Estimate, dict[str, Estimate]]:
    """The share of images that score above 1: of all, and of each class there is.

    Args:
        scores: (N,).
        labels: (N,) index of the true class.
        bootstrap: the N images.
        classes: the K names.
    """
    drawn, beyond = BootstrapDraws.draw(bootstrap), scores > 1

    def share(among: Flags) -> Estimate:
        with np.errstate(invalid="ignore"):
            return drawn.proportion(drawn.sums(beyond & among) / drawn.sums(among), among)

    there = {name: labels == i for i, name in enumerate(classes)}
    per_class = {name: share(mine) for name, mine in there.items() if mine.any()}
    return share(np.ones(len(scores), dtype=bool)), per_class


def score_images(pipeline: Pipeline, images: Sequence[GrayImage]) -> Floats:
    """The scores of any images, one by one: (N,); above 1 an image is flagged.

    Args:
        pipeline: that was given a `InDistributionSubspace`.
        images: (H, W) uint8 each, of any size.
    """
    assert pipeline.ood is not None
    with torch.inference_mode():
        return np.array([float(pipeline(torch.from_numpy(gray.copy())[None]).ood[0]) for gray in images])
