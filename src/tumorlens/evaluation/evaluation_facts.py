"""Run + measured samples -> what an evaluation rests on: run, data, split, their hashes, and the bootstrap."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from tumorlens.datasets import SplitPlan, Table, fingerprint
from tumorlens.stats import ClusterBootstrap, Estimate

if TYPE_CHECKING:
    from tumorlens.training import Run


Given = Literal["probabilities", "classes", "masks"]
"""What the predictions of a tool are: probabilities of classes, classes, or masks alone."""


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
        external: whether it is other data than the run's own
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


class PredictionSource(BaseModel):
    """Where the predictions of another tool are from.

    Attributes:
        kind: name of the source: ``"csv"``, ``"masks"``, ``"onnx"``.
        given: what the predictions are: probabilities of classes, classes, or masks alone.
        masks: whether there are predicted masks.
        files: name -> SHA-256 of each file; of a folder of masks one hash over all.
        ignored_columns: columns of the CSV file that were not read.
        images_without_prediction: images of the data that were left out because nothing is predicted for them.
        predictions_without_image: predictions that were left out because the data has no such image.
        milliseconds: median time of an image, from pixels to predictions; None where it was not measured.
        trained_on: name of the table of training data; None where it was not named.
        trained_on_fingerprint: of its images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    given: Given
    masks: bool
    files: dict[str, str]
    ignored_columns: tuple[str, ...] = ()
    images_without_prediction: int = 0
    predictions_without_image: int = 0
    milliseconds: float | None = None
    trained_on: str | None = None
    trained_on_fingerprint: str | None = None


class PredictionsFacts(EvaluationFacts):
    """The evidence of an evaluation of predictions of another tool. What is not known of it is None.

    Attributes:
        run: name of the tool or of its file, and so is `model`.
        weights: SHA-256 of the files of the predictions.
        external: whether it is other data than the training data; None where these are not named.
        split: how the training data was split, where it was named.
        split_hash: of that split.
        predictions: where they are from.
    """

    recipe: str | None  # type: ignore[assignment]
    pretrained: str | None  # type: ignore[assignment]
    training_seed: int | None  # type: ignore[assignment]
    external: bool | None  # type: ignore[assignment]
    split_hash: str | None  # type: ignore[assignment]
    predictions: PredictionSource


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
    from tumorlens.training.run import WEIGHTS

    return sha256((run.folder / WEIGHTS).read_bytes()).hexdigest()
