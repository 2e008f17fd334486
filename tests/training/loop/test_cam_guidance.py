"""CAM guidance moves class activation into the tumor: by hand on maps of four cells, and in training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.fixtures.runs import equal
from tumorlens.datasets import Table
from tumorlens.datasets.data_records import MaskCounts
from tumorlens.explanation.methods.grad_cam import grad_cam
from tumorlens.models import create
from tumorlens.training import Recipe, load_recipe, train
from tumorlens.training.loop.cam_guidance import (
    cam_guidance_loss,
    class_maps,
    pointing_game_hits,
    relevance_mass_accuracy,
)
from tumorlens.training.loop.epoch_log import read_history

EXACT = torch.zeros(1, 1, 2, 2)
EXACT[0, 0, 0, 0] = 1  # as large as the maps below: each cell is tumor or not


def _map(*values: float) -> Tensor:
    """One map of 2 x 2 cells."""
    return torch.tensor(values, dtype=torch.float32).view(1, 2, 2)


def _large(top: int, left: int, side: int, size: int = 64) -> Tensor:
    masks = torch.zeros(1, 1, size, size, dtype=torch.uint8)
    masks[:, :, top : top + side, left : left + side] = 1
    return masks


def test_relevance_mass_accuracy_is_the_share_of_positive_relevance_inside_the_tumor() -> None:
    assert float(relevance_mass_accuracy(_map(3, 1, 0, 0), EXACT)) == pytest.approx(0.75)
    assert float(relevance_mass_accuracy(_map(3, 1, -7, -9), EXACT)) == pytest.approx(
        0.75
    )  # negative relevance is ignored
    assert float(relevance_mass_accuracy(_map(-1, -2, 0, -3), EXACT)) == 0  # no positive relevance


@pytest.mark.parametrize(("side", "cells"), [(64, 4), (64, 8), (60, 8), (224, 7)])
def test_relevance_mass_accuracy_is_that_of_the_map_upsampled_to_the_image(side: int, cells: int) -> None:
    torch.manual_seed(0)
    maps, masks = torch.randn(3, cells, cells), _large(side // 4, side // 3, side // 5, side).expand(3, -1, -1, -1)
    upsampled = F.interpolate(maps.relu()[:, None], size=(side, side), mode="bilinear")
    expected = (upsampled * masks).sum((1, 2, 3)) / upsampled.sum((1, 2, 3))
    torch.testing.assert_close(relevance_mass_accuracy(maps, masks), expected, rtol=0.03, atol=1e-3)


def test_the_pointing_game_tests_the_position_of_the_maximum() -> None:
    maps = torch.zeros(1, 4, 4)
    maps[0, 1, 2] = 1.0  # of 64 pixels: rows 16 to 31, columns 32 to 47
    assert pointing_game_hits(maps, _large(20, 36, 8)).tolist() == [True]
    assert pointing_game_hits(maps, _large(20, 4, 8)).tolist() == [False]
    assert pointing_game_hits(maps - 1, _large(20, 36, 8)).tolist() == [False]  # no positive value


def test_the_map_is_grad_cam_of_the_reference_class_in_float32() -> None:
    torch.manual_seed(0)
    network, labels = create("mini_resnet", 3).eval(), torch.tensor([2, 0])
    inputs = torch.randn(2, 3, 64, 64)
    output, weights = network(inputs), network.classifier_weights()
    assert weights is not None
    maps = class_maps(weights, output.features, labels)
    torch.testing.assert_close(maps.relu() / 16, grad_cam(network, inputs, labels.tolist()))  # 4 x 4 cells
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(class_maps(weights, output.features, labels), maps)


def test_the_loss_of_a_strong_map_is_one_minus_its_relevance_mass_accuracy() -> None:
    assert float(cam_guidance_loss(_map(3e4, 1e4, -5, 0), EXACT)) == pytest.approx(0.25, abs=1e-4)
    assert float(cam_guidance_loss(_map(9e4, 0, -5, 0), EXACT)) == pytest.approx(0, abs=1e-4)
    both = torch.cat([_map(3e4, 1e4, 0, 0), _map(0, 1e4, 0, 0)])
    assert float(cam_guidance_loss(both, EXACT.expand(2, -1, -1, -1))) == pytest.approx((0.25 + 1) / 2, abs=1e-4)


def test_the_best_possible_map_of_a_small_tumor_has_no_loss() -> None:
    small = _large(4, 4, 6)  # in the first of 8 x 8 cells, which it does not fill
    best = torch.zeros(1, 8, 8)
    best[0, 0, 0] = 1e6
    assert float(relevance_mass_accuracy(best, small)) < 0.6
    assert float(cam_guidance_loss(best, small)) == pytest.approx(0, abs=1e-4)
    assert float(cam_guidance_loss(best.flip(1), small)) == 1


@pytest.mark.parametrize("values", [(-1.0, -1.0, -1.0, -1.0), (-1.0, 2.0, 0.0, -3.0)])
def test_a_map_that_is_zero_or_outside_of_the_tumor_moves_into_it(values: tuple[float, ...]) -> None:
    maps = _map(*values).requires_grad_()
    assert float(cam_guidance_loss(maps.detach(), EXACT)) == 1
    optimizer = torch.optim.SGD([maps], 0.5)
    for _ in range(60):
        optimizer.zero_grad()
        cam_guidance_loss(maps, EXACT).backward()
        assert maps.grad is not None
        assert maps.grad.isfinite().all()
        optimizer.step()
    assert float(relevance_mass_accuracy(maps.detach(), EXACT)) > 0.9
    assert (maps.detach()[0].flatten()[2:] <= 0.0).all()  # no cell outside of it became positive


def test_the_gradient_of_a_weak_map_is_bounded() -> None:
    maps = (1e-6 * _map(1, 2, 3, 4)).requires_grad_()
    cam_guidance_loss(maps, EXACT).backward()
    assert maps.grad is not None
    assert maps.grad.abs().sum() < 20


def test_a_batch_without_tumors_has_no_loss_but_a_gradient() -> None:
    weights, features = torch.ones(2, 3, requires_grad=True), torch.ones(0, 3, 2, 2, requires_grad=True)
    loss = cam_guidance_loss(class_maps(weights, features, torch.zeros(0, dtype=torch.long)), torch.zeros(0, 1, 8, 8))
    loss.backward()
    assert float(loss.detach()) == 0
    assert weights.grad is not None
    assert not weights.grad.any()


def _recipe(*overrides: str) -> Recipe:
    return load_recipe("demo", ["input.size=64", "batch_size=4", "epochs=4", "augment={}", *overrides])


def _healthy(table: Table, subset: str) -> Table:
    """The table with only healthy images in a subset."""
    return table.filter(lambda s: s.split != subset or s.label == "no_tumor")


def test_training_with_cam_guidance_moves_the_maps_into_the_tumor(phantom_table: Table, tmp_path: Path) -> None:
    settings = ("epochs=8", "input.size=96", "precise_batch_norm=true")
    runs = {w: train(phantom_table, _recipe(f"loss.cam_guidance={w}", *settings), tmp_path / str(w)) for w in (1e-6, 2)}
    rows = {weight: read_history(run.folder / "history.csv")[-1] for weight, run in runs.items()}
    assert float(rows[2]["train_cam_guidance_loss"]) < 0.5 * float(rows[1e-6]["train_cam_guidance_loss"])
    record = runs[2].record
    assert record.masks is not None
    assert not record.masks.segmented
    assert record.masks.train == MaskCounts(own=6, empty=2, none=0)
    best = min(read_history(runs[2].folder / "history.csv"), key=lambda row: float(row["val_loss"]))
    for name in ("val_relevance_mass_accuracy", "val_pointing_game"):
        assert record.validation[name] == float(best[name])
    assert not runs[2].segments


def test_without_cam_guidance_masks_are_not_read(phantom_table: Table, tmp_path: Path) -> None:
    bare = replace(phantom_table, samples=tuple(replace(s, mask=None) for s in phantom_table.samples))
    run = train(bare, _recipe("epochs=1"), tmp_path / "bare")
    assert run.record.masks is None
    assert equal(run, train(phantom_table, _recipe("epochs=1"), tmp_path / "whole"))
    columns = set(read_history(run.folder / "history.csv")[0])
    assert not {"train_cam_guidance_loss", "val_relevance_mass_accuracy"} & columns


def test_a_network_learns_classification_segmentation_and_guidance_together(
    phantom_table: Table, tmp_path: Path
) -> None:
    settings = ("model=efficientnet_lite0_unet", "input.channels=3", "epochs=1", "loss.cam_guidance=0.5")
    run = train(phantom_table, _recipe(*settings), tmp_path / "all")
    row = {key: float(value) for key, value in read_history(run.folder / "history.csv")[0].items()}
    total = (
        0.4 * row["train_classification_loss"]
        + 0.6 * row["train_segmentation_loss"]
        + 0.5 * row["train_cam_guidance_loss"]
    )
    assert row["train_loss"] == pytest.approx(total, rel=0.02)  # the terms have different weights over the 2 batches
    assert {"val_dice", "val_relevance_mass_accuracy", "val_pointing_game"} <= set(run.record.validation)
    assert run.segments
    guided = train(phantom_table, _recipe(*settings, "loss.segmentation=0"), tmp_path / "guided")
    assert not guided.segments
    assert guided.record.masks is not None
    assert not guided.record.masks.segmented


def test_a_resumed_guided_run_equals_an_uninterrupted_one(
    phantom_table: Table, tmp_path: Path, kill: Callable[..., None]
) -> None:
    recipe = load_recipe("demo", ["input.size=48", "batch_size=4", "epochs=3", "loss.cam_guidance=1", "precision=bf16"])
    whole = train(phantom_table, recipe, tmp_path / "whole")
    kill(phantom_table, recipe, tmp_path / "broken", 2)
    resumed = train(phantom_table, recipe, tmp_path / "broken", resume=True)
    assert equal(whole, resumed)
    assert resumed.record.validation == whole.record.validation


def test_healthy_validation_images_have_no_relevance_mass_accuracy(phantom_table: Table, tmp_path: Path) -> None:
    run = train(_healthy(phantom_table, "val"), _recipe("epochs=1", "loss.cam_guidance=1"), tmp_path / "run")
    row = read_history(run.folder / "history.csv")[0]
    assert "val_relevance_mass_accuracy" not in row
    assert float(row["val_loss"]) > 0
    assert run.record.masks is not None
    assert run.record.masks.val == MaskCounts(own=0, empty=2, none=0)


def test_the_validation_loss_does_not_include_guidance(phantom_table: Table, tmp_path: Path) -> None:
    settings = ("epochs=1", "optimizer.lr=1e-9", "schedule.name=constant", "schedule.warmup=0")
    plain, guided = (
        train(phantom_table, _recipe(f"loss.cam_guidance={w}", *settings), tmp_path / w) for w in ("0", "5")
    )
    assert guided.record.validation["val_loss"] == pytest.approx(plain.record.validation["val_loss"], abs=1e-3)
