"""ONNX file that `tumorlens export` wrote -> its probabilities and masks, by ONNX Runtime alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tumorlens.deploy.predictor import Predictor
from tumorlens.errors import TumorlensError
from tumorlens.evaluation.tool_predictions import Predictions
from tumorlens.predictions.onnx_inference import SliceOutput, predict_table
from tumorlens.predictions.prediction_request import PredictionReader, PredictionRequest
from tumorlens.scan import GrayImage


def read(request: PredictionRequest) -> Predictions:
    """Predict all images of the table.

    Raises:
        ModelFileError: the file is no model of tumorlens.
        ScanError: an image cannot be read.
    """
    predictor = Predictor(request.path, device=request.device, threads=request.threads)

    def predict(slices: Iterable[GrayImage], batch_size: int) -> Iterator[SliceOutput]:
        for _, found in predictor.predict_many(slices, heatmap=False, batch_size=batch_size):
            if isinstance(found, TumorlensError):
                raise found
            row = np.array([found.probabilities[name] for name in predictor.classes])
            yield SliceOutput(row, found.mask, found.milliseconds)

    return predict_table(request, predictor.card.name, predictor.classes, "onnx", predict)


SOURCE = PredictionReader(
    "an ONNX file of tumorlens export",
    lambda request: request.path.suffix.lower() == ".onnx" and request.description is None,
    read,
)
