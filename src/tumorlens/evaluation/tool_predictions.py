"""Predictions of any tool for the images of a table: the type between their source and the evaluation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.datasets import Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.errors import DataError
from tumorlens.evaluation.evaluation_facts import PredictionSource
from tumorlens.evaluation.inference_result import Inference
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.stored_thresholds import StoredThresholds
from tumorlens.evaluation.volume_predictions import VolumePredictions

TUMOR = "tumor"
"""The class name of any tumor in binary data."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of any tool for N images, as `tumorlens.read_predictions` reads them.

    Attributes:
        name: of the tool, or of its file.
        table: the N images, with their true classes and patients.
        classes: the K class names.
        probabilities: (N, K); of predicted classes 1 for that class, of masks alone NaN.
        masks: of each image the predicted mask; empty where the tool does not segment.
        source: where they are from, and what is known of each image.
        infer: runs the network again on other images; None where there are predictions alone.
        caveats: what a reader must know before quoting a metric, one sentence each.
        thresholds: of a model file of tumorlens, with its OOD scores of the N images; None for all others.
        volumes: predictions of whole volumes; None where images are predicted, or slices alone.

    Example:
        >>> import tumorlens
        >>> table = tumorlens.open_table("phantoms")  # the folder has 24 synthetic images of 12 patients
        >>> lines = ["image,predicted", *(f"{sample.image.name},glioma" for sample in table)]
        >>> written = open("other.csv", "w").write("\\n".join(lines))
        >>> predictions = tumorlens.read_predictions("other.csv", table)
        >>> predictions
        Predictions(other: 24 images, classes of csv)
        >>> tumorlens.evaluate(predictions, n_resamples=100).metrics.overall["accuracy"].percent()[:6]
        '25.0 %'
    """

    name: str
    table: Table
    classes: tuple[str, ...]
    probabilities: Floats
    masks: tuple[PackedMask, ...]
    source: PredictionSource
    infer: Inference | None = None
    caveats: tuple[str, ...] = ()
    thresholds: StoredThresholds | None = None
    volumes: VolumePredictions | None = None

    def __post_init__(self) -> None:
        expected = (len(self.table), len(self.classes))
        if self.probabilities.shape != expected:
            raise DataError(
                found=f"{self.name}: probabilities of shape {self.probabilities.shape}", expected=str(expected)
            )
        if self.masks and len(self.masks) != len(self.table):
            raise DataError(
                found=f"{self.name}: {len(self.masks):,} masks for {len(self.table):,} images", expected="one for each"
            )

    def __repr__(self) -> str:
        given = self.source.given + " and masks" * (bool(self.masks) and self.source.given != "masks")
        return f"Predictions({self.name}: {len(self.table):,} images, {given} of {self.source.kind})"


def merged_tumor_classes(predictions: Predictions) -> Predictions:
    """The predictions, with their tumor classes merged where the data is labeled tumor / no tumor only."""
    classes = predictions.classes
    healthy = [i for i, name in enumerate(classes) if name in HEALTHY]
    if TUMOR in classes or len(classes) < 3 or len(healthy) != 1:
        return predictions
    labels, binary = {sample.label for sample in predictions.table.samples}, (classes[healthy[0]], TUMOR)
    if TUMOR not in labels or not labels <= set(binary):
        return predictions
    kinds = [i for i in range(len(classes)) if i != healthy[0]]
    merged = np.stack(
        [predictions.probabilities[:, healthy[0]], predictions.probabilities[:, kinds].sum(axis=1)], axis=1
    )
    caveat = f"The data is labeled tumor / no tumor only, so {', '.join(classes[i] for i in kinds)} are merged."
    if predictions.source.given == "probabilities":
        caveat += (
            " Their probabilities are summed. This can only raise sensitivity compared with the most probable of all "
            "classes."
        )
    thresholds = predictions.thresholds and replace(predictions.thresholds, prediction_sets=None)
    # the network itself still has all classes, so that it is not run again
    return replace(
        predictions,
        classes=binary,
        probabilities=merged,
        infer=None,
        caveats=(*predictions.caveats, caveat),
        thresholds=thresholds,
    )
