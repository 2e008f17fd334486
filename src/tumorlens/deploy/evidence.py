"""run -> the metrics for its card: from its own test subset, or from a cross-validation of the same recipe and data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from tumorlens.errors import RunError
from tumorlens.evaluation import weights_hash
from tumorlens.evaluation.evaluation_record import EvaluationRecord
from tumorlens.experiments.cross_validation.cross_validation_files import CROSS_VALIDATION
from tumorlens.metrics.detection import TumorDetection
from tumorlens.model_card.card import CalibrationSummary
from tumorlens.stats.conformal import PredictionSets
from tumorlens.stats.estimate_record import EstimateRecord
from tumorlens.training import Run

_FREE = ("name", "description", "precision")  # keys of a recipe in which a run and its cross-validation may differ


class _FoldPart(BaseModel):
    """One fold of a cross-validation; the card counts them."""

    model_config = ConfigDict(frozen=True, extra="allow")


class CrossValidationRecord(EvaluationRecord):
    """What cross_validation.json holds: the pooled evaluation, and what only several folds give.

    Attributes:
        prediction_sets: nonconformity quantiles of all folds.
        recipe_settings: all values of the recipe.
        validation: metric -> value over the validation subsets of all folds.
        folds: one entry a fold.
    """

    prediction_sets: PredictionSets
    recipe_settings: dict[str, JsonValue]
    validation: dict[str, float]
    folds: tuple[_FoldPart, ...]


class _OODPart(BaseModel):
    """What the card takes of the analysis of out-of-distribution images.

    Attributes:
        flagged: share of the test images above the threshold of their run.
        flagged_beyond: the same above the scaled threshold of all other folds; None without a cross-validation.
        threshold_scale: factor of the threshold; None without a cross-validation.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    flagged: EstimateRecord
    flagged_beyond: EstimateRecord | None = None
    threshold_scale: float | None = None


@dataclass(frozen=True)
class CardEvidence:
    """An evaluation or a cross-validation of a run, as its card reports it.

    Attributes:
        evaluation: the content of evaluation.json or cross_validation.json.
    """

    evaluation: EvaluationRecord | CrossValidationRecord

    @property
    def folds(self) -> int | None:
        """Number of folds; None for an evaluation on the run's own test subset."""
        return len(self.evaluation.folds) if isinstance(self.evaluation, CrossValidationRecord) else None

    @property
    def temperature(self) -> float:
        """Of the softmax."""
        return self.evaluation.calibration.temperature

    @property
    def calibration(self) -> CalibrationSummary:
        """Calibration without and with the temperature."""
        known = self.evaluation.calibration
        before, after = ({"ece": each.ece, "brier": each.brier} for each in (known.before, known.after))
        return CalibrationSummary(
            images=known.images, units=known.units, reason=known.not_fitted_because, before=before, after=after
        )

    @property
    def prediction_sets(self) -> PredictionSets | None:
        """Nonconformity quantiles of all folds; None without a cross-validation."""
        return self.evaluation.prediction_sets if isinstance(self.evaluation, CrossValidationRecord) else None

    @property
    def threshold_scale(self) -> float | None:
        """Factor of the OOD threshold, fitted on the folds; None without a cross-validation."""
        return self._ood.threshold_scale if self._ood else None

    @property
    def flagged(self) -> EstimateRecord | None:
        """Share of the test images that are flagged as out-of-distribution; None where that was not measured."""
        return (self._ood.flagged_beyond or self._ood.flagged) if self._ood else None

    @property
    def metrics(self) -> dict[str, EstimateRecord]:
        """Over all images: classification, then segmentation."""
        segmentation = self.evaluation.segmentation
        return self.evaluation.overall | (segmentation.overall if segmentation else {})

    @property
    def detection(self) -> TumorDetection | None:
        """Whether there is a tumor at all; None where the classes do not tell, and in older evaluations."""
        return self.evaluation.detection

    @property
    def per_class(self) -> dict[str, dict[str, EstimateRecord]]:
        """The same of each class."""
        segmentation = self.evaluation.segmentation.per_class if self.evaluation.segmentation else {}
        return {name: metrics | segmentation.get(name, {}) for name, metrics in self.evaluation.per_class.items()}

    @property
    def confusion_matrix(self) -> tuple[tuple[int, ...], ...]:
        """(K, K), rows: reference, columns: prediction."""
        return self.evaluation.confusion_matrix

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know before quoting a metric, one sentence each."""
        return self.evaluation.caveats

    @property
    def tested_on(self) -> str:
        """One line on the test data and on the intervals."""
        facts = self.evaluation
        subset = f"{facts.subset} subset"
        if self.folds:
            subset = f"{self.folds} folds, each predicted by a network of this recipe that was trained without it"
        line = (
            f"{facts.data}, {subset}: {facts.evidence}; 95 % intervals by bootstrap, {facts.n_resamples} "
            f"resamples, seed {facts.seed}"
        )
        return f"{line}; distances in {facts.segmentation.distance_unit}" if facts.segmentation else line

    @property
    def analyses(self) -> dict[str, tuple[str, ...]]:
        """Name of an analysis -> its conclusions, one sentence each."""
        return {name: result.conclusions for name, result in self.evaluation.analyses.items() if result.conclusions}

    @property
    def _ood(self) -> _OODPart | None:
        """The analysis of out-of-distribution images; None where it was not made."""
        known = self.evaluation.analyses.get("ood")
        return _OODPart.model_validate(known.own) if known else None


def read_evidence(run: Run, cross_validation: Path | None = None) -> CardEvidence | None:
    """Read the evaluation of a run, or a cross-validation in its place.

    Args:
        run: a finished run.
        cross_validation: folder of `tumorlens train --fold all`.

    Returns:
        None where the present weights were not evaluated on the run's own test subset.

    Raises:
        RunError: there is no cross-validation in the folder, or it is of another recipe or other data.
    """
    if cross_validation is not None:
        return CardEvidence(_read_cross_validation(run, cross_validation))
    path = run.evaluation_folder() / "evaluation.json"
    if not path.is_file():
        return None
    evaluation = _read(path, EvaluationRecord, f"tumorlens evaluate {run.folder}")
    same = evaluation.weights == weights_hash(run) and evaluation.split_hash == run.record.split_hash
    return CardEvidence(evaluation) if same and evaluation.subset == "test" else None


RecordType = TypeVar("RecordType", bound=EvaluationRecord)


def _read(path: Path, kind: type[RecordType], again: str) -> RecordType:
    """Read a record.

    Raises:
        RunError: the file is damaged, or of an older version; advises to measure again.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key) for key in first["loc"])
        raise RunError(
            file=path,
            found=f"damaged, or of an older version ({place + ': ' if place else ''}{first['msg']})",
            advice=f"measure again with: {again}",
        ) from None


def _read_cross_validation(run: Run, folder: Path) -> CrossValidationRecord:
    path = folder / CROSS_VALIDATION
    if not path.is_file():
        raise RunError(file=path, found="no such file", expected="the folder that 'tumorlens train --fold all' wrote")
    content = _read(path, CrossValidationRecord, "tumorlens train --fold all --resume")
    other, own = _flat(content.recipe_settings), _flat(run.settings())
    for key in sorted(other.keys() | own.keys()):
        if key not in _FREE and other.get(key) != own.get(key):
            raise RunError(
                file=folder,
                found=f"cross-validation of another recipe: {key} is {other.get(key)!r}, and {own.get(key)!r} in "
                f"{run.folder}",
                expected="the same recipe, since the metrics of another do not hold for this run",
            )
    if content.data_fingerprint != run.record.data_fingerprint:
        raise RunError(
            file=folder, found=f"cross-validation on other data than that of {run.folder}", expected="the same data"
        )
    return content


def _flat(settings: Mapping[str, JsonValue], prefix: str = "") -> dict[str, JsonValue]:
    """Nested keys, joined by dots as on the command line."""
    flat: dict[str, JsonValue] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
