"""The tables of segmentation metrics have a row for all and one for each class."""

from __future__ import annotations

from tumorlens.evaluation.page.segmentation_tables import segmentation_tables
from tumorlens.metrics.lesions import LesionCounts
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.metrics.segmentation import measure_segmentation
from tumorlens.metrics.surfaces import Surfaces
from tumorlens.stats import ClusterBootstrap


def rows_of(cases: list[SegmentationCase], labels: list[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The rows of both tables by their name; every image is of a patient of its own."""
    bootstrap = ClusterBootstrap([f"p{i}" for i in range(len(cases))], "patient", n_resamples=100)
    found = measure_segmentation(cases, labels, bootstrap, ("glioma", "no_tumor"))
    assert found is not None
    first, second = ({row[0]: list(row[1:]) for row in block.rows} for (block,) in segmentation_tables(found))
    return first, second


def case(both: int) -> SegmentationCase:
    """Of 4 predicted and 4 reference pixels, `both` are the same."""
    return SegmentationCase(64, 4, 4, both, surfaces=Surfaces(1.25, 0.5), lesions=LesionCounts(1, int(both > 1), 0))


def test_all_images_come_first_and_every_metric_has_its_interval() -> None:
    overlaps, others = rows_of([case(4), case(2), case(0)], ["glioma"] * 3)
    assert list(overlaps) == list(others) == ["all", "glioma"]
    assert overlaps["all"] == overlaps["glioma"]
    count, dice, median, *_ = overlaps["all"]
    assert (count, median) == ("3", "0.500")
    assert dice.startswith("0.500 (0.")
    assert " to " in dice
    assert others["all"][0].startswith("1.2 (")  # distances have one decimal


def test_a_class_without_a_reference_mask_has_dashes_beside_its_false_positives() -> None:
    covered, others = rows_of(
        [case(4), SegmentationCase(64, 1, lesions=LesionCounts(0, 0, 1))],
        ["glioma", "no_tumor"],
    )
    assert covered["no_tumor"] == ["0", "–", "–", "–", "–"]
    assert covered["glioma"][:3] == ["1", "1.000 (no interval)", "1.000"]
    assert others["no_tumor"] == ["–", "–", "–", "1.000 (no interval)"]
    assert others["glioma"][0] == "1.2 (no interval)"
