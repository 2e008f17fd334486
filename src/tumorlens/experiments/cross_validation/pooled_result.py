"""One evaluation per fold -> CrossValidation: one evaluation of the out-of-fold predictions of all patients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np

from tumorlens.datasets import Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.errors import DataError
from tumorlens.evaluation.analyses import AnalysisResult, PooledContext, registry
from tumorlens.evaluation.caveats import caveats, class_caveats, mask_caveats
from tumorlens.evaluation.evaluation_facts import EvaluationFacts
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.experiments.cross_validation.out_of_fold import calibrate_out_of_fold
from tumorlens.metrics.calibration import nll, softmax
from tumorlens.metrics.classification import measure
from tumorlens.metrics.detection import measure_detection
from tumorlens.metrics.segmentation import measure_segmentation
from tumorlens.stats import ClusterBootstrap
from tumorlens.stats.conformal import PredictionSets
from tumorlens.training import Run

_OUT_OF_FOLD = (
    "Every prediction is out-of-fold: it comes from the one of {count} networks that was not trained on this patient. "
    "The metrics are those of the recipe, not of a single network. Their intervals cover the choice of patients, not "
    "the variance of training (train again with another --seed)."
)


@dataclass(frozen=True, eq=False)
class Fold:
    """One held-out fold.

    Attributes:
        number: from 0.
        run: trained on the other folds.
        evaluation: of its test subset, which is this fold.
    """

    number: int
    run: Run
    evaluation: Evaluation

    @property
    def folder(self) -> str:
        """Name of the run's folder in the folder of the cross-validation."""
        return f"fold-{self.number}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        evaluation, segmentation = self.evaluation, self.evaluation.segmentation
        record = self.run.record
        return {
            "fold": self.number,
            "images": len(evaluation.samples),
            "units": evaluation.metrics.overall["accuracy"].units,
            "accuracy": evaluation.metrics.overall["accuracy"].to_dict(),
            "dice": segmentation.overall["dice"].to_dict() if segmentation else None,
            "temperature": evaluation.calibration.temperature,
            "epoch_kept": record.epoch_kept,
            "validation": record.validation,
            "weights": evaluation.facts.weights,
            "split_hash": evaluation.facts.split_hash,
        }


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """The folds and their pooled evaluation.

    Attributes:
        folds: in order.
        pooled: evaluation of all images together. Metrics are computed once over all images, not averaged over folds;
            the probabilities of a fold are calibrated on the other folds. Analyses without pooling are left out.
        temperatures: of each fold, fitted on the other folds.
        prediction_sets: conformal quantiles from all images, for a network trained on all of them.
    """

    folds: tuple[Fold, ...]
    pooled: Evaluation
    temperatures: tuple[float, ...]
    prediction_sets: PredictionSets

    def __repr__(self) -> str:
        return f"CrossValidation({len(self.folds)} folds, pooled {self.pooled!r})"

    @property
    def validation(self) -> dict[str, float]:
        """Metrics of the validation subsets, weighted by their images; for the choice between recipes."""
        records = [fold.run.record for fold in self.folds]
        rows = [(one.validation, one.counts["val"].images if "val" in one.counts else 0) for one in records]
        common = set.intersection(*(set(row) for row, _ in rows))
        total = sum(images for _, images in rows)
        return {
            key: sum(row[key] * images for row, images in rows) / total for key in rows[0][0] if key in common and total
        }

    def to_dict(self) -> dict[str, Any]:
        """The content of cross_validation.json."""
        folds = [
            fold.to_dict() | {"out_of_fold_temperature": temperature}
            for fold, temperature in zip(self.folds, self.temperatures, strict=True)
        ]
        return self.pooled.to_dict() | {
            "prediction_sets": asdict(self.prediction_sets),
            "recipe_settings": self.folds[0].run.settings(),
            "validation": self.validation,
            "folds": folds,
        }


def pool(folds: Sequence[Fold], *, name: str = "cross_validation") -> CrossValidation:
    """Evaluate the out-of-fold predictions of all folds together.

    Args:
        folds: at least two, of one table, each evaluated on its test subset with the same bootstrap settings.
        name: of the result.

    Raises:
        DataError: an image is in two folds, or the folds have different classes.
    """
    evaluations = [fold.evaluation for fold in folds]
    classes = evaluations[0].metrics.classes
    if others := next((one.metrics.classes for one in evaluations if one.metrics.classes != classes), None):
        raise DataError(found=f"folds with classes {list(classes)} and {list(others)}", expected="folds of one table")
    samples = tuple(sample for one in evaluations for sample in one.samples)
    ids = [sample.id for sample in samples]
    if len(set(ids)) < len(ids):
        repeated = next(name for name in ids if ids.count(name) > 1)
        raise DataError(found=f"{repeated} is in the test subset of two folds", expected="folds of one split")
    facts = evaluations[0].facts
    whole = Table(facts.data, samples, classes, facts.notes)
    # A table is sorted by id; the predictions are sorted by fold.
    bootstrap = replace(
        bootstrap_of(whole, n_resamples=facts.n_resamples, seed=facts.seed),
        units=[sample.unit for sample in samples],
    )
    logits = np.concatenate([one.logits for one in evaluations])
    labels = np.array([classes.index(sample.label) for sample in samples])
    calibrated = calibrate_out_of_fold(evaluations, logits, labels, bootstrap)
    probabilities = calibrated.probabilities
    metrics = measure(probabilities, labels, bootstrap, classes)
    segmented = [one.segmentation for one in evaluations if one.segmentation]
    cases = [case for one in segmented for case in one.cases] if len(segmented) == len(evaluations) else []
    sizes = tuple(len(one.samples) for one in evaluations)
    analyses = _pooled_analyses(evaluations, PooledContext(samples, sizes, logits, labels, classes, bootstrap))
    pooled = Evaluation(
        samples=samples,
        logits=logits,
        probabilities=probabilities,
        metrics=metrics,
        detection=measure_detection(probabilities, labels, bootstrap, classes, HEALTHY),
        before=measure(softmax(logits), labels, bootstrap, classes),
        nll=(nll(logits, labels), float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())),
        calibration=calibrated.calibration,
        cams=[cam for one in evaluations for cam in one.cams],
        boxes=[box for one in evaluations for box in one.boxes],
        masks=[],
        segmentation=measure_segmentation(cases, [s.label for s in samples], bootstrap, classes) if cases else None,
        analyses=analyses,
        facts=_facts(folds, whole, name, bootstrap).model_copy(
            update={"evidence": metrics.overall["accuracy"].evidence}
        ),
        caveats=(
            _OUT_OF_FOLD.format(count=len(folds)),
            *(caveat for result in analyses.values() for caveat in result.caveats),
            *caveats(whole, classes, bootstrap.unit, measured="test", plan=folds[0].run.table().plan),
            *class_caveats(metrics),
            *mask_caveats(cases, samples),
        ),
    )
    return CrossValidation(tuple(folds), pooled, calibrated.temperatures, calibrated.prediction_sets)


def _pooled_analyses(evaluations: Sequence[Evaluation], context: PooledContext) -> dict[str, AnalysisResult]:
    """The pooled results of all analyses that have pooling."""
    made = {name for one in evaluations for name in one.analyses}
    pooled = {
        name: analysis.pool([one.analyses.get(name) for one in evaluations], context)
        for name, analysis in registry().items()
        if name in made
    }
    return {name: result for name, result in pooled.items() if result is not None}


def _facts(folds: Sequence[Fold], whole: Table, name: str, bootstrap: ClusterBootstrap) -> EvaluationFacts:
    """The facts that all folds share, and hashes of those that differ."""
    facts = [fold.evaluation.facts for fold in folds]
    first = facts[0]
    return first.model_copy(
        update={
            "weights": _hash(one.weights for one in facts),
            "split_hash": _hash(one.split_hash for one in facts),
            "run": name,
            "split": replace(first.split, fold=None) if first.split else None,
            "images": len(whole),
            "patients": len({sample.patient for sample in whole.samples if sample.patient}),
            "subset": "all folds",
            "unit": bootstrap.unit,
            "units": len(set(bootstrap.units)),
        }
    )


def _hash(hashes: Iterable[str]) -> str:
    return sha256(" ".join(hashes).encode()).hexdigest()
