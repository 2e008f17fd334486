"""Samples -> a refusal where their reference masks are bounding boxes: Dice against boxes says nothing of contours."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.errors import DataError
from tumorlens.scan import is_box_mask


def refuse_box_masks(name: str, samples: Sequence[Sample]) -> None:
    """Check that at most half of the reference masks that show a tumor are filled rectangles.

    Reading stops as soon as that is certain.

    Args:
        name: of the data.
        samples: the samples to measure.

    Raises:
        DataError: more than half are.
        ScanError: a mask cannot be read, or does not fit its image.
    """
    masked = [sample for sample in samples if sample.mask is not None]
    shown = boxes = 0
    for sample in masked:
        mask = read_sample_mask(sample)
        if mask is None or not mask.any():
            continue
        shown += 1
        boxes += is_box_mask(mask)
        if 2 * (shown - boxes) >= len(masked):
            return
    if 2 * boxes > shown:
        raise DataError(
            found=f"{name}: {boxes:,} of {shown:,} reference masks that show a tumor are filled rectangles",
            expected="contours, since Dice against bounding boxes does not measure how well they are segmented",
            advice="if these are Figshare slices, train and evaluate on the radiologists' masks (tumorlens data split "
            "DATA --reference-masks figshare:FOLDER), or measure against the boxes with --allow-box-masks",
        )
