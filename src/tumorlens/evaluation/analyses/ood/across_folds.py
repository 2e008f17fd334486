"""Scores of all folds -> where the limit of a network of their recipe belongs, and how many held-out images it flags.

A limit from a dozen validation patients needs a margin (`THRESHOLD_SCALE`), and may flag far fewer images than it could. What
the networks of all folds, each by its own limit, said of the patients held out from them puts that right: a network of
the same recipe has its limit moved to the score within which `SCALED_TO` of those images lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens.evaluation.analyses.ood.measure import flagged
from tumorlens.stats import ClusterBootstrap, Estimate

SCALED_TO = 0.96  # of the images held out: at most 5 % are to be flagged, and networks of one recipe differ


@dataclass(frozen=True, eq=False)
class Across:
    """What folds say of images held out.

    Attributes:
        flagged: the share that each fold's own limit flags.
        per_class: class to the same, of the classes there are.
        threshold_scale: the score within which `SCALED_TO` of all images lie.
        flagged_beyond: the share that scores above the reach of all other folds.
    """

    flagged: Estimate
    per_class: dict[str, Estimate]
    threshold_scale: float
    flagged_beyond: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "flagged": self.flagged.to_dict(),
            "per_class": {name: share.to_dict() for name, share in self.per_class.items()},
            "threshold_scale": self.threshold_scale,
            "flagged_beyond": self.flagged_beyond.to_dict(),
        }


def measure_across(
    scores: Sequence[Floats], labels: Ints, bootstrap: ClusterBootstrap, classes: Sequence[str]
) -> Across:
    """Learn from every fold but one, for each, and from all.

    Args:
        scores: of each fold's images, by its own network; above 1 it flags them.
        labels: (N,) index of the true class, fold after fold.
        bootstrap: the N images.
        classes: the K names.
    """
    every = np.concatenate(scores)
    fold = np.repeat(np.arange(len(scores)), [len(one) for one in scores])
    others = np.array([np.quantile(every[fold != i], SCALED_TO) for i in range(len(scores))])
    beyond, _ = flagged(every / others[fold], labels, bootstrap, classes)
    return Across(*flagged(every, labels, bootstrap, classes), float(np.quantile(every, SCALED_TO)), beyond)
