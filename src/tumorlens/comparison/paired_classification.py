"""Two lists of predictions for the same images -> Comparison: paired differences in accuracy, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats
from tumorlens.comparison.comparison_facts import ComparedRunFacts, ComparisonFacts
from tumorlens.comparison.paired_segmentation import SegmentationDifference, difference_range
from tumorlens.errors import DataError
from tumorlens.metrics.names import METRICS
from tumorlens.report.text import points
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate, mcnemar, paired_difference

SIGNIFICANT = 0.05
MOST_UNDEFINED = 0.05  # largest share of bootstrap samples without a value
SCHEMA_VERSION = 1
TEST = "McNemar, exact binomial, two-sided"


@dataclass(frozen=True)
class ComparedRun:
    """One of two compared runs.

    Attributes:
        name: of the run's folder.
        accuracy: share of the compared images that the run classifies correctly.
        balanced_accuracy: mean of the sensitivities of the classes that occur.
        only_correct: number of images that this run classifies correctly and the other does not.
        facts: model, recipe, training seed, weights and split hash; None for predictions without a run.
    """

    name: str
    accuracy: Estimate
    balanced_accuracy: Estimate
    only_correct: int
    facts: ComparedRunFacts | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        metrics = {key: getattr(self, key).to_dict() for key in ("accuracy", "balanced_accuracy")}
        return {"name": self.name, **_keys(self.facts), **metrics, "only_correct": self.only_correct}


@dataclass(frozen=True)
class Comparison:
    """Two runs, compared on the same images.

    Attributes:
        first: the reference.
        second: the other run.
        accuracy: accuracy of the second minus that of the first, from the same bootstrap samples.
        balanced_accuracy: the same difference for balanced accuracy.
        p_value: of McNemar's test. The test assumes independent images, so it is too small where patients have several.
        segmentation: difference between the predicted masks; None where they are not compared.
        caveats: limitations of the comparison, each one to three sentences.
        facts: dataset, subset, bootstrap samples and seed; None for predictions without runs.
    """

    first: ComparedRun
    second: ComparedRun
    accuracy: Estimate
    balanced_accuracy: Estimate
    p_value: float
    segmentation: SegmentationDifference | None = None
    caveats: tuple[str, ...] = ()
    facts: ComparisonFacts | None = None

    def __repr__(self) -> str:
        difference = f"accuracy {points(self.accuracy)}, p = {self.p_value:.2g}"
        return f"Comparison({self.second.name} - {self.first.name}: {self.accuracy.n:,} images, {difference})"

    @property
    def conclusion(self) -> str:
        """The conclusion about accuracy in one to three sentences."""
        name, discordant = METRICS["accuracy"].title, self.first.only_correct + self.second.only_correct
        if not discordant:
            return f"Both classify the same images correctly: no difference in {name} is shown."
        low, high = self.accuracy.low, self.accuracy.high
        if low is None or high is None:
            return "All bootstrap samples give the same difference, so there is no interval and no conclusion."
        if low <= 0 <= high:
            return (
                f"The interval of the difference includes 0: no difference in {name} is shown. This does not prove "
                f"equality: differences from {difference_range('accuracy', low, high)} are compatible with these "
                "images." + self._balanced_accuracy_note()
            )
        if self.p_value >= SIGNIFICANT:
            return (
                f"The interval excludes 0, but only {discordant} images are discordant, too few for McNemar's "
                f"test (p = {self.p_value:.2g}): no difference in {name} is shown."
            )
        better, worse = (self.second, self.first) if low > 0 else (self.first, self.second)
        return f"The interval of the difference excludes 0: {better.name} is more accurate than {worse.name}."

    def _balanced_accuracy_note(self) -> str:
        """A note where balanced accuracy differs although accuracy does not."""
        low, high = self.balanced_accuracy.low, self.balanced_accuracy.high
        if low is None or high is None or low <= 0 <= high:
            return ""
        name = METRICS["balanced_accuracy"].title
        return f" The interval for {name} excludes 0; base a claim on the metric that was chosen beforehand."

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            **_keys(self.facts),
            "images": self.accuracy.n,
            "unit": self.accuracy.unit,
            "units": self.accuracy.units,
            "evidence": self.accuracy.evidence,
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "difference": {
                "accuracy": self.accuracy.to_dict(),
                "balanced_accuracy": self.balanced_accuracy.to_dict(),
            },
            "mcnemar": {
                "test": TEST,
                "only_first_correct": self.first.only_correct,
                "only_second_correct": self.second.only_correct,
                "p_value": self.p_value,
            },
            "segmentation": (
                self.segmentation.to_dict()
                | {"conclusion": self.segmentation.conclusion(self.first.name, self.second.name)}
                if self.segmentation
                else None
            ),
            "conclusion": self.conclusion,
            "caveats": list(self.caveats),
        }


def compare_predictions(
    labels: Sequence[str],
    first: Sequence[str],
    second: Sequence[str],
    bootstrap: ClusterBootstrap,
    *,
    names: tuple[str, str] = ("first", "second"),
) -> Comparison:
    """Compare two lists of predicted classes, for example of other programs; the result has no caveats.

    Args:
        labels: the reference class of each of N images.
        first: the class that the first program predicts for each image.
        second: the class that the second program predicts.
        bootstrap: sampling units of the images.
        names: of the two programs.

    Raises:
        DataError: there are no images, or the lists have different lengths.
    """
    counts = {len(labels), len(first), len(second), len(bootstrap)}
    if len(counts) > 1:
        raise DataError(
            found=f"{len(labels)} labels, {len(first)} and {len(second)} predictions, {len(bootstrap)} sampling units",
            expected="one of each for each image",
        )
    reference = np.asarray(labels, dtype=str)
    correct = [reference == np.asarray(predicted, dtype=str) for predicted in (first, second)]
    resampled = BootstrapDraws.draw(bootstrap)
    everyone = np.full(len(reference), True)
    images = resampled.sums(np.ones(len(reference)))
    balanced = [_macro_recall(resampled, reference, one) for one in correct]
    runs = [
        ComparedRun(
            name=name,
            accuracy=resampled.proportion(resampled.sums(one) / images, everyone),
            balanced_accuracy=_balanced(resampled, recall),
            only_correct=int((one & ~other).sum()),
        )
        for name, one, other, recall in zip(names, correct, correct[::-1], balanced, strict=True)
    ]
    return Comparison(
        first=runs[0],
        second=runs[1],
        accuracy=paired_difference(correct[0], correct[1], bootstrap),
        balanced_accuracy=_balanced(resampled, balanced[1] - balanced[0]),
        p_value=mcnemar(runs[0].only_correct, runs[1].only_correct),
    )


def _keys(facts: ComparedRunFacts | ComparisonFacts | None) -> dict[str, Any]:
    return facts.model_dump(mode="json") if facts else {}


def _balanced(resampled: BootstrapDraws, column: Floats) -> Estimate:
    """The estimate; it has no interval where many bootstrap samples lack a class, since the others are biased."""
    estimate = resampled.estimate(column)
    if np.isnan(column[1:]).mean() <= MOST_UNDEFINED:
        return estimate
    return replace(estimate, low=None, high=None, method="none")


def _macro_recall(resampled: BootstrapDraws, reference: npt.NDArray[np.str_], correct: Flags) -> Floats:
    """(1 + B,) mean sensitivity of the classes that occur; NaN in a bootstrap sample that lacks one of them."""
    member = reference[:, None] == np.unique(reference)
    images = resampled.sums(member)
    recall = np.full(images.shape, np.nan)
    np.divide(resampled.sums(member & correct[:, None]), images, out=recall, where=images > 0)
    return np.asarray(recall.mean(axis=1))
