"""A network that cheats is found out when the head is blanked, an honest one when the tumor is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from tests.fixtures import scans
from tumorlens.datasets import Sample
from tumorlens.errors import ScanError
from tumorlens.evaluation import RegionOcclusion, evaluate, infer
from tumorlens.evaluation.analyses.region_occlusion.measure import measure_region_occlusion, outlined
from tumorlens.evaluation.analyses.region_occlusion.result import TITLES, OcclusionTest
from tumorlens.models import Pipeline
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Run

CLASSES = ("glioma", "meningioma", "no_tumor")
ROWS, COLUMNS = np.mgrid[:96, :96]
GRAYS = {"glioma": 230, "meningioma": 30, "no_tumor": 120}  # of the middle of a head of 120


class Reads(torch.nn.Module):
    """Names the class by one number taken from each image."""

    def __init__(self, rule: Callable[[np.ndarray], int]) -> None:
        super().__init__()
        self.rule = rule

    def forward(self, images: torch.Tensor) -> SimpleNamespace:
        named = [self.rule(image.numpy()) for image in images]
        logits = torch.nn.functional.one_hot(torch.tensor(named), 3).float() * 5
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


def head_blanked(samples: list[Sample], rule: Callable[[np.ndarray], int]) -> OcclusionTest:
    return measured(samples, rule).tests[1]


def measured(samples: list[Sample], rule: Callable[[np.ndarray], int]) -> RegionOcclusion:
    pipeline = cast(Pipeline, Reads(rule))
    labels = np.array([CLASSES.index(sample.label) for sample in samples])
    logits = infer(pipeline, samples).logits
    bootstrap = ClusterBootstrap([sample.unit for sample in samples], "patient", n_resamples=200)
    found = measure_region_occlusion(pipeline, samples, outlined(samples), logits, labels, bootstrap, CLASSES)
    assert found is not None
    return found


def accuracy(test: OcclusionTest) -> float:
    return test.blanked.overall["accuracy"].value


def test_an_honest_network_loses_with_the_tumor_and_with_nothing_else(samples: list[Sample]) -> None:
    found = measured(samples, by_tumor)
    ood, head, tumor = found.tests
    assert [test.name for test in found.tests] == list(TITLES)
    assert accuracy(ood) == 1
    assert ood.difference.value == 0
    assert "right, and 100.0 %" in ood.meaning
    assert ood.meaning.endswith("it is not shown to need anything outside of the head.")
    assert accuracy(head) == pytest.approx(1 / 3)  # black is taken for a meningioma
    assert not head.beats_chance
    assert head.meaning.endswith("where guessing gives 33.3 %: it is not shown to read anything outside of the head.")
    assert accuracy(tumor) == 0  # all say no_tumor
    assert tumor.plain.overall["accuracy"].value == 1
    assert tumor.plain.overall["accuracy"].n == 20
    assert tumor.meaning.endswith("where guessing gives 50.0 %: it reads the tumor.")
    assert found.caveat is None
    assert found.filled == 0


def test_a_network_that_reads_letters_is_found_out(samples: list[Sample]) -> None:
    found = measured(samples, by_corner)
    ood, head, tumor = found.tests
    assert accuracy(head) == 1
    assert head.meaning == (
        "With the head blanked the network still names 100.0 % (88.6 to 100.0) right where guessing gives 33.3 %: "
        "it reads something outside of the head, or the outline of what is blanked."
    )
    assert found.caveat == head.meaning
    assert accuracy(ood) == pytest.approx(1 / 3)
    assert ood.meaning.endswith("part of its answers rests on what lies outside of the head.")
    assert accuracy(tumor) == 1
    assert tumor.meaning.endswith("it is not shown to need the tumor.")


def test_a_shortcut_that_gives_away_one_rare_class_is_seen_below_the_rate_of_guessing(samples: list[Sample]) -> None:
    rare = [s for s in samples if s.label != "no_tumor"] + [s for s in samples if s.label == "no_tumor"][:4]

    def knows_one(image: np.ndarray) -> int:
        return (1, 0, 2)[by_corner(image)] if image[90, 5] > 1 else 2 * (by_corner(image) == 2)

    head = head_blanked(rare, knows_one)
    assert head.blanked.per_class["no_tumor"]["sensitivity"].value == 1
    assert accuracy(head) < head.guessing
    assert head.beats_chance
    assert "no more than guessing" not in head.meaning
    assert "and yet it tells classes apart (balanced accuracy " in head.meaning


def test_a_network_that_does_not_look_beats_nothing_and_needs_nothing(samples: list[Sample]) -> None:
    for test in measured(samples, blindly).tests:
        assert not test.beats_chance
        assert not test.loses
        assert accuracy(test) == pytest.approx(test.plain.overall["accuracy"].value)


def test_plain_data_has_the_figures_and_what_they_mean(samples: list[Sample]) -> None:
    found = json.loads(json.dumps(measured(samples, by_corner).to_dict()))
    assert list(found) == [*TITLES, "filled_by_the_head"]
    head = found["head_blanked"]
    assert head["accuracy"]["value"] == head["plain_accuracy"]["value"] == 1
    assert head["difference"]["value"] == 0
    assert head["balanced_accuracy"]["value"] == 1
    assert head["sensitivity"]["no_tumor"]["value"] == 1
    assert head["guessing"] == pytest.approx(1 / 3)
    assert head["meaning"].startswith("With the head blanked")
    assert found["tumor_blanked"]["accuracy"]["n"] == 20


def test_images_that_are_all_head_are_counted(samples: list[Sample], tmp_path: Path) -> None:
    full = Sample("x/full", scans.save(tmp_path / "full.png", np.full((96, 96), 90, np.uint8)), "glioma")
    assert measured([*samples, full], blindly).filled == 1


def test_only_masks_that_show_a_tumor_count(samples: list[Sample], tmp_path: Path) -> None:
    empty = scans.save(tmp_path / "empty.png", np.zeros((96, 96), np.uint8))
    table = [samples[2], samples[0], Sample("x/empty", samples[1].image, "glioma", mask=empty), samples[1]]
    assert outlined(table) == [1, 3]
    wrong = scans.save(tmp_path / "wrong.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(ScanError, match=r"wrong\.png"):
        outlined([Sample("x/wrong", samples[0].image, "glioma", mask=wrong)])


def test_every_evaluation_with_masks_has_it_unless_it_is_left_out(finished_run: Run) -> None:
    steps: list[tuple[int, int]] = []
    found = evaluate(finished_run, n_resamples=100, progress=lambda done, total: steps.append((done, total)))
    assert found.background is not None
    assert found.to_dict()["background"] == found.background.to_dict()
    plain = found.metrics.overall["accuracy"]
    for test in found.background.tests[:2]:
        assert test.plain.overall["accuracy"] == plain
        assert test.blanked.overall["accuracy"].n == plain.n == 8
    assert found.background.tests[2].blanked.overall["accuracy"].n == 6
    subspace = len(finished_run.table().subset("train"))
    total = 16 + subspace + 8 + 8 + 6
    assert steps[-1] == (total, total)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    without = evaluate(finished_run, background=False, n_resamples=100)
    assert without.background is None
    assert without.to_dict()["background"] is None
    assert np.array_equal(without.logits, found.logits)
