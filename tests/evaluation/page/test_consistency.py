"""The page counts images on which class and mask contradict each other, and takes no island for a tumor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from tumorlens.evaluation import Evaluation
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.page.consistency import ShownMasks, disagreement, island_text
from tumorlens.report import Note, find_blocks


def evaluation(predicted: list[int], pixels: list[int]) -> Evaluation:
    """Predictions of glioma (0) or no_tumor (1), each with a mask of so many pixels of 100 x 100."""
    masks = []
    for count in pixels:
        mask = np.zeros((100, 100), np.uint8)
        mask.flat[:count] = 1
        masks.append(PackedMask.of(mask))
    made = SimpleNamespace(
        given="probabilities",
        masks=masks,
        probabilities=np.eye(2)[predicted],
        metrics=SimpleNamespace(classes=("glioma", "no_tumor")),
    )
    return cast(Evaluation, made)


def test_both_kinds_of_contradiction_are_counted() -> None:
    shown = ShownMasks(evaluation([0, 0, 1, 1, 1], [400, 0, 0, 400, 2]))  # 2 of 10,000 pixels are an island
    assert [bool(shown.disagreement(i)) for i in range(5)] == [False, True, False, True, False]
    (block,) = find_blocks(shown.blocks(), Note)
    assert block.kind == "warning"
    assert "disagree on 2 of 5 images: 1 are classified as without tumor" in block.text
    assert "smaller than 0.05 % of the image" in block.text


def test_agreement_is_stated_with_the_rule_for_islands() -> None:
    (block,) = find_blocks(ShownMasks(evaluation([0, 1], [400, 3])).blocks(), Note)
    assert block.kind == "ok"
    assert "agree on all 2 images" in block.text
    assert "are islands" in block.text


@pytest.mark.parametrize(
    ("label", "segmented", "text"),
    [
        ("no_tumor", True, "disagree: classified no_tumor, but a tumor is segmented"),
        ("glioma", False, "disagree: classified glioma, but no tumor is segmented"),
        ("no_tumor", False, ""),
        ("glioma", True, ""),
    ],
)
def test_a_contradiction_is_stated_in_words(label: str, segmented: bool, text: str) -> None:
    assert disagreement(label, segmented=segmented) == text


def test_islands_are_counted_in_the_caption() -> None:
    assert [island_text(n) for n in (0, 1, 2)] == ["", "1 island not drawn", "2 islands not drawn"]
