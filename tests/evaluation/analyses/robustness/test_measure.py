"""A network that reads something is as robust as that something is, and figures follow from the answers."""

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
from tumorlens.evaluation import evaluate
from tumorlens.evaluation.analyses.robustness import ARTIFACTS, Robustness, asked, measure_robustness
from tumorlens.models import Pipeline
from tumorlens.scan import InputGeometry
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Run

CLASSES = ("left", "right")
SIDE = 64
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]


class Reads(torch.nn.Module):
    """Names the class by one number taken from each image; draws what is bright if it is to draw."""

    def __init__(self, rule: Callable[[np.ndarray], int], *, draws: bool = False) -> None:
        super().__init__()
        self.rule, self.draws = rule, draws
        self.prepare = SimpleNamespace(input_geometry=InputGeometry(SIDE))

    def forward(self, images: torch.Tensor) -> SimpleNamespace:
        named = [self.rule(image.numpy()) for image in images]
        logits = torch.nn.functional.one_hot(torch.tensor(named), 2).float() * 5
        boxes = torch.tensor([[0, 0, SIDE, SIDE]] * len(images))
        mask = (images > 180).float() if self.draws else torch.zeros(len(images), 0, 0)
        nothing = torch.zeros(len(images), 0, 1, 1)
        return SimpleNamespace(logits=logits, cam=nothing, boxes=boxes, mask=mask, pooled=nothing[:, :, 0, 0])


def by_side(image: np.ndarray) -> int:
    """The half that is brighter."""
    halves = image[:, : SIDE // 2].astype(float).sum(), image[:, SIDE // 2 :].astype(float).sum()
    return int(halves[1] > halves[0])


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Eight patients with two images each: a head with a bright tumor on one side, which the mask shows."""
    found = []
    for number in range(16):
        label = CLASSES[number // 2 % 2]
        gray = np.where(np.hypot(ROWS - 32, COLUMNS - 32) < 26, 100, 0).astype(np.uint8)
        tumor = np.hypot(ROWS - 30, COLUMNS - (20 if label == "left" else 43)) < 8
        gray[tumor] = 240
        path = scans.save(tmp_path / f"{number}.png", gray)
        mask = scans.save(tmp_path / f"{number}-mask.png", tumor.astype(np.uint8) * 255)
        found.append(Sample(f"x/{number}", path, label, mask=mask, group=f"x:{number // 2}"))
    return found


def measured(samples: list[Sample], rule: Callable[[np.ndarray], int] = by_side, **options: object) -> Robustness:
    draws = bool(options.pop("draws", False))
    labels = np.array([CLASSES.index(sample.label) for sample in samples])
    bootstrap = ClusterBootstrap([sample.unit for sample in samples], "patient", n_resamples=200)
    pipeline = cast(Pipeline, Reads(rule, draws=draws))
    return measure_robustness(pipeline, samples, labels, bootstrap, CLASSES, **options)  # type: ignore[arg-type]


def test_a_network_that_tells_left_from_right_is_undone_by_the_flip_alone(samples: list[Sample]) -> None:
    found = measured(samples)
    rows = {row.name: row for row in found.rows}
    assert list(rows) == list(ARTIFACTS)
    assert found.accuracy.clean.value == 1
    assert (found.accuracy.clean.n, found.accuracy.clean.units) == (16, 8)
    assert rows["flip"].accuracy.value == 0
    assert rows["flip"].cells[0].difference.value == -1
    assert rows["flip"].cells[0].accuracy.method == "wilson"
    assert rows["jpeg"].accuracy.value == rows["noise"].accuracy.value == 1
    assert found.worst == (rows["flip"], rows["flip"].cells[0])
    assert found.worst_words == (
        "Worst is left-right flip (left and right exchanged): accuracy 0.0 % (0.0 to 32.4), and 50 % of the images "
        "are named left."
    )


def test_every_artifact_counts_once_and_every_severity_as_much(samples: list[Sample]) -> None:
    found = measured(samples, lambda image: int(int(image[30, 43]) + 60 > int(image[30, 20])))
    for row in found.rows:
        assert len(row.cells) == len(ARTIFACTS[row.name].amounts)
        assert row.accuracy.value == pytest.approx(np.mean([cell.accuracy.value for cell in row.cells]))
    overall = found.accuracy
    assert overall.mean.value == pytest.approx(np.mean([row.accuracy.value for row in found.rows]))
    assert overall.drop.value == pytest.approx((overall.clean.value - overall.mean.value) / overall.clean.value)
    graded = [row for row in found.rows if len(row.cells) == 5]
    for i, (figure, less) in enumerate(zip(overall.severities, overall.differences, strict=True)):
        assert figure.value == pytest.approx(np.mean([row.cells[i].accuracy.value for row in graded]))
        assert less.value == pytest.approx(figure.value - overall.clean.value)
    assert overall.mean.value not in (0, 1, overall.clean.value)  # so that this says something
    assert overall.mean.low is not None
    assert overall.mean.low <= overall.mean.value <= overall.mean.high  # type: ignore[operator]


def test_masks_move_with_their_images(samples: list[Sample]) -> None:
    found = measured(samples, draws=True)
    assert found.dice is not None
    assert found.dice.clean.value == 1
    rows = {row.name: row for row in found.rows}
    assert rows["flip"].dice is not None
    assert rows["flip"].dice.value == 1
    assert all(cell.dice is not None and cell.dice.value > 0.85 for cell in rows["rotation"].cells)
    darkest = rows["bias_field"].cells[4]
    assert darkest.dice_difference is not None
    assert darkest.dice_difference.value < -0.05  # some tumors are no longer bright
    assert "; Dice is " in found.summary


def test_dice_is_over_the_images_that_have_a_mask(samples: list[Sample]) -> None:
    bare = [Sample(s.id, s.image, s.label, group=s.group) for s in samples]
    some = measured([*samples[:4], *bare[4:]], draws=True)
    assert some.dice is not None
    assert (some.dice.clean.n, some.dice.clean.units) == (4, 2)
    assert measured(bare, draws=True).dice is None
    assert measured(samples).dice is None
    assert measured(samples).rows[0].cells[0].dice is None


def test_a_limit_takes_images_of_all_patients(samples: list[Sample]) -> None:
    steps: list[tuple[int, int]] = []
    found = measured(samples, limit=8, progress=lambda done, total: steps.append((done, total)))
    assert [samples[i].group for i in found.positions] == [f"x:{i}" for i in range(8)]
    assert steps[-1] == (asked(16, 8), asked(16, 8)) == (8 * 57, 8 * 57)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert len(measured(samples, limit=0).positions) == 16
    assert asked(16, 0) == asked(16, 300) == 16 * 57


def test_each_file_is_read_once(samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    from tumorlens.evaluation.analyses.robustness import measure

    read: list[Path] = []
    original = measure.read_scan

    def counted(path: Path) -> object:
        read.append(path)
        return original(path)

    monkeypatch.setattr(measure, "read_scan", counted)
    measured(samples)
    assert sorted(read) == sorted(sample.image for sample in samples)


def test_a_network_that_does_not_look_loses_nothing_and_says_so(samples: list[Sample]) -> None:
    found = measured(samples, lambda _: 0)
    assert found.accuracy.drop.value == 0
    assert found.accuracy.falls_from is None
    assert found.caveat is None
    assert found.meaning.startswith("In the mean over artifacts no loss of accuracy is shown at any severity")


def test_plain_data_has_every_figure(samples: list[Sample]) -> None:
    found = json.loads(json.dumps(measured(samples, draws=True).to_dict()))
    assert found["images"] == 16
    assert list(found["artifacts"]) == list(ARTIFACTS)
    assert found["worst"]["artifact"] == "flip"
    cell = found["artifacts"]["noise"]["severities"][2]
    assert cell["severity"] == 3
    assert cell["amount"] == "sigma 9 % of the brightest tissue"
    assert {"accuracy", "difference", "dice", "dice_difference"} <= set(cell)
    assert found["dice"]["clean"]["value"] == 1


def test_an_evaluation_has_it_where_it_is_asked_for(segmentation_run: Run) -> None:
    steps: list[tuple[int, int]] = []
    found = evaluate(
        segmentation_run, background=False, robustness=2, n_resamples=100, progress=lambda *step: steps.append(step)
    )
    assert found.robustness is not None
    assert found.to_dict()["robustness"] == found.robustness.to_dict()
    assert len(found.robustness.positions) == 2
    assert found.robustness.dice is not None
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    done, total = steps[-1]
    assert done == total
    evaluate(segmentation_run, background=False, n_resamples=100, progress=lambda *step: steps.append(step))
    assert total - steps[-1][1] == asked(8, 2)
    right = [
        found.samples[i].label == found.metrics.classes[found.logits[i].argmax()] for i in found.robustness.positions
    ]
    assert found.robustness.accuracy.clean.value == np.mean(right)
    assert found.segmentation is not None
    dice = [found.segmentation.drawings[i].dice for i in found.robustness.positions if found.samples[i].mask]
    assert found.robustness.dice.clean.value == pytest.approx(np.nanmean(dice))
