"""Images of any sizes get one map each, in order, and maps are compared over the head only."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.evaluation import gray_slice
from tumorlens.explanation import heatmaps
from tumorlens.explanation.faithfulness.heat_maps import HEAD_MAP_SIZE, crop_to_head, head_box, iter_heatmaps
from tumorlens.training import Run


def test_images_of_several_sizes_get_the_same_maps_as_alone(finished_run: Run) -> None:
    whole = [gray_slice(sample.image) for sample in finished_run.table().samples[:3]]
    images = [whole[0], whole[1], whole[2][:40, :50], whole[0]]
    pipeline, targets = finished_run.pipeline(), [0, 1, 2, 3]
    batch = list(iter_heatmaps(pipeline, images, targets, "grad_cam"))
    assert [together.shape for together in batch] == [image.shape for image in images]
    for together, image, target in zip(batch, images, targets, strict=True):
        (alone,) = heatmaps(pipeline, image[None], [target])
        np.testing.assert_allclose(together, alone, atol=1e-4)


def test_the_map_outside_of_the_head_does_not_count() -> None:
    image = np.zeros((128, 128), np.uint8)
    rows, columns = np.indices((128, 128))
    image[(rows - 50) ** 2 + (columns - 80) ** 2 < 30**2] = 150
    top, left, height, width = head_box(image)
    assert (top, left, height, width) == pytest.approx((20, 50, 60, 60), abs=4)
    heatmap = np.zeros((128, 128), np.float32)
    heatmap[top + 10 : top + height - 10, left + 10 : left + width - 10] = 1
    noisy = heatmap.copy()
    noisy[:, :40] = 1
    assert crop_to_head(heatmap, (top, left, height, width)).shape == (HEAD_MAP_SIZE, HEAD_MAP_SIZE)
    np.testing.assert_array_equal(*(crop_to_head(m, (top, left, height, width)) for m in (heatmap, noisy)))
