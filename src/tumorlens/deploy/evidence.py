"""run -> the metrics for its card: from its own test subset, or from a cross-validation of the same recipe and data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tumorlens.errors import RunError
from tumorlens.evaluation import weights_hash
from tumorlens.experiments.cross_validation.cross_validation_files import CROSS_VALIDATION
from tumorlens.metrics.detection import TumorDetection
from tumorlens.model_card.card import CalibrationSummary
from tumorlens.stats.conformal import NonconformityQuantiles, PredictionSets
from tumorlens.stats.estimate_record import EstimateRecord
from tumorlens.training import Run

_FREE = ("name", "description", "precision")  # keys of a recipe in which a run and its cross-validation may differ


@dataclass(frozen=True)
class CardEvidence:
    """An evaluation or a cross-validation of a run, as its card reports it.

    Attributes:
        evaluation: the content of evaluation.json or cross_validation.json.
    """

    evaluation: dict[str, Any]

    @property
    def folds(self) -> int | None:
        """Number of folds; None for an evaluation on the run's own test subset."""
        return len(self.evaluation["folds"]) if "folds" in self.evaluation else None

    @property
    def temperature(self) -> float:
        """Of the softmax."""
        return float(self.evaluation["calibration"]["temperature"])

    @property
    def calibration(self) -> CalibrationSummary:
        """Calibration without and with the temperature."""
        known = self.evaluation["calibration"]
        before, after = ({name: known[when][name] for name in ("ece", "brier")} for when in ("before", "after"))
        return CalibrationSummary(
            images=known["images"],
            units=known["units"],
            reason=known["not_fitted_because"],
            before=before,
            after=after,
        )

    @property
    def prediction_sets(self) -> PredictionSets | None:
        """Nonconformity quantiles of all folds; None without a cross-validation."""
        known = self.evaluation.get("prediction_sets")
        if not known:
            return None
        quantiles = {
            name: NonconformityQuantiles(each["units"], tuple(each["scores"]), tuple(each["errors"]))
            for name, each in known["quantiles"].items()
        }
        return PredictionSets(quantiles, known["unit"])

    @property
    def threshold_scale(self) -> float | None:
        """Factor of the OOD threshold, fitted on the folds; None without a cross-validation."""
        known = self._analyses.get("ood", {}).get("threshold_scale")
        return None if known is None else float(known)

    @property
    def flagged(self) -> EstimateRecord | None:
        """Share of the test images that are flagged as out-of-distribution; None where that was not measured."""
        known = self._analyses.get("ood")
        return EstimateRecord(**known.get("flagged_beyond", known["flagged"])) if known else None

    @property
    def metrics(self) -> dict[str, EstimateRecord]:
        """Over all images: classification, then segmentation."""
        return _estimates(self.evaluation["overall"] | self._segmentation.get("overall", {}))

    @property
    def detection(self) -> TumorDetection | None:
        """Whether there is a tumor at all; None where the classes do not tell, and in older evaluations."""
        known = self.evaluation.get("detection")
        return TumorDetection.model_validate(known) if known else None

    @property
    def per_class(self) -> dict[str, dict[str, EstimateRecord]]:
        """The same of each class."""
        segmentation = self._segmentation.get("per_class", {})
        return {
            name: _estimates(metrics | segmentation.get(name, {}))
            for name, metrics in self.evaluation["per_class"].items()
        }

    @property
    def confusion_matrix(self) -> tuple[tuple[int, ...], ...]:
        """(K, K), rows: reference, columns: prediction."""
        return tuple(tuple(row) for row in self.evaluation["confusion_matrix"])

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know before quoting a metric, one sentence each."""
        return tuple(self.evaluation["caveats"])

    @property
    def tested_on(self) -> str:
        """One line on the test data and on the intervals."""
        facts = self.evaluation
        subset = f"{facts['subset']} subset"
        if self.folds:
            subset = f"{self.folds} folds, each predicted by a network of this recipe that was trained without it"
        line = (
            f"{facts['data']}, {subset}: {facts['evidence']}; 95 % intervals by bootstrap, {facts['n_resamples']} "
            f"resamples, seed {facts['seed']}"
        )
        unit = self._segmentation.get("distance_unit")
        return f"{line}; distances in {unit}" if unit else line

    @property
    def analyses(self) -> dict[str, tuple[str, ...]]:
        """Name of an analysis -> its conclusions, one sentence each."""
        return {name: tuple(result["conclusions"]) for name, result in self._analyses.items() if result["conclusions"]}

    @property
    def _analyses(self) -> dict[str, dict[str, Any]]:
        """Name of an analysis -> its result; empty where none was made."""
        known: dict[str, dict[str, Any]] = self.evaluation.get("analyses") or {}
        return known

    @property
    def _segmentation(self) -> dict[str, Any]:
        """Metrics of the masks; empty where none were measured."""
        known: dict[str, Any] = self.evaluation.get("segmentation") or {}
        return known


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
    evaluation: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    same = evaluation.get("weights") == weights_hash(run) and evaluation["split_hash"] == run.record.split_hash
    return CardEvidence(evaluation) if same and evaluation["subset"] == "test" else None


def _estimates(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, EstimateRecord]:
    return {name: EstimateRecord(**estimate) for name, estimate in metrics.items()}


def _read_cross_validation(run: Run, folder: Path) -> dict[str, Any]:
    path = folder / CROSS_VALIDATION
    if not path.is_file():
        raise RunError(file=path, found="no such file", expected="the folder that 'tumorlens train --fold all' wrote")
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        other, data = _flat(content["recipe_settings"]), content["data_fingerprint"]
        _ = CardEvidence(content).threshold_scale
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            file=path,
            found=f"damaged, or of an older version ({error!r})",
            advice="measure again with: tumorlens train --fold all --resume",
        ) from None
    own = _flat(run.settings())
    for key in sorted(other.keys() | own.keys()):
        if key not in _FREE and other.get(key) != own.get(key):
            raise RunError(
                file=folder,
                found=f"cross-validation of another recipe: {key} is {other.get(key)!r}, and {own.get(key)!r} in "
                f"{run.folder}",
                expected="the same recipe, since the metrics of another do not hold for this run",
            )
    if data != run.record.data_fingerprint:
        raise RunError(
            file=folder, found=f"cross-validation on other data than that of {run.folder}", expected="the same data"
        )
    return content


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys, joined by dots as on the command line."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
