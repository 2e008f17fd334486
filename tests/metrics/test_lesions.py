"""A lesion is detected by what overlaps it enough, once, in however many pieces it is predicted."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.metrics.lesions import LesionCounts, largest_component, match_lesions


def image(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """A mask of 40 x 40 pixels with boxes from (row, column) to (row, column)."""
    mask = np.zeros((40, 40), np.uint8)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = 1
    return mask


TWO = image((0, 0, 10, 10), (20, 20, 30, 30))


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (TWO, LesionCounts(2, 2, 0)),
        (image(), LesionCounts(2, 0, 0)),
        (image((0, 0, 10, 10), (35, 0, 38, 3)), LesionCounts(2, 1, 1)),
        (image((0, 0, 4, 10), (6, 0, 10, 10)), LesionCounts(2, 1, 0)),  # one tumor in two pieces
        (image((0, 0, 30, 30)), LesionCounts(2, 2, 0)),  # one prediction over both: 100 of 900 pixels each
        (image((0, 0, 40, 40)), LesionCounts(2, 0, 1)),  # 100 of 1600 pixels: the image is no tumor
        (image((9, 9, 12, 12)), LesionCounts(2, 0, 1)),  # one common pixel does not detect
    ],
)
def test_connected_components_are_matched(predicted: np.ndarray, expected: LesionCounts) -> None:
    assert match_lesions(predicted, TWO) == expected


def test_pixels_that_meet_at_a_corner_are_one_component() -> None:
    chain = np.eye(40, dtype=np.uint8)
    assert match_lesions(chain, chain) == LesionCounts(1, 1, 0)


def test_without_a_tumor_every_component_is_a_false_positive() -> None:
    assert match_lesions(TWO, image()) == LesionCounts(0, 0, 2)
    assert match_lesions(image(), image()) == LesionCounts(0, 0, 0)


def test_ten_percent_of_the_union_is_just_enough() -> None:
    reference = image((0, 0, 10, 10))
    assert match_lesions(image((0, 0, 1, 10)), reference).detected == 1
    assert match_lesions(image((0, 0, 1, 9)), reference).detected == 0


def test_in_a_volume_slices_belong_together_and_voxels_that_meet_at_a_corner() -> None:
    stack = np.zeros((5, 40, 40), np.uint8)
    stack[0:2] = TWO  # two lesions over two slices
    assert match_lesions(stack, stack) == LesionCounts(2, 2, 0)
    corner = np.zeros((3, 3, 3), np.uint8)
    corner[0, 0, 0] = corner[1, 1, 1] = corner[2, 2, 2] = 1
    assert match_lesions(corner, corner) == LesionCounts(1, 1, 0)
    apart = corner.copy()
    apart[1, 1, 1] = 0
    assert match_lesions(apart, corner) == LesionCounts(1, 1, 0)  # both pieces overlap it
    assert match_lesions(corner, apart) == LesionCounts(2, 2, 0)


def test_lesions_of_a_volume_are_matched_as_a_list_of_sets_says() -> None:
    """Against flood fill and sets of voxels, without scipy."""
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(20):
        first, second = ((rng.random((5, 6, 6)) < 0.12).astype(np.uint8) for _ in range(2))
        ours, theirs = pieces(first), pieces(second)
        detected, used = 0, set()
        for lesion in theirs:
            touching = [i for i, piece in enumerate(ours) if piece & lesion]
            union = lesion.union(*(ours[i] for i in touching))
            overlap = set().union(*(ours[i] & lesion for i in touching))
            if len(overlap) >= 0.1 * len(union):
                detected += 1
                used |= set(touching)
        assert match_lesions(first, second) == LesionCounts(len(theirs), detected, len(ours) - len(used))
        assert largest_component(first) == max(map(len, ours))
        seen.add(detected)
    assert len(seen) > 2


def pieces(mask: np.ndarray) -> list[set[tuple[int, ...]]]:
    left, found = {tuple(map(int, place)) for place in np.argwhere(mask)}, []
    while left:
        open_ = [left.pop()]
        piece = set(open_)
        while open_:
            at = open_.pop()
            near = {other for other in left if max(abs(a - b) for a, b in zip(at, other, strict=True)) <= 1}
            left -= near
            piece |= near
            open_ += near
        found.append(piece)
    return found


def test_small_reference_lesions_can_be_left_out() -> None:
    speck = image((0, 0, 10, 10), (20, 20, 21, 22))
    assert match_lesions(image(), speck, least=3) == LesionCounts(1, 0, 0)
    assert match_lesions(image((20, 20, 21, 22)), speck, least=3) == LesionCounts(1, 0, 0)  # no false positive either
    assert match_lesions(image((30, 30, 32, 32)), speck, least=3) == LesionCounts(1, 0, 1)
    assert match_lesions(speck, speck, least=2) == LesionCounts(2, 2, 0)


def test_an_empty_volume_has_no_largest_component() -> None:
    assert largest_component(np.zeros((2, 3, 4), np.uint8)) == 0
