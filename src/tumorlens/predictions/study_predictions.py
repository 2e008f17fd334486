"""Predictor + table of volumes -> a study result of each volume, as the evaluation takes it."""

from __future__ import annotations

import numpy as np

from tumorlens.deploy.predictor import Predictor
from tumorlens.evaluation.volume_predictions import VolumePrediction, VolumePredictions, volume_files
from tumorlens.predictions.prediction_request import PredictionRequest
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.studies.predict_volume import predict_volume
from tumorlens.studies.study_result import StudyResult


def predict_volumes(predictor: Predictor, request: PredictionRequest) -> VolumePredictions | None:
    """Predict every NIfTI volume of the table as a study: findings in 3D, positive by the limit of the model.

    Args:
        predictor: of a model file.
        request: with the table.

    Returns:
        None where the table has no such volume, or the model does not segment.

    Raises:
        ScanError: a volume cannot be read, or shows no head.
    """
    volumes = request.table.volumes
    files = [one for name, samples in volumes.items() if (one := volume_files(name, samples))]
    if not files or not predictor.card.segments:
        return None
    found: dict[str, VolumePrediction] = {}
    several: set[int] = set()
    rule = limit = ""
    for number, one in enumerate(files, 1):
        result = predict_volume(predictor, read_nifti_volume(one.image.file, plane=one.image.plane))
        found[one.id] = volume_prediction(result)
        several.add(len(result.planes))
        rule, limit = str(result.rule), str(result.limit)
        request.progress("studies", number, len(files))
    planes = "" if several == {1} else "; nearly isotropic volumes in three planes, of which two must agree"
    return VolumePredictions(
        found, f"findings of studies: {rule}{planes}", f"a study is positive by a finding of {limit}"
    )


def volume_prediction(result: StudyResult) -> VolumePrediction:
    """The mask of all findings, whether the study is positive, and the size of the largest finding."""
    largest = max(result.findings, key=lambda finding: finding.voxels, default=None)
    return VolumePrediction.of(
        result.mask.astype(np.uint8),
        positive=result.positive,
        largest=largest.voxels if largest else 0,
        label=largest.label if largest else None,
    )
