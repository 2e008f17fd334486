"""What an evaluation holds: metrics with intervals, results of analyses, and the evidence below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tumorlens._arrays import Floats, Floats32
from tumorlens._extras import require
from tumorlens.datasets import Sample
from tumorlens.errors import DataError, did_you_mean
from tumorlens.evaluation.analyses.analysis import AnalysisResult
from tumorlens.evaluation.evaluation_facts import EvaluationFacts, Given
from tumorlens.evaluation.image_rows import Cell, image_rows
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.metrics.classification import Metrics
from tumorlens.metrics.detection import TumorDetection
from tumorlens.metrics.names import METRICS
from tumorlens.metrics.segmentation import Segmentation
from tumorlens.report import RESEARCH_ONLY, notebook_html
from tumorlens.report.text import with_interval
from tumorlens.scan import Box
from tumorlens.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

SCHEMA_VERSION = 1
"""Of evaluation.json."""


@dataclass(frozen=True)
class TemperatureScaling:
    """Temperature scaling (Guo et al. 2017), fitted on the validation subset and on nothing else.

    Attributes:
        temperature: by which logits are divided; above 1 the network was overconfident.
        images: validation images it was fitted on.
        units: the patients (or images without one) they come from.
        reason: why it is 1 where it could not be fitted, else None.
    """

    temperature: float
    images: int
    units: int
    reason: str | None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One evaluation, and the evidence below it.

    Attributes:
        samples: the N samples, in order.
        logits: (N, K) of the network.
        probabilities: (N, K) after temperature scaling.
        metrics: of the calibrated probabilities.
        detection: whether there is a tumor at all; None where no class, or every class, is without tumor.
        before: of the probabilities without temperature scaling.
        nll: mean negative log likelihood, before and after temperature scaling.
        calibration: the temperature, and what it was fitted on.
        cams: for each sample its (K, h, w) class activation maps.
        boxes: for each sample the part of the image that those maps cover.
        masks: for each sample its predicted mask; empty where the network does not segment.
        segmentation: segmentation metrics; None where the network does not segment, or no image has a reference mask.
        analyses: name of an analysis -> its result, in the order of the registry.
        facts: run, data, split and their hashes.
        caveats: what a reader must know before quoting a number, each one sentence.
        given: what the metrics are computed from; only predictions of another tool can be less than probabilities.
        not_measured: metric or analysis -> why it is absent, one sentence.

    Example:
        >>> import tumorlens
        >>> run = tumorlens.load_run("run")  # the folder of a finished training on phantoms of 12 patients
        >>> evaluation = tumorlens.evaluate(run, analyses={"region_occlusion": False}, n_resamples=100)
        >>> list(evaluation.metrics.overall)
        ['accuracy', 'balanced_accuracy', 'macro_f1', 'weighted_f1', 'macro_auroc', 'brier', 'ece']
        >>> evaluation.metrics.overall["accuracy"].evidence
        '8 images, 4 patients'
    """

    samples: tuple[Sample, ...]
    logits: Floats
    probabilities: Floats
    metrics: Metrics
    detection: TumorDetection | None
    before: Metrics
    nll: tuple[float, float]
    calibration: TemperatureScaling
    cams: list[Floats32]
    boxes: list[Box]
    masks: list[PackedMask]
    segmentation: Segmentation | None
    analyses: Mapping[str, AnalysisResult]
    facts: EvaluationFacts
    caveats: tuple[str, ...]
    given: Given = "probabilities"
    not_measured: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Evaluation({self._summary()})"

    def _repr_html_(self) -> str:
        facts = [(METRICS[name].title, with_interval(one, METRICS[name].percent)) for name, one in self._headline()]
        facts += [
            (f"sensitivity, {name}", with_interval(one["sensitivity"], True))
            for name, one in self._classes()
            if "sensitivity" in one
        ]
        facts += [("evidence", self.facts.evidence), ("caveats", f"{len(self.caveats)}, see caveats")]
        return notebook_html(self._summary(), facts, note=RESEARCH_ONLY)

    def _headline(self) -> list[tuple[str, Estimate]]:
        """Name and estimate of the main metrics."""
        names = ("accuracy", "macro_f1", "macro_auroc", "ece")
        shown = [(name, self.metrics.overall[name]) for name in names if name in self.metrics.overall]
        return shown + ([("dice", self.segmentation.overall["dice"])] if self.segmentation else [])

    def _classes(self) -> list[tuple[str, dict[str, Estimate]]]:
        return [(name, self.metrics.per_class.get(name, {})) for name in self.metrics.classes]

    def _summary(self) -> str:
        name, estimate = self._headline()[0]
        found = f"{METRICS[name].title} {with_interval(estimate, METRICS[name].percent)}"
        return f"{self.facts.run} on {self.facts.data}, {self.facts.subset}: {self.facts.evidence}, {found}"

    def image_rows(self) -> tuple[list[str], list[list[Cell]]]:
        """The columns of predictions.csv, and one row per image; None where nothing is known."""
        return image_rows(self.samples, self.probabilities, self.metrics.classes, self.segmentation, self.given)

    def to_pandas(self) -> DataFrame:
        """One row per image, in the order of `samples`.

        The columns are those of predictions.csv: id, group, label, predicted, ``p_CLASS`` for each class, and for a
        segmentation the metrics of the mask; what is not known is NaN or None.

        Raises:
            MissingExtraError: pandas is not installed; tumorlens does not install it.
        """
        pandas = require("pandas", None, "make a data frame")
        columns, rows = self.image_rows()
        frame: DataFrame = pandas.DataFrame(rows, columns=list(columns))
        return frame

    def plot(self, kind: str = "confusion_matrix", ax: Axes | None = None) -> Axes:
        """Plot in matplotlib's current style.

        Args:
            kind: ``"confusion_matrix"``, ``"roc"``, ``"precision_recall"`` or ``"calibration"``.
            ax: empty Axes to plot on; new ones in a new figure by default.

        Returns:
            The Axes, whose labels, limits and artists can be changed.

        Raises:
            DataError: there is no such kind.
        """
        from tumorlens.evaluation.evaluation_charts import CHARTS, known_charts

        if kind not in CHARTS:
            raise DataError(
                found=f"plot '{kind}' found", expected=f"one of {', '.join(CHARTS)}", advice=did_you_mean(kind, CHARTS)
            )
        if kind not in known_charts(self):
            raise DataError(
                found=f"plot '{kind}' of predictions that are {self.given} alone",
                expected="class probabilities" if self.given == "classes" else "classes or class probabilities",
            )
        return CHARTS[kind](self).plot(ax)

    def _calibration(self) -> dict[str, Any]:
        """Temperature scaling, and the metrics before and after it."""
        names, scaling = ("brier", "ece"), self.calibration
        return {
            "temperature": scaling.temperature,
            "images": scaling.images,
            "units": scaling.units,
            "not_fitted_because": scaling.reason,
            "before": {k: self.before.overall[k].to_dict() for k in names} | {"nll": self.nll[0]},
            "after": {k: self.metrics.overall[k].to_dict() for k in names} | {"nll": self.nll[1]},
        }

    def to_dict(self) -> dict[str, Any]:
        """What evaluation.json holds."""
        return {
            "schema_version": SCHEMA_VERSION,
            **self.facts.model_dump(mode="json"),
            "caveats": list(self.caveats),
            "not_measured": dict(self.not_measured),
            "calibration": self._calibration() if self.given == "probabilities" else None,
            "detection": self.detection.model_dump(mode="json") if self.detection else None,
            "segmentation": self.segmentation.to_dict() if self.segmentation else None,
            "analyses": {
                name: result.to_dict() | {"conclusions": list(result.conclusions), "caveats": list(result.caveats)}
                for name, result in self.analyses.items()
            },
            **self.metrics.to_dict(),
        }


def most_confident_errors(evaluation: Evaluation, count: int) -> Sequence[int]:
    """Positions of the misclassified images, the highest probability of the wrong class first."""
    index = {name: i for i, name in enumerate(evaluation.metrics.classes)}
    labels = np.array([index[s.label] for s in evaluation.samples])
    predicted = evaluation.probabilities.argmax(1)
    wrong = np.flatnonzero(predicted != labels)
    confidence = evaluation.probabilities[wrong, predicted[wrong]]
    return [int(i) for i in wrong[np.argsort(-confidence, kind="stable")][:count]]
