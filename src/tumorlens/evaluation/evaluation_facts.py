"""Run + measured samples -> what an evaluation rests on: run, data, split, their hashes, and the bootstrap."""

from __future__ import annotations

from hashlib import sha256

from pydantic import BaseModel, ConfigDict

from tumorlens.datasets import SplitPlan, Table, fingerprint
from tumorlens.stats import ClusterBootstrap, Estimate
from tumorlens.training import Run
from tumorlens.training.run import WEIGHTS


class EvaluationFacts(BaseModel):
    """The evidence of an evaluation; these are the first keys of evaluation.json.

    Attributes:
        run: name of the run's folder.
        model: name of its network.
        weights: SHA-256 of its weights.
        recipe: name of its recipe.
        pretrained: where its first weights are from.
        training_seed: of the run.
        data: name of the measured table.
        data_fingerprint: of the measured images.
        external: whether it is other data than the run's own.
        split: how the run's data was split; None where that is not known.
        split_hash: of that split.
        images: how many were measured.
        patients: how many of them are known.
        unit: the sampling unit of the bootstrap: ``"patient"``, ``"patient or image"`` or ``"image"``.
        units: how many sampling units there are.
        evidence: images and patients in words.
        notes: of the table.
        subset: ``"test"``, ``"val"`` or ``"train"`` of the run's own data, ``"all"`` of external data, ``"all folds"``
            of a cross-validation.
        n_resamples: of the bootstrap.
        seed: of the bootstrap.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    model: str
    weights: str
    recipe: str
    pretrained: str
    training_seed: int
    data: str
    data_fingerprint: str
    external: bool
    split: SplitPlan | None
    split_hash: str
    images: int
    patients: int
    unit: str
    units: int
    evidence: str
    notes: tuple[str, ...]
    subset: str
    n_resamples: int
    seed: int


def facts_of(
    run: Run, subset: Table, estimate: Estimate, *, name: str, external: bool, bootstrap: ClusterBootstrap
) -> EvaluationFacts:
    """What an evaluation rests on.

    Args:
        run: that was evaluated.
        subset: the measured samples.
        estimate: any metric of theirs; its evidence is that of the evaluation.
        name: of the subset.
        external: whether it is other data than the run's own.
        bootstrap: that made the intervals.
    """
    record = run.record
    return EvaluationFacts(
        run=run.folder.name,
        model=run.spec.model,
        weights=weights_hash(run),
        recipe=record.recipe,
        pretrained=record.pretrained,
        training_seed=record.seed,
        data=subset.name,
        data_fingerprint=fingerprint(subset) if external else record.data_fingerprint,
        external=external,
        split=record.split,
        split_hash=record.split_hash,
        images=len(subset),
        patients=len({s.patient for s in subset.samples if s.patient}),
        unit=estimate.unit,
        units=estimate.units,
        evidence=estimate.evidence,
        notes=subset.notes,
        subset=name,
        n_resamples=bootstrap.n_resamples,
        seed=bootstrap.seed,
    )


def weights_hash(run: Run) -> str:
    """SHA-256 of the run's weights: what an evaluation belongs to."""
    return sha256((run.folder / WEIGHTS).read_bytes()).hexdigest()
