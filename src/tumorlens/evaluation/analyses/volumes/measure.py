"""Predicted and reference masks of whole volumes -> metrics of studies and of tumors in 3D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tumorlens.datasets import Sample
from tumorlens.datasets.classes import HEALTHY
from tumorlens.errors import DataError
from tumorlens.evaluation.analyses.analysis import Context
from tumorlens.evaluation.analyses.volumes.result import VolumeRow, VolumesResult
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.evaluation.volume_predictions import (
    ANY_VOXEL,
    STACKED,
    VolumeFiles,
    VolumePredictions,
    stacked,
    volume_files,
)
from tumorlens.metrics.volume_case import volume_case
from tumorlens.metrics.volume_metrics import measure_volumes
from tumorlens.scan import Mask
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.volume import Volume
from tumorlens.scan.volume_grid import read_mask_volume

_SLICES_ALONE = (
    "Slices of volumes were predicted alone, and every voxel counts: a study is positive almost always. Export the run "
    "and evaluate the model file, which joins slices into findings and compares them with its limit."
)


def measure(context: Context) -> VolumesResult | None:
    """Measure all volumes of the data; None where the data are images, or no mask is predicted.

    Raises:
        DataError: a predicted mask does not fit its volume.
        ScanError: a volume or a reference mask cannot be read.
    """
    volumes = context.subset.volumes
    if not volumes or not (context.volumes or context.masks):
        return None
    place = {sample.id: i for i, sample in enumerate(context.samples)}
    rows: list[VolumeRow] = []
    kept: list[Sample] = []
    for number, (name, samples) in enumerate(volumes.items(), 1):
        files = volume_files(name, samples)
        if files is not None:
            masks = {_index(sample): context.masks[place[sample.id]] for sample in samples} if context.masks else {}
            rows.append(_row(files, samples, masks, context.volumes))
            kept.append(samples[0])
        context.progress("volumes", number, len(volumes))
    if not rows:
        return None
    bootstrap = bootstrap_of(
        replace(context.subset, samples=tuple(kept)),
        n_resamples=context.bootstrap.n_resamples,
        seed=context.bootstrap.seed,
    )
    stated = context.volumes or VolumePredictions({}, STACKED, ANY_VOXEL, (_SLICES_ALONE,) if context.run else ())
    return VolumesResult(
        metrics=measure_volumes([row.case for row in rows], bootstrap),
        rows=tuple(rows),
        unit=bootstrap.unit,
        rule=stated.rule,
        positive_rule=stated.positive_rule,
        left_out=len(volumes) - len(rows),
        notes=stated.notes,
    )


def _row(
    files: VolumeFiles,
    samples: Sequence[Sample],
    masks: Mapping[int, PackedMask],
    predictions: VolumePredictions | None,
) -> VolumeRow:
    volume = read_nifti_volume(files.image.file, plane=files.image.plane)
    reference = _reference(files, volume)
    known = predictions.by_volume.get(files.id) if predictions else None
    prediction = known or stacked(masks, len(volume))
    if prediction.shape != volume.size:
        raise DataError(
            file=files.image.file,
            found=f"predicted masks of {prediction.shape} voxels",
            expected=f"masks of its {volume.size} voxels",
        )
    healthy = all(sample.label in HEALTHY for sample in samples)
    case = volume_case(
        prediction.mask(),
        reference,
        volume.spacing,
        healthy=reference is None and healthy,
        positive=prediction.positive,
        largest=prediction.largest,
    )
    return VolumeRow(files.id, samples[0].unit, case, _label(samples), prediction.label)


def _reference(files: VolumeFiles, volume: Volume) -> Mask | None:
    if files.reference is None:
        return None
    stored = files.reference
    _, mask = read_mask_volume(stored.file, files.image.plane, stored.labels, fill=stored.filled)
    if mask.shape != volume.size:
        raise DataError(
            file=files.reference.file,
            found=f"a reference mask of {mask.shape} voxels",
            expected=f"the {volume.size} voxels of {files.image.file.name}",
        )
    return mask


def _label(samples: Sequence[Sample]) -> str:
    """The class of the volume: that of its slices with a tumor."""
    shown = [sample.label for sample in samples if sample.label not in HEALTHY]
    return shown[0] if shown else samples[0].label


def _index(sample: Sample) -> int:
    assert sample.origin is not None  # `Table.volumes` holds slices of volumes alone
    return sample.origin.slice_index
