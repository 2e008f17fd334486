"""One evaluation a fold -> one over all patients, each answered by the network that had not seen them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens.datasets import Table
from tumorlens.errors import DataError
from tumorlens.evaluation.analyses.ood import Across, measure_across
from tumorlens.evaluation.analyses.region_occlusion.measure import pool_region_occlusion
from tumorlens.evaluation.analyses.region_occlusion.result import RegionOcclusion
from tumorlens.evaluation.caveats import caveats, mask_caveats
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.experiments.cross_validation.out_of_fold import calibrate_out_of_fold
from tumorlens.metrics.calibration import nll, softmax
from tumorlens.metrics.classification import measure
from tumorlens.metrics.segmentation import measure_segmentation
from tumorlens.report.text import evidence
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Run

_OF_ALL = (
    "Each image was answered by that one of {count} networks which had not seen its patient: the figures are those "
    "of the recipe, and of no one network. Their intervals are over patients; how much another training of the same "
    "folds would differ is not in them (train again with another --seed)."
)


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold held out.

    Attributes:
        number: which, from 0.
        run: trained on the others.
        evaluation: of its test part, which is this fold.
    """

    number: int
    run: Run
    evaluation: Evaluation

    @property
    def folder(self) -> str:
        """Of its run, within that of the cross-validation."""
        return f"fold-{self.number}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        found, drawn = self.evaluation, self.evaluation.segmentation
        return {
            "fold": self.number,
            "images": len(found.samples),
            "units": found.metrics.overall["accuracy"].units,
            "accuracy": found.metrics.overall["accuracy"].to_dict(),
            "dice": drawn.overall["dice"].to_dict() if drawn else None,
            "temperature": found.calibration.temperature,
            "epoch_kept": self.run.record.epoch_kept,
            "validation": self.run.record.validation,
            "weights": found.facts["weights"],
            "split_hash": found.facts["split_hash"],
        }


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """All folds.

    Attributes:
        folds: one for each, in order.
        pooled: of all their images together. Each fold's probabilities are calibrated by the others, figures are
            computed once over all and not averaged over folds, and what is measured within one fold only is None.
        temperatures: by which each fold's logits were divided for that.
        ood: how many images are marked as outside; None where a fold has no validation part to learn it from.
    """

    folds: tuple[Fold, ...]
    pooled: Evaluation
    temperatures: tuple[float, ...]
    ood: Across | None

    @property
    def validation(self) -> dict[str, float]:
        """What to choose between recipes by: figures of the validation parts, each weighted by its images."""
        rows = [
            (fold.run.record.validation, fold.run.record.counts["val"].images if "val" in fold.run.record.counts else 0)
            for fold in self.folds
        ]
        known = set.intersection(*(set(row) for row, _ in rows))
        total = sum(images for _, images in rows)
        return {
            key: sum(row[key] * images for row, images in rows) / total for key in rows[0][0] if key in known and total
        }

    def to_dict(self) -> dict[str, Any]:
        """What crossval.json holds."""
        folds = [
            fold.to_dict() | {"temperature_from_others": temperature}
            for fold, temperature in zip(self.folds, self.temperatures, strict=True)
        ]
        return self.pooled.to_dict() | {
            "ood": self.ood and self.ood.to_dict(),
            "prediction_sets": self.pooled.abstention and asdict(self.pooled.abstention.prediction_sets),
            "recipe_settings": self.folds[0].run.settings(),
            "validation": self.validation,
            "folds": folds,
        }


def pool(folds: Sequence[Fold], *, name: str = "crossval") -> CrossValidation:
    """Measure all folds as one.

    Args:
        folds: at least two, of one table, each evaluated on its own test part, with the same bootstrap.
        name: of what comes out.

    Raises:
        DataError: an image is in two folds, or folds do not know the same classes.
    """
    found = [fold.evaluation for fold in folds]
    classes = found[0].metrics.classes
    if others := next((one.metrics.classes for one in found if one.metrics.classes != classes), None):
        raise DataError(f"folds of classes {list(classes)} and {list(others)}; expected those of one table")
    samples = tuple(sample for one in found for sample in one.samples)
    ids = [sample.id for sample in samples]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise DataError(f"{twice} is in the test part of two folds; expected folds of one split")
    facts = found[0].facts
    whole = Table(facts["data"], samples, classes, tuple(facts["notes"]))
    # A table is in the order of its ids; answers are fold after fold.
    bootstrap = replace(
        bootstrap_of(whole, n_resamples=facts["n_resamples"], seed=facts["seed"]),
        units=[sample.unit for sample in samples],
    )
    logits = np.concatenate([one.logits for one in found])
    labels = np.array([classes.index(sample.label) for sample in samples])
    learned = calibrate_out_of_fold(found, logits, labels, bootstrap)
    probabilities = learned.probabilities
    after = measure(probabilities, labels, bootstrap, classes)
    drawn = [one.segmentation for one in found if one.segmentation]
    drawings = [drawing for one in drawn for drawing in one.drawings] if len(drawn) == len(found) else []
    plan = folds[0].run.table().plan
    warned = caveats(whole, classes, bootstrap.unit, measured="test", plan=plan)
    pooled = Evaluation(
        samples=samples,
        logits=logits,
        probabilities=probabilities,
        metrics=after,
        before=measure(softmax(logits), labels, bootstrap, classes),
        nll=(nll(logits, labels), float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())),
        calibration=learned.calibration,
        cams=[cam for one in found for cam in one.cams],
        boxes=[box for one in found for box in one.boxes],
        separate=None,
        segmentation=measure_segmentation(drawings, samples, bootstrap, classes) if drawings else None,
        background=_background(found, logits, labels, bootstrap, classes),
        facts=_facts(folds, whole, name)
        | {"unit": bootstrap.unit, "units": len(set(bootstrap.units))}
        | {"evidence": evidence(after.overall["accuracy"])},
        caveats=(_OF_ALL.format(count=len(folds)), *warned, *mask_caveats(drawings, samples)),
        abstention=learned.abstention,
    )
    ood = [one.ood.scores for one in found if one.ood]
    across = measure_across(ood, labels, bootstrap, classes) if len(ood) == len(found) else None
    return CrossValidation(tuple(folds), pooled, learned.temperatures, across)


def _background(
    found: Sequence[Evaluation], logits: Floats, labels: Ints, bootstrap: ClusterBootstrap, classes: Sequence[str]
) -> RegionOcclusion | None:
    """The three tests over all folds; None where one left them out."""
    tests = [one.background for one in found if one.background]
    sizes = [len(one.samples) for one in found]
    return pool_region_occlusion(tests, sizes, logits, labels, bootstrap, classes) if len(tests) == len(found) else None


def _facts(folds: Sequence[Fold], whole: Table, name: str) -> dict[str, Any]:
    """Those that all folds have in common, and hashes of what they have not."""
    facts = folds[0].evaluation.facts
    hashes = {
        key: sha256(" ".join(fold.evaluation.facts[key] for fold in folds).encode()).hexdigest()
        for key in ("weights", "split_hash")
    }
    return (
        facts
        | hashes
        | {
            "run": name,
            "split": facts["split"] and {**facts["split"], "fold": None},
            "images": len(whole),
            "patients": len({sample.patient for sample in whole.samples if sample.patient}),
            "part": "all folds",
        }
    )
