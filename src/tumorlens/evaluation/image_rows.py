"""The results of an evaluation, one row per image: of predictions.csv and of a data frame."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens._arrays import Floats
from tumorlens.datasets import Sample
from tumorlens.evaluation.evaluation_facts import Given
from tumorlens.metrics.overlap import DistanceUnit, SegmentationCase
from tumorlens.metrics.segmentation import Segmentation

Cell = str | float | int | None

SEGMENTATION_COLUMNS = (
    "dice",
    "iou",
    "hd95",
    "surface_dice",
    "reference_pixels",
    "predicted_pixels",
    "lesions",
    "lesions_detected",
    "false_positives",
)


def image_rows(
    samples: Sequence[Sample],
    probabilities: Floats,
    classes: Sequence[str],
    segmentation: Segmentation | None,
    given: Given = "probabilities",
) -> tuple[list[str], list[list[Cell]]]:
    """The names of the columns, and one row per sample; None where nothing is known.

    Args:
        samples: N of them.
        probabilities: (N, K), calibrated.
        classes: the K class names.
        segmentation: of the same samples; None adds no columns.
        given: whether probabilities or classes are known.
    """
    scored = given == "probabilities"
    columns = ["id", "group", "label", "predicted", *(f"p_{name}" for name in classes if scored)]
    rows: list[list[Cell]] = [
        [
            *(sample.id, sample.group, sample.label, None if given == "masks" else classes[int(row.argmax())]),
            *(float(p) for p in row if scored),
        ]
        for sample, row in zip(samples, probabilities, strict=True)
    ]
    if segmentation is None:
        return columns, rows
    cells = [_segmentation_cells(case, segmentation.distance_unit) for case in segmentation.cases]
    return [*columns, *SEGMENTATION_COLUMNS], [row + more for row, more in zip(rows, cells, strict=True)]


def _segmentation_cells(case: SegmentationCase, unit: DistanceUnit) -> list[Cell]:
    """The cells of `SEGMENTATION_COLUMNS`."""
    surfaces, lesions, known = case.surfaces_in(unit), case.lesions, case.reference is not None
    scores = (case.dice, case.iou, surfaces.hd95, surfaces.surface_dice)
    return [
        *(float(score) if known else None for score in scores),
        case.reference,
        case.predicted,
        *([lesions.reference, lesions.detected] if lesions and known else [None, None]),
        lesions.false_positives if lesions else None,
    ]
