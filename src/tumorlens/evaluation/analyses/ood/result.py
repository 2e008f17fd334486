"""How many images are flagged as out-of-distribution: of one run, and over all folds of a cross-validation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tumorlens._arrays import Floats
from tumorlens.evaluation.stored_thresholds import OODFitSummary
from tumorlens.report.text import percentage
from tumorlens.stats import Estimate

if TYPE_CHECKING:
    from tumorlens.evaluation.fit_ood import OODFit


@dataclass(frozen=True, eq=False)
class OODResult:
    """How many of the measured images are flagged.

    Attributes:
        fit: the score and its threshold.
        scores: (N,) of each image; above 1 it is flagged.
        flagged: the share of flagged images.
        per_class: class to the same, of the classes there are.
        per_dataset: data set to the same, where there are several.
    """

    fit: OODFit | OODFitSummary
    scores: Floats
    flagged: Estimate
    per_class: dict[str, Estimate]
    per_dataset: dict[str, Estimate] = field(default_factory=dict)

    @property
    def caveats(self) -> tuple[str, ...]:
        """None: flagged images stay in every metric."""
        return ()

    @property
    def conclusions(self) -> tuple[str, ...]:
        """The share of flagged images, and where the threshold is from."""
        units, unit = self.fit.validation_units, self.flagged.unit
        whose = (
            ""
            if unit == "image"
            else f" of {units:,} {'patients' if unit == 'patient' else 'patients or single images'}"
        )
        return (
            f"{self.flagged.percent()} of the images are flagged as out-of-distribution. The threshold is from "
            f"{self.fit.validation_images:,} validation images{whose}, of which {percentage(self.fit.kept)} are "
            "below it.",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return self.fit.to_dict() | {
            "flagged": self.flagged.to_dict(),
            "per_class": {name: share.to_dict() for name, share in self.per_class.items()},
            "per_dataset": {name: share.to_dict() for name, share in self.per_dataset.items()},
        }


@dataclass(frozen=True, eq=False)
class PooledOODResult:
    """How many of the held-out images of all folds are flagged.

    A threshold from a dozen validation patients needs a scale above 1, and may flag far fewer images than it could. The
    scores of all folds, each by its own threshold, put that right: a network of the same recipe gets a threshold at the
    score below which a given share of those images lie.

    Attributes:
        scores: (N,) of each image, by the network that had not seen it.
        flagged: the share that each fold's own threshold flags.
        per_class: class to the same, of the classes there are.
        threshold_scale: by which to multiply the threshold of a network of the same recipe.
        flagged_beyond: the share that scores above the scaled threshold of all other folds.
        per_dataset: data set to the latter, where there are several.
    """

    scores: Floats
    flagged: Estimate
    per_class: dict[str, Estimate]
    threshold_scale: float
    flagged_beyond: Estimate
    per_dataset: dict[str, Estimate] = field(default_factory=dict)

    @property
    def caveats(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def conclusions(self) -> tuple[str, ...]:
        """The share of flagged images."""
        return (f"{self.flagged.percent()} of the images are flagged as out-of-distribution.",)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "flagged": self.flagged.to_dict(),
            "per_class": {name: share.to_dict() for name, share in self.per_class.items()},
            "threshold_scale": self.threshold_scale,
            "flagged_beyond": self.flagged_beyond.to_dict(),
            "per_dataset": {name: share.to_dict() for name, share in self.per_dataset.items()},
        }
