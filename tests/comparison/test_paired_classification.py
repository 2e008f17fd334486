"""What is concluded from two lists of answers is no more than they show."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.comparison.paired_classification import Comparison, compare_predictions
from tumorlens.errors import DataError
from tumorlens.stats import ClusterBootstrap, mcnemar


def answers(first: list[int], second: list[int], *, images: int = 1, labels: str = "ab") -> Comparison:
    """Two lists of 1 (right) and 0 (wrong), one a patient, each with so many images alike."""
    n = len(first)
    truth = [labels[i % len(labels)] for i in range(n) for _ in range(images)]
    said = [[name if mine[i // images] else "wrong" for i, name in enumerate(truth)] for mine in (first, second)]
    units = [f"patient {i}" for i in range(n) for _ in range(images)]
    return compare_predictions(truth, *said, ClusterBootstrap(units, "patient"), names=("old", "new"))


def test_the_same_answers_show_no_difference() -> None:
    found = answers([1, 0, 1, 1], [1, 0, 1, 1])
    assert found.accuracy.value == 0
    assert found.p == 1
    assert found.conclusion == "Both are right on the same images: no difference in accuracy is shown."


def test_an_interval_with_zero_in_it_is_no_difference_and_no_equality() -> None:
    found = answers([1, 0] * 20, [0, 1] * 20)
    assert found.accuracy.low is not None
    assert found.accuracy.low < 0 < found.accuracy.high
    assert "no difference in accuracy is shown. That is not proof of equality" in found.conclusion


@pytest.mark.parametrize(("swap", "words"), [(False, "new is more accurate than old"), (True, "old is more accurate")])
def test_a_clear_difference_is_said_with_its_direction(swap: bool, words: str) -> None:
    worse, better = [0] * 12 + [1] * 28, [1] * 38 + [0] * 2
    found = answers(better, worse) if swap else answers(worse, better)
    assert words in found.conclusion


def test_four_images_are_too_few_whatever_the_interval_says() -> None:
    found = answers([0] * 4 + [1] * 36, [1] * 40)
    assert found.accuracy.low > 0
    assert "only 4 images tell the two apart" in found.conclusion
    assert "no difference in accuracy is shown" in found.conclusion


def test_where_all_images_differ_no_interval_can_be_given() -> None:
    assert "nothing is concluded" in answers([0] * 6, [1] * 6).conclusion


def test_mcnemar_counts_images_and_the_interval_patients() -> None:
    single, many = (answers([0, 0, 1, 0] * 5, [1, 1, 0, 1] * 5, images=n) for n in (1, 6))
    assert many.p == mcnemar(30, 90) < single.p == mcnemar(5, 15)
    assert many.accuracy.low == pytest.approx(single.accuracy.low)
    assert (many.accuracy.n, many.accuracy.units) == (120, 20)


def test_balanced_accuracy_counts_every_class_alike() -> None:
    truth = ["common"] * 30 + ["rare"] * 10
    always = ["common"] * 40
    found = compare_predictions(truth, always, truth, ClusterBootstrap([str(i) for i in range(40)], "image"))
    assert found.first.accuracy.value == pytest.approx(0.75)
    assert found.first.balanced_accuracy.value == pytest.approx(0.5)
    assert found.balanced_accuracy.value == pytest.approx(0.5)


def test_balanced_accuracy_has_no_interval_where_a_class_hangs_on_two_patients() -> None:
    truth = ["common"] * 8 + ["rare"] * 2
    units = [str(i) for i in range(10)]  # about one resample in ten has no patient of the rare class
    found = compare_predictions(truth, ["common"] * 10, ["common"] * 7 + ["rare"] * 3, ClusterBootstrap(units, "patient"))
    assert found.balanced_accuracy.value == pytest.approx((7 / 8 + 1) / 2 - 0.5)
    assert found.balanced_accuracy.low is None
    assert found.accuracy.low is not None


def test_a_reader_is_told_where_balanced_accuracy_says_something_else() -> None:
    rng = np.random.default_rng(0)
    truth = ["common"] * 400 + ["rare"] * 20
    first = ["rare" if rng.random() < 0.04 else "common" for _ in range(400)] + ["common"] * 20
    second = ["rare" if rng.random() < 0.06 else "common" for _ in range(400)] + ["rare"] * 14 + ["common"] * 6
    found = compare_predictions(truth, first, second, ClusterBootstrap([str(i) for i in range(420)], "image"))
    assert found.accuracy.low < 0 < found.accuracy.high
    assert found.balanced_accuracy.low > 0
    assert "That of balanced accuracy leaves out 0" in found.conclusion


def test_each_image_needs_both_answers() -> None:
    with pytest.raises(DataError, match=r"2 labels, 2 and 1 answers, 2 units; expected one of each"):
        compare_predictions(["a", "b"], ["a", "b"], ["a"], ClusterBootstrap(["1", "2"], "image"))
