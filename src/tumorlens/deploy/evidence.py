"""Run -> the figures for its card: of its own test part, or of a cross-validation of the same recipe and data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tumorlens.errors import RunError
from tumorlens.evaluation import weights_hash
from tumorlens.model_card.card import CalibrationSummary
from tumorlens.stats.conformal import NonconformityQuantiles, PredictionSets
from tumorlens.training import Run

_FREE = ("name", "description", "precision")  # of a recipe: what it is called, and what a machine is quick in


@dataclass(frozen=True)
class Measured:
    """What an evaluation, or a cross-validation, says of a run.

    Attributes:
        found: what its JSON file holds.
    """

    found: dict[str, Any]

    @property
    def folds(self) -> int | None:
        """Of the cross-validation; None where it is the run's own test part that was measured."""
        return len(self.found["folds"]) if "folds" in self.found else None

    @property
    def temperature(self) -> float:
        """Of the softmax."""
        return float(self.found["calibration"]["temperature"])

    @property
    def calibration(self) -> CalibrationSummary:
        """Where the temperature is from, and what it changed."""
        known = self.found["calibration"]
        before, after = ({name: known[when][name] for name in ("ece", "brier")} for when in ("before", "after"))
        return CalibrationSummary(
            images=known["fitted_on_validation_images"],
            units=known["fitted_on_validation_units"],
            reason=known["not_fitted_because"],
            before=before,
            after=after,
        )

    @property
    def prediction_sets(self) -> PredictionSets | None:
        """Thresholds from all folds; None where it is no cross-validation."""
        known = self.found.get("prediction_sets")
        if not known:
            return None
        quantiles = {
            name: NonconformityQuantiles(tail["units"], tuple(tail["scores"]), tuple(tail["errors"]))
            for name, tail in known["quantiles"].items()
        }
        return PredictionSets(quantiles, known["unit"])

    @property
    def threshold_scale(self) -> float | None:
        """By what to multiply the limit beyond which an image is outside; None where no folds say it."""
        known = (self.found.get("ood") or {}).get("threshold_scale")
        return None if known is None else float(known)

    @property
    def metrics(self) -> dict[str, Any]:
        """Of all images; those of masks among them."""
        drawn = self.found.get("segmentation")
        overall: dict[str, Any] = self.found["overall"]
        return overall | (drawn["overall"] if drawn else {})

    @property
    def per_class(self) -> dict[str, Any]:
        """The same of each class."""
        drawn = (self.found.get("segmentation") or {}).get("per_class", {})
        return {name: found | drawn.get(name, {}) for name, found in self.found["per_class"].items()}

    @property
    def confusion_matrix(self) -> tuple[tuple[int, ...], ...]:
        """(K, K), rows are the truth."""
        return tuple(tuple(row) for row in self.found["confusion_matrix"])

    @property
    def tested_on(self) -> str:
        """One line that says on what."""
        found, drawn = self.found, self.found.get("segmentation")
        part = f"{found['part']} part"
        if self.folds:
            part = f"{self.folds} folds, each measured on a network of this recipe that was trained without it"
        said = (
            f"{found['data']}, {part}: {found['evidence']}; 95 % intervals by bootstrap, {found['n_resamples']} "
            f"resamples, seed {found['seed']}"
        )
        return f"{said}; distances in {drawn['distance_unit']}" if drawn and "distance_unit" in drawn else said

    @property
    def analyses(self) -> dict[str, tuple[str, ...]]:
        """Name of an analysis -> its conclusions, one sentence each."""
        occluded, worse = (self.found.get(name) or {} for name in ("background", "robustness"))
        found = {
            "region_occlusion": tuple(test["meaning"] for test in occluded.values() if isinstance(test, dict)),
            "robustness": (worse["summary"], worse["worst"]["words"], worse["meaning"]) if worse else (),
        }
        return {name: conclusions for name, conclusions in found.items() if conclusions}


def measured(run: Run, crossval: Path | None = None) -> Measured | None:
    """The evaluation of these very weights on the run's own test part, if there is one, or a cross-validation.

    Args:
        run: a finished run.
        crossval: folder of `tumorlens train --fold all`.

    Raises:
        RunError: no cross-validation is there, or it is one of another recipe or other data.
    """
    if crossval is not None:
        return Measured(_cross_validation(run, crossval))
    path = run.evaluation_folder() / "evaluation.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    belongs = found.get("weights") == weights_hash(run) and found["split_hash"] == run.record["split_hash"]
    return Measured(found) if belongs and found["part"] == "test" else None


def _cross_validation(run: Run, folder: Path) -> dict[str, Any]:
    path = folder / "crossval.json"
    if not path.is_file():
        raise RunError(f"{path}: no such file; expected what 'tumorlens train --fold all' leaves in its folder")
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        theirs, data = _flat(found["recipe_settings"]), found["data_fingerprint"]
        _ = Measured(found).threshold_scale
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"{path}: damaged, or of an older version ({error!r}); measure again: tumorlens train --fold all --resume"
        ) from None
    own = _flat(run.settings())
    for key in sorted(theirs.keys() | own.keys()):
        if key not in _FREE and theirs.get(key) != own.get(key):
            raise RunError(
                f"{folder}: cross-validation of another recipe: {key} is {theirs.get(key)!r}, and {own.get(key)!r} in "
                f"{run.folder}; expected the same recipe, or its figures say nothing of this run"
            )
    if data != run.record["data_fingerprint"]:
        raise RunError(f"{folder}: cross-validation on other data than that of {run.folder}; expected the same")
    return found


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys as the command line writes them."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
