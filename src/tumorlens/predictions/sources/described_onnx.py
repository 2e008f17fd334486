"""ONNX file of another tool and its description -> its probabilities and masks, by ONNX Runtime."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import numpy as np
import onnxruntime as ort

from tumorlens._arrays import Floats, Floats32
from tumorlens.datasets.formats.class_folders import class_name
from tumorlens.errors import ModelFileError
from tumorlens.evaluation.tool_predictions import Predictions
from tumorlens.metrics.calibration import softmax
from tumorlens.predictions.onnx_description import OnnxDescription, OnnxInput, OnnxMask, read_description
from tumorlens.predictions.onnx_inference import SliceOutput, predict_table
from tumorlens.predictions.prediction_request import PredictionReader, PredictionRequest
from tumorlens.scan import GrayImage, Mask
from tumorlens.scan.input_geometry import CropWindow, InputGeometry

_SUM = 1e-3  # by which the probabilities of an image may differ from 1


def read(request: PredictionRequest) -> Predictions:
    """Predict all images of the table.

    Raises:
        DataError: the description is not valid.
        ModelFileError: the file is no ONNX model, or is not as described.
        ScanError: an image cannot be read.
    """
    assert request.description is not None
    model = DescribedModel(request, read_description(request.description))
    return predict_table(request, request.path.stem, model.classes, "described_onnx", model.predict)


class DescribedModel:
    """An ONNX file of another tool in ONNX Runtime.

    Args:
        request: with the file.
        description: of it.
    """

    def __init__(self, request: PredictionRequest, description: OnnxDescription) -> None:
        self._path, self._is = request.path, description
        self.classes = tuple(class_name(name) for name in description.output.classes)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = request.threads or 0
        try:
            self._session = ort.InferenceSession(self._path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            raise ModelFileError(
                file=self._path,
                found=f"cannot be loaded as ONNX ({str(error).splitlines()[0][:120]})",
                expected="an ONNX model",
            ) from None
        wanted = [("input", description.input.name, self._session.get_inputs())]
        outputs = [description.output.name, *([description.mask.name] if description.mask else [])]
        wanted += [("output", name, self._session.get_outputs()) for name in outputs]
        for kind, name, there in wanted:
            names = [one.name for one in there]
            if name not in names:
                raise ModelFileError(
                    file=self._path, found=f"no {kind} '{name}', as the description says", expected=f"one of {names}"
                )
        self._names = outputs

    def predict(self, slices: Iterable[GrayImage], _: int) -> Iterator[SliceOutput]:
        """Predict slices one by one, since graphs of other tools often have a fixed batch size of 1."""
        geometry = InputGeometry(self._is.input.size, self._is.input.resize)
        for gray in slices:
            started = time.perf_counter()
            window = geometry.crop_window(*gray.shape)
            values = self._run(_as_input(window.to_input(gray), self._is.input))
            probabilities = self._probabilities(values[0])
            mask = self._mask(values[1], window, self._is.mask) if self._is.mask else None
            yield SliceOutput(probabilities, mask, 1000 * (time.perf_counter() - started))

    def _run(self, batch: Floats32) -> list[Floats32]:
        try:
            values: list[Floats32] = self._session.run(self._names, {self._is.input.name: batch})
        except Exception as error:
            raise ModelFileError(
                file=self._path,
                found=f"does not take an input of shape {batch.shape} ({str(error).splitlines()[0][:120]})",
                expected="the input that the description says",
                advice="correct size, channels or layout of the description",
            ) from None
        return values

    def _probabilities(self, values: Floats32) -> Floats:
        row = np.asarray(values, dtype=np.float64).reshape(-1)
        if len(row) != len(self.classes):
            raise ModelFileError(
                file=self._path,
                found=f"output '{self._is.output.name}' of shape {np.shape(values)}",
                expected=f"(1, {len(self.classes)}), for the classes {list(self.classes)}",
            )
        if self._is.output.values == "logits":
            return np.asarray(softmax(row[None])[0])
        if not (row > -_SUM).all() or abs(row.sum() - 1) > _SUM:
            raise ModelFileError(
                file=self._path,
                found=f"output '{self._is.output.name}' with {row.round(4).tolist()}",
                expected="probabilities that sum to 1",
                advice="describe its values as logits, if they are",
            )
        return row

    def _mask(self, values: Floats32, window: CropWindow, described: OnnxMask) -> Mask:
        chart = np.squeeze(np.asarray(values, dtype=np.float32))
        if chart.ndim != 2 or chart.shape[0] != chart.shape[1]:
            raise ModelFileError(
                file=self._path,
                found=f"output '{described.name}' of shape {np.shape(values)}",
                expected="one square map for each image",
            )
        if described.values == "logits":
            chart = np.asarray(0.5 * (1 + np.tanh(chart / 2)), dtype=np.float32)  # the sigmoid, without overflow
        return (window.to_image(chart) >= described.threshold).astype(np.uint8)


def _as_input(square: GrayImage, described: OnnxInput) -> Floats32:
    """(size, size) uint8 -> the input of the graph for one image."""
    low, high = described.range
    scaled = low + (high - low) * square.astype(np.float32) / 255
    channels = np.stack([scaled] * described.channels)
    mean, std = (np.array(values, np.float32).reshape(-1, 1, 1) for values in (described.mean, described.std))
    batch = ((channels - mean) / std)[None].astype(np.float32)
    return np.ascontiguousarray(batch if described.layout == "NCHW" else batch.transpose(0, 2, 3, 1))


SOURCE = PredictionReader(
    "an ONNX file of another tool with its description",
    lambda request: request.path.suffix.lower() == ".onnx" and request.description is not None,
    read,
)
