"""Metrics of the images that leak from train, beside those of the clean ones, as the result of an analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tumorlens.evaluation.leaked_and_clean import LeakCounts, LeakedAndClean
from tumorlens.metrics.classification import Metrics
from tumorlens.metrics.segmentation import Segmentation


@dataclass(frozen=True)
class LeakageResult(LeakedAndClean):
    """Metrics of the leaked and of the clean images."""

    @property
    def caveats(self) -> tuple[str, ...]:
        """That the metrics of the whole are too high, and what those of the clean images are."""
        leaked = sum(self.leaked.support.values()) if self.leaked else 0
        clean = "no clean image is left to measure"
        if self.clean:
            accuracy = self.clean.overall.get("accuracy")
            clean = (
                f"on the other {self.images - leaked:,}"
                if accuracy is None
                else (f"accuracy on the other {self.images - leaked:,} is {accuracy.percent()}")
            )
        if self.clean_segmentation:
            clean += f", Dice {self.clean_segmentation.overall['dice']}"
        return (
            f"{leaked:,} of {self.images:,} images leak from train ({self.duplicates:,} have a duplicate there, "
            f"{self.patients:,} show a patient of train), so the metrics of the whole are too high; {clean}.",
        )

    @property
    def conclusions(self) -> tuple[str, ...]:
        """The same; leakage is never only a conclusion."""
        return self.caveats

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        counts = LeakCounts(
            with_duplicate_in_train=self.duplicates, with_patient_in_train=self.patients, images=self.images
        )
        return {
            **counts.model_dump(),
            "leaked": _plain(self.leaked, self.leaked_segmentation),
            "clean": _plain(self.clean, self.clean_segmentation),
        }


def _plain(metrics: Metrics | None, segmentation: Segmentation | None) -> dict[str, Any] | None:
    if metrics is None:
        return None
    return metrics.to_dict() | {"segmentation": segmentation.to_dict() if segmentation else None}
