"""The faithfulness of the heat maps of a run: metrics, their meaning, and the rows of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tumorlens._arrays import Flags, Floats
from tumorlens.datasets import Sample
from tumorlens.evaluation import EvaluationFacts
from tumorlens.explanation.faithfulness.sanity_checks import SanityCheck
from tumorlens.report.text import points, signed, with_interval
from tumorlens.stats import Estimate

FAITHFULNESS_SCHEMA_VERSION = 1
"""Of faithfulness.json."""

SANITY_FAILED = "FAILS the sanity check"
MetricEstimates = dict[str, Estimate]
"""Key of `FAITHFULNESS_METRICS` -> estimate."""


@dataclass(frozen=True)
class FaithfulnessMetric:
    """A metric of an explanation method.

    Attributes:
        title: its name in tables.
        lower_is_better: whether a lower value is better.
        meaning: a definition for readers who do not know the metric.
        percent: whether it is a share of the images, and written in percent.
    """

    title: str
    lower_is_better: bool
    meaning: str
    percent: bool = False

    def text(self, estimate: Estimate) -> str:
        """A value with its interval."""
        return with_interval(estimate, self.percent)

    def difference(self, estimate: Estimate) -> str:
        """A difference between two values, with its sign and its interval."""
        return points(estimate) if self.percent else signed(estimate)


FAITHFULNESS_METRICS = {
    "pointing_game": FaithfulnessMetric(
        "pointing game",
        False,
        "Proportion of images in which the maximum of the map lies inside the tumor (Zhang et al. 2016), without the "
        "tolerance of 15 pixels of the paper. Where several pixels share the maximum, the fraction of them inside "
        "counts. The metric uses one pixel and ignores the rest of the map.",
        percent=True,
    ),
    "relevance_mass_accuracy": FaithfulnessMetric(
        "relevance mass accuracy",
        False,
        "Fraction of the sum of the map that lies inside the reference mask (Arras et al. 2022; the energy of Wang et "
        "al. 2020). A constant map gets the tumor's fraction of the image, a few percent, and a constant disc twice as "
        "wide as the tumor 0.25: compare with the control maps and not with 1.",
    ),
    "iou": FaithfulnessMetric(
        "IoU at 0.5",
        False,
        "Intersection over union of the reference mask and the pixels with at least half of the maximum of the map.",
    ),
    "best_iou": FaithfulnessMetric(
        "IoU at best threshold",
        False,
        "The same at the threshold with the highest mean, one threshold for all images of a method. It was chosen on "
        "these images, so the value is optimistic, and its interval does not cover the choice.",
    ),
    "insertion": FaithfulnessMetric(
        "insertion",
        False,
        "Start with the blurred image, insert its pixels from the highest value of the map to the lowest, and average "
        "the probability of the predicted class (Petsiuk et al. 2018). High: the pixels with high values suffice. The "
        "metric measures what the network uses, not where the tumor is.",
    ),
    "deletion": FaithfulnessMetric(
        "deletion",
        True,
        "The reverse: blur the pixels of the image from the highest value of the map to the lowest. Low is good: "
        "without the pixels with high values the network soon changes its prediction. Insertion and deletion depend on "
        "the robustness of the network to blur, so they compare methods of one network, not networks.",
    ),
}
"""The metrics of a method, in the order of tables."""


class FaithfulnessFacts(EvaluationFacts):
    """The evidence of a faithfulness measurement; these are the first keys of faithfulness.json.

    Attributes:
        with_tumor: number of images whose reference mask shows a tumor; `images` of them were measured.
        misclassified: number of measured images whose predicted class is wrong; the map explains the predicted class.
        steps: of insertion and deletion.
    """

    with_tumor: int
    misclassified: int
    steps: int


@dataclass(frozen=True)
class ControlDifference:
    """A method minus the best control map, on the same images.

    Attributes:
        control: name of that control map.
        difference: paired, with its interval.
        better: whether the whole interval lies on the better side of 0.
    """

    control: str
    difference: Estimate
    better: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"control": self.control, "difference": self.difference.to_dict(), "better": self.better}


@dataclass(frozen=True, eq=False)
class MapScores:
    """The scores of one method or control map for each image.

    Attributes:
        values: metric -> (N,) scores.
        threshold: of ``"best_iou"``.
        blank: (N,) whether the map is 0 everywhere; blank maps count with a localization of 0.
    """

    values: dict[str, Floats]
    threshold: float
    blank: Flags


@dataclass(frozen=True, eq=False)
class FaithfulnessRow:
    """One row of the table.

    Attributes:
        name: of the method or control map.
        title: its name in tables.
        description: where its map has high values.
        control: whether it is a control map, made without the network.
        scores: of each image.
        metrics: metric -> estimate over all images.
        per_class: class -> metric -> estimate.
        control_differences: metric -> comparison of a method with the best control map.
        sanity_check: of a method; None for a control map, which depends on no weights.
    """

    name: str
    title: str
    description: str
    control: bool
    scores: MapScores
    metrics: MetricEstimates
    per_class: dict[str, MetricEstimates]
    control_differences: dict[str, ControlDifference] = field(default_factory=dict)
    sanity_check: SanityCheck | None = None

    @property
    def fails(self) -> bool:
        """Whether the method fails the sanity check."""
        return self.sanity_check is not None and self.sanity_check.fails

    @property
    def title_with_verdict(self) -> str:
        """The title, followed by the verdict where the method fails."""
        return f"{self.title}: {SANITY_FAILED}" if self.fails else self.title

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "title": self.title,
            "description": self.description,
            "control": self.control,
            "fails_sanity_check": self.fails,
            "metrics": _to_dict(self.metrics),
            "best_threshold": self.scores.threshold,
            "blank_maps": int(self.scores.blank.sum()),
            "per_class": {label: _to_dict(metrics) for label, metrics in self.per_class.items()},
            "control_differences": {key: one.to_dict() for key, one in self.control_differences.items()},
            "sanity_check": self.sanity_check.to_dict() if self.sanity_check else None,
        }


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Faithfulness and localization of all heat maps of a run.

    Attributes:
        samples: the N measured images.
        predicted: for each the predicted class, which is also the explained one.
        probabilities: (N,) of that class, calibrated.
        blurred_probabilities: (N,) of that class when the whole image is blurred.
        tumor_fractions: (N,) fraction of each image that is tumor: the expected pointing game and relevance mass
            accuracy of a constant map.
        rows: methods, then control maps.
        facts: run, data, split and settings.
        caveats: what a reader must know before quoting a number.
    """

    samples: tuple[Sample, ...]
    predicted: tuple[str, ...]
    probabilities: Floats
    blurred_probabilities: Floats
    tumor_fractions: Floats
    rows: tuple[FaithfulnessRow, ...]
    facts: FaithfulnessFacts
    caveats: tuple[str, ...]

    def __repr__(self) -> str:
        methods = ", ".join(row.name for row in self.methods)
        return f"Faithfulness({self.facts.run} on {self.facts.data}: {len(self.samples):,} images, {methods})"

    @property
    def methods(self) -> list[FaithfulnessRow]:
        """The rows of explanation methods, without control maps."""
        return [row for row in self.rows if not row.control]

    def to_dict(self) -> dict[str, Any]:
        """What faithfulness.json holds."""
        return {
            "schema_version": FAITHFULNESS_SCHEMA_VERSION,
            **self.facts.model_dump(mode="json"),
            "caveats": list(self.caveats),
            "probability": {
                "original": float(self.probabilities.mean()),
                "blurred": float(self.blurred_probabilities.mean()),
            },
            "tumor_fraction": float(self.tumor_fractions.mean()),
            "methods": {row.name: row.to_dict() for row in self.rows},
        }


def _to_dict(metrics: MetricEstimates) -> dict[str, Any]:
    return {key: estimate.to_dict() for key, estimate in metrics.items()}
