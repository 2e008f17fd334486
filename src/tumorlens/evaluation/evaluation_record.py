"""evaluation.json -> a typed record: facts, metrics, calibration, segmentation, and what the analyses found."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from tumorlens.evaluation.evaluation_facts import EvaluationFacts, PredictionsFacts
from tumorlens.metrics.detection import TumorDetection
from tumorlens.metrics.overlap import DistanceUnit
from tumorlens.stats.estimate_record import EstimateRecord


class _EvaluationPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CalibrationMetrics(_EvaluationPart):
    """How well probabilities are calibrated.

    Attributes:
        brier: Brier score.
        ece: expected calibration error.
        nll: mean negative log likelihood; None where it is infinite.
    """

    brier: EstimateRecord
    ece: EstimateRecord
    nll: float | None


class CalibrationRecord(_EvaluationPart):
    """Temperature scaling, and the calibration without and with it.

    Attributes:
        temperature: by which logits are divided.
        images: validation images it was fitted on.
        units: the patients (or images without one) they come from.
        not_fitted_because: why it is 1 where it could not be fitted, else None.
        before: of the measured images without temperature scaling.
        after: of the same images with it.
    """

    temperature: float
    images: int
    units: int
    not_fitted_because: str | None
    before: CalibrationMetrics
    after: CalibrationMetrics


class SegmentationRecord(_EvaluationPart):
    """Segmentation metrics, as `tumorlens.metrics.segmentation.Segmentation` defines them.

    Attributes:
        masks: images with a reference mask.
        empty: reference masks that show no tumor.
        missed: reference masks that show a tumor of which no pixel is predicted.
        boxes: reference masks that are one filled rectangle.
        healthy: images without a reference mask, of a class without tumor.
        healthy_segmented: those in which something is predicted.
        distance_unit: of `hd95` and `tolerance`.
        tolerance: of surface Dice.
        overall: metric -> estimate.
        per_class: class -> metric -> estimate.
        medians: ``"all"`` and class -> metric -> median over the images with a reference mask.
    """

    masks: int
    empty: int
    missed: int
    boxes: int
    healthy: int
    healthy_segmented: int
    distance_unit: DistanceUnit
    tolerance: float
    overall: dict[str, EstimateRecord]
    per_class: dict[str, dict[str, EstimateRecord]]
    medians: dict[str, dict[str, float | None]]


class AnalysisRecord(BaseModel):
    """The result of one analysis. What else it holds is open, since analyses come from a registry.

    Attributes:
        conclusions: what was found, one sentence each.
        caveats: what a reader must know before quoting a metric of the run, one sentence each.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    conclusions: tuple[str, ...]
    caveats: tuple[str, ...]

    @property
    def own(self) -> dict[str, JsonValue]:
        """The keys that only this analysis has."""
        return self.model_extra or {}


class EvaluationRecord(EvaluationFacts):
    """What evaluation.json holds; facts come first.

    Attributes:
        schema_version: of the file.
        caveats: what a reader must know before quoting a number.
        not_measured: metric or analysis -> why it is absent; empty in older files.
        calibration: temperature, what it was fitted on, and calibration metrics before and after.
        detection: whether there is a tumor at all; None where the classes do not tell, and in older files.
        segmentation: segmentation metrics; None where there are none.
        analyses: name of an analysis -> its result.
        classes: class names in output order.
        overall: metric -> estimate.
        per_class: class -> metric -> estimate.
        confusion_matrix: (K, K) images; rows are the reference, columns the prediction.
        support: class -> images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1]
    caveats: tuple[str, ...]
    not_measured: dict[str, str] = Field(default_factory=dict)
    calibration: CalibrationRecord
    detection: TumorDetection | None = None
    segmentation: SegmentationRecord | None
    analyses: dict[str, AnalysisRecord]
    classes: tuple[str, ...]
    overall: dict[str, EstimateRecord]
    per_class: dict[str, dict[str, EstimateRecord]]
    confusion_matrix: tuple[tuple[int, ...], ...]
    support: dict[str, int]


class PredictionsRecord(PredictionsFacts, EvaluationRecord):
    """What evaluation.json holds of predictions of another tool.

    Attributes:
        calibration: None where the predictions are no probabilities.
    """

    calibration: CalibrationRecord | None  # type: ignore[assignment]
