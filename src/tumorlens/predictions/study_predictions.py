"""Predictor + table of volumes -> a study result of each volume and of its slices, as the evaluation takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.deploy.prediction import Prediction
from tumorlens.deploy.predictor import Predictor
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.table_volume import TableVolume, open_table_volume
from tumorlens.evaluation.volume_predictions import VolumePrediction, VolumePredictions
from tumorlens.predictions.onnx_inference import KnownSlice
from tumorlens.predictions.prediction_request import PredictionRequest
from tumorlens.studies.predict_volume import predict_volume
from tumorlens.studies.study_result import StudyResult


@dataclass(frozen=True)
class StudyPredictions:
    """What a model file predicts for the volumes of a table.

    Attributes:
        volumes: of whole volumes.
        slices: id of a sample -> its prediction, of the slices that were predicted on the way as they are read alone.
    """

    volumes: VolumePredictions
    slices: Mapping[str, KnownSlice]


def predict_volumes(predictor: Predictor, request: PredictionRequest) -> StudyPredictions | None:
    """Predict every volume of the table as a study: findings in 3D, positive by the limit of the model.

    Args:
        predictor: of a model file.
        request: with the table.

    Returns:
        None where the table has no volume in 3D, or the model does not segment.

    Raises:
        ScanError: a volume cannot be read, or shows no head.
    """
    volumes = request.table.volumes
    if not volumes or not predictor.card.segments:
        return None
    found: dict[str, VolumePrediction] = {}
    slices: dict[str, KnownSlice] = {}
    several: set[int] = set()
    rule = limit = ""
    for number, (name, samples) in enumerate(volumes.items(), 1):
        one = open_table_volume(name, samples)
        if not isinstance(one, str):
            result = _predict(predictor, one, slices)
            found[one.id] = volume_prediction(result)
            several.add(len(result.planes))
            rule, limit = str(result.rule), str(result.limit)
        request.progress("studies", number, len(volumes))
    if not found:
        return None
    planes = "" if several == {1} else "; nearly isotropic volumes in three planes, of which two must agree"
    return StudyPredictions(
        VolumePredictions(
            found, f"findings of studies: {rule}{planes}", f"a study is positive by a finding of {limit}"
        ),
        slices,
    )


def _predict(predictor: Predictor, one: TableVolume, slices: dict[str, KnownSlice]) -> StudyResult:
    """The study result of a volume; predictions of its samples are kept where they are read as slices of it are."""
    samples = {place: name for name, place in one.places.items()} if one.turn is None else {}

    def keep(index: int, found: Prediction) -> None:
        if index in samples:
            mask = None if found.mask is None else PackedMask.of(found.mask)
            probabilities = class_probabilities(predictor, found)
            slices[samples[index]] = KnownSlice(probabilities, mask, found.milliseconds, found.ood_score)

    return predict_volume(predictor, one.volume, on_slice=keep)


def class_probabilities(predictor: Predictor, found: Prediction) -> Floats:
    """(K,) in the class order of the model."""
    return np.array([found.probabilities[name] for name in predictor.classes], dtype=np.float64)


def volume_prediction(result: StudyResult) -> VolumePrediction:
    """The mask of all findings, whether the study is positive, and the size of the largest finding."""
    largest = max(result.findings, key=lambda finding: finding.voxels, default=None)
    return VolumePrediction.of(
        result.mask.astype(np.uint8),
        positive=result.positive,
        largest=largest.voxels if largest else 0,
        label=largest.label if largest else None,
    )
