"""A network with a shortcut keeps its accuracy with the head occluded; one without loses it with the tumor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.fixtures import scans
from tests.fixtures.analysis_context import context_of
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Sample
from tumorlens.errors import ScanError
from tumorlens.evaluation import evaluate
from tumorlens.evaluation.analyses.region_occlusion.measure import measure
from tumorlens.evaluation.analyses.region_occlusion.result import OcclusionTest, RegionOcclusion
from tumorlens.evaluation.subset import with_reference_tumor
from tumorlens.training import Run

CLASSES = ("glioma", "meningioma", "no_tumor")
ROWS, COLUMNS = np.mgrid[:96, :96]
GRAYS = {"glioma": 230, "meningioma": 30, "no_tumor": 120}  # of the middle of a head of 120


class Rule(torch.nn.Module):
    """Predicts the class from one number of each image."""

    def __init__(self, rule: Callable[[np.ndarray], int]) -> None:
        super().__init__()
        self.rule = rule

    def forward(self, images: torch.Tensor) -> SimpleNamespace:
        predicted = [self.rule(image.numpy()) for image in images]
        logits = torch.nn.functional.one_hot(torch.tensor(predicted), 3).float() * 5
        nothing = torch.zeros(len(images), 0, 1, 1)
        boxes = torch.zeros(len(images), 4, dtype=torch.int64)
        mask = torch.zeros(len(images), 0, 0)
        return SimpleNamespace(logits=logits, cam=nothing, boxes=boxes, mask=mask, pooled=nothing[:, :, 0, 0])


def by_tumor(image: np.ndarray) -> int:
    return 0 if image[48, 48] > 180 else 1 if image[48, 48] < 80 else 2


def by_corner(image: np.ndarray) -> int:
    """The letter that a scanner writes."""
    return round(float(image[5, 5]) / 100)


def blindly(image: np.ndarray) -> int:
    return 0


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Ten patients of each class, one image each; tumors have masks, and each class a corner of its own."""
    found = []
    for number in range(30):
        label = CLASSES[number % 3]
        gray = np.random.default_rng(number).integers(0, 5, (96, 96)).astype(np.uint8)
        gray[np.hypot(ROWS - 48, COLUMNS - 48) < 36] = 120
        tumor = (np.hypot(ROWS - 48, COLUMNS - 48) < 8).astype(np.uint8)
        gray[tumor > 0] = GRAYS[label]
        gray[3:8, 3:8] = 100 * CLASSES.index(label)
        path = scans.save(tmp_path / f"{number}.png", gray)
        mask = scans.save(tmp_path / f"{number}-mask.png", tumor * 255) if label != "no_tumor" else None
        found.append(Sample(f"x/{number}", path, label, mask=mask, group=f"x:{number}"))
    return found


def head_test(samples: list[Sample], rule: Callable[[np.ndarray], int]) -> OcclusionTest:
    return measured(samples, rule).tests[1]


def measured(samples: list[Sample], rule: Callable[[np.ndarray], int]) -> RegionOcclusion:
    found = measure(context_of(Rule(rule), samples, CLASSES))
    assert found is not None
    return found


def accuracy(test: OcclusionTest) -> float:
    return test.occluded.overall["accuracy"].value


def test_a_network_that_uses_the_tumor_loses_with_the_tumor_alone(samples: list[Sample]) -> None:
    found = measured(samples, by_tumor)
    outside, head, tumor = found.tests
    assert [test.name for test in found.tests] == ["outside_head_occluded", "head_occluded", "tumor_occluded"]
    assert accuracy(outside) == 1
    assert outside.difference.value == 0
    assert "without occlusion it is 100.0 %" in outside.conclusion
    assert outside.conclusion.endswith("no dependence on the outside of the head is shown.")
    assert accuracy(head) == pytest.approx(1 / 3)  # black is taken for a meningioma
    assert not head.beats_chance
    assert head.conclusion.endswith("class gives 33.3 %: no use of anything outside of the head is shown.")
    assert accuracy(tumor) == 0  # all are predicted as no_tumor
    assert tumor.original.overall["accuracy"].value == 1
    assert tumor.original.overall["accuracy"].n == 20
    assert tumor.conclusion.endswith("class gives 50.0 %): the network uses the tumor.")
    assert found.caveats == ()
    assert found.filled == 0


def test_a_network_that_uses_letters_is_detected(samples: list[Sample]) -> None:
    found = measured(samples, by_corner)
    outside, head, tumor = found.tests
    assert accuracy(head) == 1
    assert head.conclusion == (
        "With the head occluded, accuracy is 100.0 % (88.6 to 100.0); always predicting the most frequent class gives "
        "33.3 %: the network uses something outside of the head, or the outline of the occluded region."
    )
    assert found.caveats == (head.conclusion,)
    assert accuracy(outside) == pytest.approx(1 / 3)
    assert outside.conclusion.endswith("predictions depend in part on what lies outside of the head.")
    assert accuracy(tumor) == 1
    assert tumor.conclusion.endswith("no dependence on the tumor is shown.")


def test_a_shortcut_to_one_rare_class_is_detected_below_the_majority_accuracy(samples: list[Sample]) -> None:
    rare = [s for s in samples if s.label != "no_tumor"] + [s for s in samples if s.label == "no_tumor"][:4]

    def knows_one(image: np.ndarray) -> int:
        return (1, 0, 2)[by_corner(image)] if image[90, 5] > 1 else 2 * (by_corner(image) == 2)

    head = head_test(rare, knows_one)
    assert head.occluded.per_class["no_tumor"]["sensitivity"].value == 1
    assert accuracy(head) < head.majority_accuracy
    assert head.beats_chance
    assert "but balanced accuracy is " in head.conclusion


def test_a_network_that_ignores_the_image_beats_nothing_and_loses_nothing(samples: list[Sample]) -> None:
    for test in measured(samples, blindly).tests:
        assert not test.beats_chance
        assert not test.loses
        assert accuracy(test) == pytest.approx(test.original.overall["accuracy"].value)


def test_plain_data_has_the_metrics_and_the_conclusion(samples: list[Sample]) -> None:
    found = json.loads(json.dumps(measured(samples, by_corner).to_dict()))
    assert list(found) == [
        "outside_head_occluded",
        "head_occluded",
        "tumor_occluded",
        "images_without_background",
    ]
    head = found["head_occluded"]
    assert head["accuracy"]["value"] == head["original_accuracy"]["value"] == 1
    assert head["difference"]["value"] == 0
    assert head["balanced_accuracy"]["value"] == 1
    assert head["sensitivity"]["no_tumor"]["value"] == 1
    assert head["majority_accuracy"] == pytest.approx(1 / 3)
    assert head["conclusion"].startswith("With the head occluded")
    assert found["tumor_occluded"]["accuracy"]["n"] == 20


def test_images_that_are_all_head_are_counted(samples: list[Sample], tmp_path: Path) -> None:
    full = Sample("x/full", scans.save(tmp_path / "full.png", np.full((96, 96), 90, np.uint8)), "glioma")
    assert measured([*samples, full], blindly).filled == 1


def test_only_masks_that_show_a_tumor_count(samples: list[Sample], tmp_path: Path) -> None:
    empty = scans.save(tmp_path / "empty.png", np.zeros((96, 96), np.uint8))
    table = [samples[2], samples[0], Sample("x/empty", samples[1].image, "glioma", mask=empty), samples[1]]
    assert with_reference_tumor(table) == [1, 3]
    wrong = scans.save(tmp_path / "wrong.png", np.zeros((9, 9), np.uint8))
    with assert_refused(ScanError, file=r"wrong\.png"):
        with_reference_tumor([Sample("x/wrong", samples[0].image, "glioma", mask=wrong)])


def test_every_evaluation_with_masks_has_it_unless_it_is_left_out(finished_run: Run) -> None:
    steps: list[tuple[str, int, int | None]] = []
    found = evaluate(
        finished_run, n_resamples=100, progress=lambda stage, done, total: steps.append((stage, done, total))
    )
    result = found.analyses["region_occlusion"]
    assert isinstance(result, RegionOcclusion)
    plain = result.to_dict() | {"conclusions": list(result.conclusions), "caveats": list(result.caveats)}
    assert found.to_dict()["analyses"]["region_occlusion"] == plain
    accuracy = found.metrics.overall["accuracy"]
    for test in result.tests[:2]:
        assert test.original.overall["accuracy"] == accuracy
        assert test.occluded.overall["accuracy"].n == accuracy.n == 8
    assert result.tests[2].occluded.overall["accuracy"].n == 6
    assert {("head occluded", 8, 8), ("outside head occluded", 8, 8), ("tumor occluded", 6, 6)} <= set(steps)
    without = evaluate(finished_run, analyses={"region_occlusion": False}, n_resamples=100)
    assert "region_occlusion" not in without.analyses
    assert np.array_equal(without.logits, found.logits)
