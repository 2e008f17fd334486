"""ONNX file that `tumorlens export` wrote -> its probabilities and masks, by ONNX Runtime alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from tumorlens.deploy.predictor import Predictor
from tumorlens.errors import TumorlensError
from tumorlens.evaluation.stored_thresholds import OODFitSummary, StoredThresholds
from tumorlens.evaluation.tool_predictions import Predictions
from tumorlens.model_card.card import ModelCard
from tumorlens.predictions.onnx_inference import SliceOutput, predict_table
from tumorlens.predictions.prediction_request import PredictionReader, PredictionRequest
from tumorlens.predictions.study_predictions import class_probabilities, predict_volumes
from tumorlens.scan import GrayImage


def read(request: PredictionRequest) -> Predictions:
    """Predict all images of the table, and its volumes as studies.

    Raises:
        ModelFileError: the file is no model of tumorlens.
        ScanError: an image cannot be read.
    """
    predictor = Predictor(request.path, device=request.device, threads=request.threads)
    studies = predict_volumes(predictor, request)
    known = studies.slices if studies else {}
    scores = list[float | None]()

    def predict(slices: Iterable[GrayImage], batch_size: int) -> Iterator[SliceOutput]:
        for _, found in predictor.predict_many(slices, heatmap=False, batch_size=batch_size):
            if isinstance(found, TumorlensError):
                raise found
            scores.append(found.ood_score)
            yield SliceOutput(class_probabilities(predictor, found), found.mask, found.milliseconds)

    found = predict_table(request, predictor.card.name, predictor.classes, "onnx", predict, known)
    inferred = iter(scores)
    in_order = [known[one.id].ood_score if one.id in known else next(inferred) for one in request.table.samples]
    return replace(
        found,
        thresholds=_thresholds(predictor.card, in_order),
        volumes=studies.volumes if studies else None,
    )


def _thresholds(card: ModelCard, scores: Sequence[float | None]) -> StoredThresholds:
    known = [score for score in scores if score is not None]
    complete = card.ood is not None and len(known) == len(scores)
    fit = None
    if card.ood is not None and complete:
        fit = OODFitSummary(
            method=card.ood.method,
            images=card.ood.fitted_on_images,
            units=card.ood.fitted_on_units,
            validation_images=card.ood.validation_images,
            validation_units=card.ood.validation_units,
            kept=card.ood.validation_kept,
        )
    return StoredThresholds(card.temperature, fit, np.array(known) if complete else None, card.prediction_sets)


SOURCE = PredictionReader(
    "an ONNX file of tumorlens export",
    lambda request: request.path.suffix.lower() == ".onnx" and request.description is None,
    read,
)
