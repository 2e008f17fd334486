"""Predicted and reference masks of whole volumes -> metrics of studies and of tumors in 3D."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tumorlens.datasets import Sample
from tumorlens.datasets.classes import HEALTHY
from tumorlens.errors import DataError
from tumorlens.evaluation.analyses.analysis import Context
from tumorlens.evaluation.analyses.volumes.result import VolumeRow, VolumesResult
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.evaluation.table_volume import TableVolume, open_table_volume
from tumorlens.evaluation.volume_predictions import ANY_VOXEL, STACKED, VolumePredictions
from tumorlens.metrics.volume_case import volume_case
from tumorlens.metrics.volume_metrics import measure_volumes

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
    left_out: list[str] = []
    for number, (name, samples) in enumerate(volumes.items(), 1):
        one = open_table_volume(name, samples)
        if isinstance(one, str):
            left_out.append(one)
        else:
            masks = {sample.id: context.masks[place[sample.id]] for sample in samples} if context.masks else {}
            rows.append(_row(one, masks, context.volumes))
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
        left_out=dict(sorted(Counter(left_out).items())),
        notes=stated.notes,
    )


def _row(one: TableVolume, masks: Mapping[str, PackedMask], predictions: VolumePredictions | None) -> VolumeRow:
    reference = one.reference()
    known = predictions.by_volume.get(one.id) if predictions else None
    prediction = known or one.stacked(masks)
    if prediction.shape != one.volume.size:
        raise DataError(
            file=one.file,
            found=f"predicted masks of {prediction.shape} voxels",
            expected=f"masks of its {one.volume.size} voxels",
        )
    healthy = all(sample.label in HEALTHY for sample in one.samples)
    case = volume_case(
        prediction.mask(),
        reference,
        one.volume.spacing,
        healthy=reference is None and healthy,
        positive=prediction.positive,
        largest=prediction.largest,
    )
    return VolumeRow(one.id, one.samples[0].unit, case, _label(one.samples), prediction.label)


def _label(samples: Sequence[Sample]) -> str:
    """The class of the volume: that of its slices with a tumor."""
    shown = [sample.label for sample in samples if sample.label not in HEALTHY]
    return shown[0] if shown else samples[0].label
