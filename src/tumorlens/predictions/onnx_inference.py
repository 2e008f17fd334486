"""Function that predicts slices -> inference on samples and on changed images, and the predictions of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median

import numpy as np

from tumorlens._arrays import Floats
from tumorlens._progress import Progress, silent
from tumorlens.datasets import Sample
from tumorlens.evaluation.evaluation_facts import PredictionSource
from tumorlens.evaluation.inference_result import BATCH, Change, InferenceResult, OnMask
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.tool_predictions import Predictions
from tumorlens.predictions.prediction_request import PredictionRequest
from tumorlens.scan import GrayImage, Mask, Scan, read_scan

_LEAST = 1e-12  # a probability of 0 has no logarithm


@dataclass(frozen=True, eq=False)
class SliceOutput:
    """What a model gives for one slice.

    Attributes:
        probabilities: (K,).
        mask: (H, W) uint8, 1 = tumor, at the size of the image; None where the model does not segment.
        milliseconds: from pixels to outputs.
    """

    probabilities: Floats
    mask: Mask | None
    milliseconds: float


@dataclass(frozen=True, eq=False)
class KnownSlice:
    """What a model gave for a slice of a table when it predicted the volume of the slice.

    Attributes:
        probabilities: (K,).
        mask: at the size of the image; None where the model does not segment.
        milliseconds: from pixels to outputs.
        ood_score: None where the model has none.
    """

    probabilities: Floats
    mask: PackedMask | None
    milliseconds: float
    ood_score: float | None = None


PredictSlices = Callable[[Iterable[GrayImage], int], Iterator[SliceOutput]]
"""Takes slices and the largest number of them to compute at one time; gives their outputs in order."""


class OnnxInference:
    """Runs a model on samples and on changed images, as `tumorlens.evaluation.inference_result.Inference` asks for.

    Args:
        predict: of a model file.

    Attributes:
        milliseconds: of each image that was predicted.
    """

    def __init__(self, predict: PredictSlices) -> None:
        self._predict, self.milliseconds = predict, list[float]()

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
        reader, rows, spacings = read or read_scan, [], []

        def slices() -> Iterator[GrayImage]:
            for i, sample in enumerate(samples):
                scan = reader(sample.image)
                spacings.append(scan.spacing)
                gray = scan.gray_slice()
                yield change(i, gray) if change else gray

        for i, found in enumerate(self._predict(slices(), batch_size)):
            rows.append(found.probabilities)
            self.milliseconds.append(found.milliseconds)
            if on_mask and found.mask is not None:
                on_mask(i, found.mask, spacings[i])
            progress(stage, i + 1, len(samples))
        logits = np.log(np.maximum(np.array(rows, dtype=np.float64), _LEAST))
        return InferenceResult(logits, [], [], np.zeros((len(rows), 0), np.float32))


def predict_table(
    request: PredictionRequest,
    name: str,
    classes: tuple[str, ...],
    kind: str,
    predict: PredictSlices,
    known: Mapping[str, KnownSlice] | None = None,
) -> Predictions:
    """Predict all images of the table of a request.

    Args:
        request: with the path of the model file.
        name: of the model.
        classes: the K class names, in the order of its output.
        kind: of the source.
        predict: runs the model.
        known: id of a sample -> its prediction, where it was predicted already.

    Raises:
        ScanError: an image cannot be read.
    """
    infer, found = OnnxInference(predict), dict(known or {})
    unknown = [sample for sample in request.table.samples if sample.id not in found]
    masks: dict[int, PackedMask] = {}

    def keep(i: int, mask: Mask, _: object) -> None:
        masks[i] = PackedMask.of(mask)

    if unknown:
        inferred = infer(unknown, on_mask=keep, batch_size=request.batch_size, progress=request.progress)
        for i, (sample, row) in enumerate(zip(unknown, np.exp(inferred.logits), strict=True)):
            found[sample.id] = KnownSlice(row, masks.get(i), infer.milliseconds[i])
    in_order = [found[sample.id] for sample in request.table.samples]
    probabilities = np.array([one.probabilities for one in in_order], dtype=np.float64)
    packed = tuple(one.mask for one in in_order if one.mask is not None)
    return Predictions(
        name=name,
        table=request.table,
        classes=classes,
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
        masks=packed,
        source=PredictionSource(
            kind=kind,
            given="probabilities",
            masks=bool(packed),
            files={
                path.name: sha256(path.read_bytes()).hexdigest()
                for path in (request.path, request.description)
                if path is not None
            },
            milliseconds=median(one.milliseconds for one in in_order),
        ),
        infer=infer,
    )
