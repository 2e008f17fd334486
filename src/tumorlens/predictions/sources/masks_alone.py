"""Folder of masks -> predictions that are masks alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tumorlens.evaluation.evaluation_facts import PredictionSource
from tumorlens.evaluation.tool_predictions import Predictions
from tumorlens.predictions.mask_folder import mask_files, read_masks
from tumorlens.predictions.prediction_request import PredictionReader, PredictionRequest


def read(request: PredictionRequest) -> Predictions:
    """The masks of a folder; no class is predicted."""
    folder, table = request.path, request.table
    found = read_masks(folder, request)
    kept = [i for i, mask in enumerate(found.masks) if mask is not None]
    return Predictions(
        name=folder.resolve().name,
        table=replace(table, samples=tuple(table.samples[i] for i in kept)),
        classes=table.classes,
        probabilities=np.full((len(kept), len(table.classes)), np.nan),
        masks=tuple(mask for mask in found.masks if mask is not None),
        source=PredictionSource(
            kind="masks",
            given="masks",
            masks=True,
            files={folder.name: found.digest},
            images_without_prediction=len(table) - len(kept),
            predictions_without_image=found.surplus,
        ),
        volumes=found.volumes,
    )


SOURCE = PredictionReader(
    "a folder of masks (.png, .nii, .nii.gz)",
    lambda request: request.path.is_dir() and bool(mask_files(request.path)),
    read,
)
