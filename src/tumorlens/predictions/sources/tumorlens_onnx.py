"""ONNX file that `tumorlens export` wrote -> its probabilities and masks, by ONNX Runtime alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median

import numpy as np

from tumorlens._progress import Progress, silent
from tumorlens.datasets import Sample
from tumorlens.deploy.predictor import Predictor
from tumorlens.errors import TumorlensError
from tumorlens.evaluation.evaluation_facts import PredictionSource
from tumorlens.evaluation.inference_result import BATCH, Change, InferenceResult, OnMask
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.tool_predictions import Predictions
from tumorlens.predictions.prediction_request import PredictionReader, PredictionRequest
from tumorlens.scan import Mask, Scan, read_scan

_LEAST = 1e-12  # a probability of 0 has no logarithm


class OnnxInference:
    """A predictor that runs on samples and on changed images, as `Inference` asks for.

    Args:
        predictor: of an ONNX file.

    Attributes:
        milliseconds: of each image that was predicted.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self.milliseconds = predictor, list[float]()

    def __call__(
        self,
        samples: Sequence[Sample],
        *,
        on_mask: OnMask | None = None,
        change: Change | None = None,
        read: Callable[[Path], Scan] | None = None,
        batch_size: int = BATCH,
        progress: Progress = silent,
        stage: str = "inference",
    ) -> InferenceResult:
        """Predict each sample; logits are the logarithms of the probabilities, and there are no maps and features."""
        reader, rows = read or read_scan, []
        spacings = []

        def sources() -> object:
            for i, sample in enumerate(samples):
                scan = reader(sample.image)
                spacings.append(scan.spacing)
                gray = scan.gray_slice()
                yield change(i, gray) if change else gray

        for i, (_, found) in enumerate(
            self._predictor.predict_many(sources(), heatmap=False, batch_size=batch_size)  # type: ignore[arg-type]
        ):
            if isinstance(found, TumorlensError):
                raise found
            rows.append([found.probabilities[name] for name in self._predictor.classes])
            self.milliseconds.append(found.milliseconds)
            if on_mask and found.mask is not None:
                on_mask(i, found.mask, spacings[i])
            progress(stage, i + 1, len(samples))
        logits = np.log(np.maximum(np.array(rows, dtype=np.float64), _LEAST))
        return InferenceResult(logits, [], [], np.zeros((len(rows), 0), np.float32))


def read(request: PredictionRequest) -> Predictions:
    """Predict all images of the table.

    Raises:
        ModelFileError: the file is no model of tumorlens.
        ScanError: an image cannot be read.
    """
    predictor = Predictor(request.path, device=request.device, threads=request.threads)
    infer, masks = OnnxInference(predictor), list[PackedMask]()

    def keep(_: int, mask: Mask, __: object) -> None:
        masks.append(PackedMask.of(mask))

    found = infer(request.table.samples, on_mask=keep, batch_size=request.batch_size, progress=request.progress)
    probabilities = np.exp(found.logits)
    return Predictions(
        name=predictor.card.name,
        table=request.table,
        classes=predictor.classes,
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
        masks=tuple(masks),
        source=PredictionSource(
            kind="onnx",
            given="probabilities",
            masks=bool(masks),
            files={request.path.name: sha256(request.path.read_bytes()).hexdigest()},
            milliseconds=median(infer.milliseconds),
        ),
        infer=infer,
    )


SOURCE = PredictionReader("an ONNX file of tumorlens export", lambda path: path.suffix.lower() == ".onnx", read)
