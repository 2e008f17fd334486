"""Conclusions from two lists of predictions claim no more than the data show."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.comparison.paired_classification import Comparison, compare_predictions
from tumorlens.errors import DataError
from tumorlens.stats import ClusterBootstrap, mcnemar


def compared(first: list[int], second: list[int], *, images: int = 1, labels: str = "ab") -> Comparison:
    """Compare two lists of 1 (correct) and 0 (wrong), one entry per patient with `images` equal images."""
    n = len(first)
    reference = [labels[i % len(labels)] for i in range(n) for _ in range(images)]
    lists = [[name if one[i // images] else "wrong" for i, name in enumerate(reference)] for one in (first, second)]
    units = [f"patient {i}" for i in range(n) for _ in range(images)]
    return compare_predictions(reference, *lists, ClusterBootstrap(units, "patient"), names=("old", "new"))


def test_equal_predictions_show_no_difference() -> None:
    found = compared([1, 0, 1, 1], [1, 0, 1, 1])
    assert found.accuracy.value == 0
    assert found.p_value == 1
    assert found.conclusion == "Both classify the same images correctly: no difference in accuracy is shown."


def test_an_interval_with_zero_shows_neither_difference_nor_equality() -> None:
    found = compared([1, 0] * 20, [0, 1] * 20)
    assert found.accuracy.low is not None
    assert found.accuracy.low < 0 < found.accuracy.high
    assert "no difference in accuracy is shown. This does not prove equality" in found.conclusion


@pytest.mark.parametrize(("swap", "words"), [(False, "new is more accurate than old"), (True, "old is more accurate")])
def test_a_clear_difference_is_reported_with_its_direction(swap: bool, words: str) -> None:
    worse, better = [0] * 12 + [1] * 28, [1] * 38 + [0] * 2
    found = compared(better, worse) if swap else compared(worse, better)
    assert words in found.conclusion


def test_four_discordant_images_are_too_few_for_a_difference() -> None:
    found = compared([0] * 4 + [1] * 36, [1] * 40)
    assert found.accuracy.low > 0
    assert "only 4 images are discordant" in found.conclusion
    assert "no difference in accuracy is shown" in found.conclusion


def test_there_is_no_interval_where_all_bootstrap_samples_agree() -> None:
    assert "no conclusion" in compared([0] * 6, [1] * 6).conclusion


def test_mcnemar_counts_images_and_the_interval_patients() -> None:
    single, many = (compared([0, 0, 1, 0] * 5, [1, 1, 0, 1] * 5, images=n) for n in (1, 6))
    assert many.p_value == mcnemar(30, 90) < single.p_value == mcnemar(5, 15)
    assert many.accuracy.low == pytest.approx(single.accuracy.low)
    assert (many.accuracy.n, many.accuracy.units) == (120, 20)


def test_balanced_accuracy_counts_every_class_alike() -> None:
    reference = ["common"] * 30 + ["rare"] * 10
    always = ["common"] * 40
    found = compare_predictions(reference, always, reference, ClusterBootstrap([str(i) for i in range(40)], "image"))
    assert found.first.accuracy.value == pytest.approx(0.75)
    assert found.first.balanced_accuracy.value == pytest.approx(0.5)
    assert found.balanced_accuracy.value == pytest.approx(0.5)


def test_balanced_accuracy_has_no_interval_where_a_class_hangs_on_two_patients() -> None:
    reference = ["common"] * 8 + ["rare"] * 2
    units = [str(i) for i in range(10)]  # about one resample in ten has no patient of the rare class
    found = compare_predictions(
        reference, ["common"] * 10, ["common"] * 7 + ["rare"] * 3, ClusterBootstrap(units, "patient")
    )
    assert found.balanced_accuracy.value == pytest.approx((7 / 8 + 1) / 2 - 0.5)
    assert found.balanced_accuracy.low is None
    assert found.accuracy.low is not None


def test_a_different_result_for_balanced_accuracy_is_noted() -> None:
    rng = np.random.default_rng(0)
    reference = ["common"] * 400 + ["rare"] * 20
    first = ["rare" if rng.random() < 0.04 else "common" for _ in range(400)] + ["common"] * 20
    second = ["rare" if rng.random() < 0.06 else "common" for _ in range(400)] + ["rare"] * 14 + ["common"] * 6
    found = compare_predictions(reference, first, second, ClusterBootstrap([str(i) for i in range(420)], "image"))
    assert found.accuracy.low < 0 < found.accuracy.high
    assert found.balanced_accuracy.low > 0
    assert "The interval for balanced accuracy excludes 0" in found.conclusion


def test_each_image_needs_two_predictions() -> None:
    with assert_refused(DataError, found="2 labels, 2 and 1 predictions, 2 sampling units", expected="one of each"):
        compare_predictions(["a", "b"], ["a", "b"], ["a"], ClusterBootstrap(["1", "2"], "image"))
