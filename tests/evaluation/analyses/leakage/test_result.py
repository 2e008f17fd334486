"""A leak is said first, with the metrics of the clean images where there are any."""

from __future__ import annotations

import numpy as np

from tests.fixtures.html import Page
from tumorlens.evaluation.analyses.leakage.result import LeakageResult
from tumorlens.evaluation.analyses.leakage.section import section
from tumorlens.metrics.classification import Metrics, measure
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.metrics.segmentation import Segmentation, measure_segmentation
from tumorlens.metrics.surfaces import Surfaces
from tumorlens.report import render_blocks
from tumorlens.stats import ClusterBootstrap

CLASSES = ("glioma", "no_tumor")


def bootstrap(count: int) -> ClusterBootstrap:
    return ClusterBootstrap([f"p{i}" for i in range(count)], "patient", n_resamples=50)


def metrics(correct: int, of: int) -> Metrics:
    labels = np.arange(of) % 2
    predicted = np.where(np.arange(of) < correct, labels, 1 - labels)
    return measure(np.eye(2)[predicted] * 0.8 + 0.1, labels, bootstrap(of), CLASSES)


def segmentation(both: int) -> Segmentation:
    cases = [SegmentationCase(64, 8, 8, both, surfaces=Surfaces(1.0, 0.5))] * 4
    found = measure_segmentation(cases, ["glioma"] * 4, bootstrap(4), CLASSES)
    assert found is not None
    return found


def test_the_caveat_counts_the_leaks_and_gives_the_accuracy_of_the_others() -> None:
    result = LeakageResult(3, 1, 12, metrics(4, 4), metrics(6, 8))
    assert result.conclusions == result.caveats
    (text,) = result.caveats
    assert text.startswith("4 of 12 images leak from train (3 have a duplicate there, 1 show a patient of train)")
    assert "accuracy on the other 8 is 75.0 %" in text
    assert "Dice" not in text


def test_without_a_clean_image_nothing_is_left_to_measure() -> None:
    result = LeakageResult(4, 0, 4, metrics(4, 4), None)
    assert result.caveats[0].endswith("no clean image is left to measure.")
    plain = result.to_dict()
    assert plain["clean"] is None
    assert plain["leaked"]["segmentation"] is None
    assert plain["images"] == plain["with_duplicate_in_train"] == 4


def test_where_masks_were_predicted_the_dice_of_clean_images_is_given_too() -> None:
    result = LeakageResult(4, 0, 12, metrics(4, 4), metrics(6, 8), segmentation(8), segmentation(4))
    assert f"Dice {segmentation(4).overall['dice']}." in result.caveats[0]
    plain = result.to_dict()
    assert plain["clean"]["segmentation"]["overall"]["dice"]["value"] == 0.5
    assert plain["leaked"]["segmentation"]["overall"]["dice"]["value"] == 1
    html = render_blocks(section(result, ()).blocks)
    assert "leaked from train" in html
    assert str(segmentation(4).overall["dice"]) in Page(html).text


def test_a_part_without_images_has_no_row_in_the_section() -> None:
    html = render_blocks(section(LeakageResult(0, 0, 8, None, metrics(6, 8)), ()).blocks)
    assert ">clean<" in html
    assert "leaked from train" not in html
