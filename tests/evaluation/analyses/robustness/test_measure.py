"""A network is as robust as what it uses, and metrics follow from its predictions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.fixtures import scans
from tests.fixtures.analysis_context import context_of
from tumorlens.datasets import Sample
from tumorlens.evaluation import Evaluation, evaluate
from tumorlens.evaluation.analyses.robustness import measure as robustness
from tumorlens.evaluation.analyses.robustness.corruptions import ARTIFACTS
from tumorlens.evaluation.analyses.robustness.measure import CELLS
from tumorlens.evaluation.analyses.robustness.result import Robustness
from tumorlens.scan import InputGeometry
from tumorlens.training import Run

CLASSES = ("left", "right")
SIDE = 64
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]


class Rule(torch.nn.Module):
    """Predicts the class from one number of each image; segments bright pixels on request."""

    def __init__(self, rule: Callable[[np.ndarray], int], *, segments: bool = False) -> None:
        super().__init__()
        self.rule, self.segments = rule, segments
        self.preprocessing = SimpleNamespace(input_geometry=InputGeometry(SIDE))

    def forward(self, images: torch.Tensor) -> SimpleNamespace:
        predicted = [self.rule(image.numpy()) for image in images]
        logits = torch.nn.functional.one_hot(torch.tensor(predicted), 2).float() * 5
        boxes = torch.tensor([[0, 0, SIDE, SIDE]] * len(images))
        mask = (images > 180).float() if self.segments else torch.zeros(len(images), 0, 0)
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


def measured(
    samples: list[Sample], rule: Callable[[np.ndarray], int] = by_side, *, segments: bool = False, **options: Any
) -> Robustness:
    result = robustness.measure(context_of(Rule(rule, segments=segments), samples, CLASSES, **options))
    assert result is not None
    return result


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
    assert found.worst_cell == (
        "The worst artifact is left-right flip (left and right exchanged): accuracy 0.0 % (0.0 to 32.4); 50.0 % of the "
        "images are classified as left."
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
    found = measured(samples, segments=True)
    assert found.dice is not None
    assert found.dice.clean.value == 1
    rows = {row.name: row for row in found.rows}
    assert rows["flip"].dice is not None
    assert rows["flip"].dice.value == 1
    assert all(cell.dice is not None and cell.dice.value > 0.85 for cell in rows["rotation"].cells)
    darkest = rows["bias_field"].cells[4]
    assert darkest.dice_difference is not None
    assert darkest.dice_difference.value < -0.05  # some tumors are no longer bright
    assert "; the mean Dice is " in found.summary


def test_dice_is_over_the_images_that_have_a_mask(samples: list[Sample]) -> None:
    bare = [Sample(s.id, s.image, s.label, group=s.group) for s in samples]
    some = measured([*samples[:4], *bare[4:8]], segments=True)
    assert some.dice is not None
    assert (some.dice.clean.n, some.dice.clean.units) == (4, 2)
    assert measured(bare[:4], segments=True).dice is None
    unsegmented = measured(samples[:4])
    assert unsegmented.dice is None
    assert unsegmented.rows[0].cells[0].dice is None


def test_a_limit_takes_images_of_all_patients(samples: list[Sample]) -> None:
    steps: list[tuple[str, int, int | None]] = []
    found = measured(samples, limit=8, progress=lambda stage, done, total: steps.append((stage, done, total)))
    assert [samples[i].group for i in found.positions] == [f"x:{i}" for i in range(8)]
    work = 8 * (1 + len(CELLS))
    assert steps[-1] == ("robustness", work, work) == ("robustness", 8 * 57, 8 * 57)
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert len(measured(samples, limit=0).positions) == 16


def test_each_file_is_read_once(samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    original = robustness.read_scan

    def counted(path: Path) -> object:
        read.append(path)
        return original(path)

    monkeypatch.setattr(robustness, "read_scan", counted)
    measured(samples)
    assert sorted(read) == sorted(sample.image for sample in samples)


def test_a_network_that_ignores_the_image_loses_nothing(samples: list[Sample]) -> None:
    found = measured(samples, lambda _: 0)
    assert found.accuracy.drop.value == 0
    assert found.accuracy.falls_from is None
    assert found.caveats == ()
    assert found.conclusion.startswith("The mean over artifacts shows no loss of accuracy at any severity")


def test_plain_data_has_every_metric(samples: list[Sample]) -> None:
    found = json.loads(json.dumps(measured(samples, segments=True).to_dict()))
    assert found["images"] == 16
    assert list(found["artifacts"]) == list(ARTIFACTS)
    assert found["worst"]["artifact"] == "flip"
    cell = found["artifacts"]["noise"]["severities"][2]
    assert cell["severity"] == 3
    assert cell["amount"] == "sigma 9 % of the brightest tissue"
    assert {"accuracy", "difference", "dice", "dice_difference"} <= set(cell)
    assert found["dice"]["clean"]["value"] == 1


def test_an_evaluation_has_it_on_request(segmentation_run: Run, evaluation: Evaluation) -> None:
    steps: list[tuple[str, int, int | None]] = []
    found = evaluate(
        segmentation_run,
        analyses={"region_occlusion": False, "robustness": True},
        limits={"robustness": 2},
        n_resamples=100,
        progress=lambda stage, done, total: steps.append((stage, done, total)),
    )
    result = found.analyses["robustness"]
    assert isinstance(result, Robustness)
    plain = found.to_dict()["analyses"]["robustness"]
    assert plain == result.to_dict() | {"conclusions": list(result.conclusions), "caveats": list(result.caveats)}
    assert len(result.positions) == 2
    assert result.dice is not None
    assert ("robustness", 2 * (1 + len(CELLS)), 2 * (1 + len(CELLS))) in steps
    correct = [found.samples[i].label == found.metrics.classes[found.logits[i].argmax()] for i in result.positions]
    assert result.accuracy.clean.value == np.mean(correct)
    assert found.segmentation is not None
    dice = [found.segmentation.cases[i].dice for i in result.positions if found.samples[i].mask]
    assert result.dice.clean.value == pytest.approx(np.nanmean(dice))
    assert "robustness" not in evaluation.analyses
