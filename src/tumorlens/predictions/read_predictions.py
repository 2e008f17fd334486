"""File or folder of any tool + table -> predictions: the source is found by the kind of the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from tumorlens._progress import ProgressOption, progress_of
from tumorlens.datasets import Table
from tumorlens.deploy.shipped import model_path
from tumorlens.errors import DataError
from tumorlens.evaluation.tool_predictions import Predictions
from tumorlens.predictions.mask_folder import read_masks
from tumorlens.predictions.prediction_request import PredictionRequest, Unmatched
from tumorlens.predictions.sources import registry


def read_predictions(
    source: str | Path,
    table: Table,
    *,
    masks: str | Path | None = None,
    description: str | Path | None = None,
    network: str | None = None,
    mask_labels: Iterable[int] = (),
    resample_masks: bool = False,
    unmatched: Unmatched = "error",
    device: Literal["cpu", "cuda"] = "cpu",
    threads: int | None = None,
    batch_size: int = 32,
    progress: ProgressOption = None,
) -> Predictions:
    """Read the predictions of any tool for the images of a table, or compute them with a model file.

    Args:
        source: a CSV file with a class or probabilities for each image, a folder of masks (PNG of images, NIfTI of
            volumes), an ONNX file of `tumorlens.export` or of another tool, the state dict (.safetensors, .pt) of a
            network of tumorlens, or the name of a model that comes with it; see the how-to page on other tools.
        table: the images, with their true classes and patients; ``table.subset("test")`` for a part.
        masks: a folder of predicted masks beside the CSV file.
        description: YAML file that describes an ONNX file of another tool, or the input and classes of a state dict.
        network: name of the architecture of a state dict, as `tumorlens.list_networks` gives it.
        mask_labels: values of masks of volumes that count as tumor; by default all but 0.
        resample_masks: resample masks of volumes that lie on another grid, to the nearest voxel; else they are refused.
        unmatched: images without a prediction and predictions without an image: ``"error"``, or ``"ignore"``, which
            leaves them out and counts them.
        device: of a model file.
        threads: of a model file; all by default.
        batch_size: of a model file.
        progress: a callable, True for bars, None for silence.

    Raises:
        DataError: no source reads such a file, a column, class, name or value cannot be meant, or an image has no
            prediction.
        ScanError: a mask cannot be read, has more than two values, or has another size than its image.
        ModelFileError: the ONNX file is not of tumorlens, or not as its description says.

    Example:
        >>> import tumorlens
        >>> table = tumorlens.open_table("phantoms")  # the folder has 24 synthetic images of 12 patients
        >>> tumorlens.read_predictions("run/model.onnx", table.filter(lambda sample: sample.label == "glioma"))
        Predictions(phantom-run: 6 images, probabilities of onnx)
    """
    path = model_path(source)
    with progress_of(progress) as shown:
        request = PredictionRequest(
            path,
            table,
            unmatched,
            device,
            threads,
            batch_size,
            shown,
            None if description is None else Path(description),
            network,
            tuple(mask_labels),
            resample_masks,
        )
        for one in registry():
            if one.recognizes(request):
                predictions = one.read(request)
                break
        else:
            raise DataError(
                file=path,
                found="no predictions" if path.exists() else "no such file or folder",
                expected="; or ".join(one.summary for one in registry()),
            )
        return predictions if masks is None else _with_masks(predictions, Path(masks), request)


def _with_masks(predictions: Predictions, folder: Path, request: PredictionRequest) -> Predictions:
    """The predictions with the masks of a folder; images that lack one of both are left out."""
    if predictions.masks:
        raise DataError(file=folder, found="masks beside predictions that have masks", expected="one of them")
    answered = read_masks(folder, replace(request, table=predictions.table))
    kept = [i for i, mask in enumerate(answered.masks) if mask is not None]
    source = predictions.source.model_copy(
        update={
            "masks": True,
            "files": predictions.source.files | {folder.name: answered.digest},
            "images_without_prediction": len(request.table) - len(kept),
            "predictions_without_image": predictions.source.predictions_without_image + answered.surplus,
        }
    )
    return replace(
        predictions,
        table=_only(predictions.table, kept),
        probabilities=predictions.probabilities[np.array(kept)],
        masks=tuple(mask for mask in answered.masks if mask is not None),
        source=source,
        volumes=answered.volumes,
    )


def _only(table: Table, positions: Sequence[int]) -> Table:
    return replace(table, samples=tuple(table.samples[i] for i in positions))
