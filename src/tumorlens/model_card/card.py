"""The model card (Mitchell et al. 2019, Model Cards for Model Reporting) inside a model file."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tumorlens._legacy import is_legacy, translate
from tumorlens.errors import ModelFileError
from tumorlens.metrics.detection import TumorDetection
from tumorlens.metrics.names import METRICS
from tumorlens.model_card.study_limit import StudyLimit
from tumorlens.model_card.training_provenance import TrainingProvenance
from tumorlens.report import notebook_html
from tumorlens.report.text import with_interval
from tumorlens.scan import InputGeometry
from tumorlens.scan.finding_rule import FindingRule
from tumorlens.stats.conformal import PredictionSets
from tumorlens.stats.estimate_record import EstimateRecord

KEY = "tumorlens"  # name of the card in the ONNX file's metadata
INTENDED_USE = (
    "Research on magnetic resonance slices of the head that resemble the training data. "
    "Not a medical device: not for diagnosis, treatment or triage."
)


class Parity(BaseModel):
    """Largest differences between ONNX Runtime and PyTorch, measured at export.

    Attributes:
        largest_difference: in the probability of a class.
        images: number of images, real and random.
        largest_mask_difference: in a pixel's probability of tumor; None where the network does not segment.
        mask_pixels_differ: share of mask pixels that differ after thresholding; None likewise.
        largest_ood_difference: in the OOD score, relative to it where it is above 1; None where the graph has no score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    largest_difference: float
    images: int
    largest_mask_difference: float | None = None
    mask_pixels_differ: float | None = None
    largest_ood_difference: float | None = None


class OODSummary(BaseModel):
    """How the OOD score was fitted, and how many in-distribution images it flags.

    Attributes:
        method: in words.
        fitted_on_images: training images.
        fitted_on_units: the patients, or images without a patient, they come from.
        validation_images: images that the threshold was fitted on.
        validation_units: the patients they come from.
        validation_kept: share of the validation subset that is not flagged, each patient with the same weight.
        flagged: share of the test subset that is flagged; None where the run was not evaluated.
        threshold_scale: factor of the threshold, fitted on the folds of a cross-validation; None where the threshold
            is from the validation subset alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    fitted_on_images: int
    fitted_on_units: int
    validation_images: int
    validation_units: int
    validation_kept: float
    flagged: EstimateRecord | None = None
    threshold_scale: float | None = None


class CalibrationSummary(BaseModel):
    """Temperature scaling: what the temperature was fitted on, and the calibration without and with it.

    Attributes:
        images: of the validation subset, or of all folds of a cross-validation.
        units: the patients, or images without a patient, they come from.
        reason: why the temperature is 1 where it could not be fitted, else None.
        before: ``"ece"`` and ``"brier"`` of the uncalibrated probabilities of the test subset, or of all folds; empty
            where the run was not evaluated.
        after: the same of the calibrated probabilities; a fold is calibrated with the temperature of the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int
    units: int
    reason: str | None = None
    before: dict[str, EstimateRecord] = {}
    after: dict[str, EstimateRecord] = {}


class ModelCard(BaseModel):
    """Facts about a model, stored as JSON in the metadata of its ONNX file. Older cards hold fewer.

    Attributes:
        schema_version: version of this layout.
        name: of the run.
        classes: output i is ``classes[i]``.
        input_geometry: how an image is laid on the square input.
        model: name of the architecture.
        parameters: number of weights, without those that are used in training only.
        temperature: of the softmax inside the graph.
        heatmap: whether the graph outputs class activation maps.
        segments: whether the graph outputs a tumor mask.
        methods: names of the explanation methods that need nothing but this file.
        weights_dtype: precision of the stored weights; the graph computes in float32.
        folds: number of folds where metrics, temperature and prediction sets are from a cross-validation of the same
            recipe; None where they are from the run's own validation and test subset.
        metrics: name -> estimate on the test subset; empty where the run was not evaluated.
        detection: sensitivity and specificity for any tumor, and predictive values at a prevalence; None where the
            classes do not tell, and in older cards.
        per_class: class -> name -> estimate on the test subset; empty likewise.
        confusion_matrix: (K, K) images of the test subset, rows: reference, columns: prediction; empty likewise.
        calibration: the temperature scaling.
        analyses: name of an analysis of the run -> its conclusions, one sentence each.
        ood: the fit of the output ``ood_score``; None without this output.
        prediction_sets: nonconformity quantiles for conformal prediction sets; None without a validation subset.
        finding_rule: what makes a finding in 3D of the masks of slices; None in older cards and without a mask.
        study_limit: what a finding must reach to count; None where none was set.
        tested_on: one line on the test data; empty where the run was not evaluated.
        caveats: what a reader must know before quoting a metric.
        training: data, split, network, settings and seed.
        parity: differences between ONNX Runtime and PyTorch.
        license: of the weights.
        attributions: authors and licenses of the data and of the initial weights, one line each.
        intended_use: and what the model is not for.
        versions: of the software that wrote it.

    Example:
        >>> import tumorlens
        >>> card = tumorlens.load("tiny").card
        >>> card
        ModelCard(tiny: efficientnet_lite0_short_unet, 4 classes, mask, accuracy 93.4 % (91.2 to 95.1))
        >>> card.metrics["accuracy"].estimate.evidence
        '3,481 images, 595 patients or single images'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    name: str
    classes: tuple[str, ...]
    input_geometry: InputGeometry
    model: str
    parameters: int
    temperature: float
    heatmap: bool
    segments: bool = False
    methods: tuple[str, ...] = ()
    weights_dtype: Literal["float32", "float16"] = "float32"
    folds: int | None = None
    metrics: dict[str, EstimateRecord]
    detection: TumorDetection | None = None
    per_class: dict[str, dict[str, EstimateRecord]] = {}
    confusion_matrix: tuple[tuple[int, ...], ...] = ()
    calibration: CalibrationSummary | None = None
    analyses: dict[str, tuple[str, ...]] = {}
    ood: OODSummary | None = None
    prediction_sets: PredictionSets | None = None
    finding_rule: FindingRule | None = None
    study_limit: StudyLimit | None = None
    tested_on: str
    caveats: tuple[str, ...]
    training: TrainingProvenance
    parity: Parity
    license: str
    attributions: tuple[str, ...] = ()
    intended_use: str = INTENDED_USE
    versions: dict[str, str]

    def __repr__(self) -> str:
        return f"ModelCard({self._summary()})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        known = [(METRICS[name], one.estimate) for name, one in self.metrics.items() if name in METRICS]
        facts = [(metric.title, with_interval(estimate, metric.percent)) for metric, estimate in known]
        facts += [
            ("tested on", self.tested_on),
            ("parameters", f"{self.parameters:,}"),
            ("license", self.license),
            ("caveats", f"{len(self.caveats)}, see caveats"),
        ]
        return notebook_html(self._summary(), facts, note=self.intended_use)

    def _summary(self) -> str:
        parts = [self.model, f"{len(self.classes)} classes", *(["mask"] if self.segments else [])]
        accuracy = self.metrics.get("accuracy")
        parts.append(f"accuracy {with_interval(accuracy.estimate, percent=True)}" if accuracy else "not evaluated")
        return f"{self.name}: {', '.join(parts)}"


def parse_card(metadata: dict[str, str], source: str) -> ModelCard:
    """Read the card from the metadata of an ONNX file.

    Args:
        metadata: of the file.
        source: the file, for errors.

    Raises:
        ModelFileError: there is no card, or it has another layout.
    """
    if KEY not in metadata:
        raise ModelFileError(
            file=source,
            found="an ONNX file without a tumorlens card",
            expected="a model file that 'tumorlens export RUN' made",
        )
    try:
        content = json.loads(metadata[KEY])
        return ModelCard.model_validate(translate(content) if is_legacy(content) else content)
    except (ValueError, KeyError) as error:  # pydantic's ValidationError is a ValueError
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = ".".join(str(part) for part in first["loc"])
        raise ModelFileError(
            file=source,
            found=f"its card does not fit this version of tumorlens ({where}: {first['msg']})",
            advice="export the run again, or install the version that made it",
        ) from None
