"""What makes a finding of the tumor probabilities of slices."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from tumorlens.scan.finding_rule import FindingRule


def box(*spans: tuple[slice, slice, slice], size: tuple[int, int, int] = (6, 20, 20)) -> np.ndarray:
    inside = np.zeros(size, bool)
    for span in spans:
        inside[span] = True
    return inside


def test_a_slice_is_averaged_with_its_neighbors_and_at_the_ends_with_the_one_that_exists() -> None:
    probability = np.zeros((4, 1, 1), np.float16)
    probability[:2] = [[[0.8]], [[0.4]]]
    rule = FindingRule()
    averaged = [float(rule.averaged(probability, i)[0, 0]) for i in range(4)]
    assert averaged == pytest.approx([(2 * 0.8 + 0.4) / 3, (0.8 + 2 * 0.4) / 4, 0.4 / 4, 0], abs=1e-3)
    assert rule.inside(probability)[:, 0, 0].tolist() == [True, False, False, False]


def test_what_is_in_one_slice_alone_is_dropped_and_what_meets_at_a_corner_is_one() -> None:
    one_slice = (slice(4, 5), slice(0, 19), slice(0, 19))
    corner = (slice(0, 2), slice(0, 5), slice(0, 5)), (slice(2, 4), slice(5, 8), slice(5, 8))
    labels, count = FindingRule(least_share=0).components(box(*corner) | box((slice(5, 6), *one_slice[1:])))
    assert count == 1
    assert np.array_equal(labels > 0, box(*corner))


def test_components_under_a_quarter_of_the_largest_are_dropped_and_the_largest_comes_first() -> None:
    small, quarter, large = (
        (slice(0, 2), slice(0, 2), slice(0, 2)),
        (slice(0, 2), slice(10, 15), slice(0, 5)),
        (slice(0, 2), slice(10, 20), slice(10, 20)),
    )
    labels, count = FindingRule().components(box(small, quarter, large))
    assert count == 2
    assert (labels[large] == 1).all()
    assert (labels[quarter] == 2).all()
    assert not labels[small].any()


def test_no_voxel_makes_no_finding() -> None:
    labels, count = FindingRule().components(np.zeros((3, 4, 5), bool))
    assert (labels.shape, labels.any(), count) == ((3, 4, 5), False, 0)


def test_more_components_than_labels_keep_the_largest_255() -> None:
    inside = np.zeros((2, 60, 60), bool)
    inside[:, ::2, ::2] = True
    labels, count = FindingRule().components(inside)
    assert count == 255
    assert labels.max() == 255


@pytest.mark.parametrize("change", [{"threshold": 0}, {"least_share": 1.5}, {"least_slices": 0}, {"other": 1}])
def test_values_that_cannot_be_meant_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        FindingRule(**change)
