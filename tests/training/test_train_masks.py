"""A network that segments learns both tasks, can be resumed, and does not need a mask for every image."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tests.fixtures.runs import equal
from tumorlens.cli import main
from tumorlens.datasets import Table, fingerprint, write_table
from tumorlens.datasets.data_records import MaskCounts, MaskUse
from tumorlens.errors import RunError
from tumorlens.training import Recipe, load_recipe, load_run, train
from tumorlens.training.loop.epoch_log import read_history


@pytest.fixture
def segmentation_recipe() -> Callable[..., Recipe]:
    """A recipe for a small network that segments, with overrides."""

    def recipe(*overrides: str) -> Recipe:
        return load_recipe("efficient_mtnet_s", ["input.size=64", "batch_size=4", "epochs=3", *overrides])

    return recipe


def _unmasked(table: Table, *ids: str, subset: str | None = None) -> Table:
    """The table without the masks of these samples, or of a subset."""
    return replace(
        table,
        samples=tuple(replace(s, mask=None) if s.id in ids or s.split == subset else s for s in table.samples),
    )


def test_a_network_learns_classification_and_segmentation(
    phantom_table: Table,
    tmp_path: Path,
    segmentation_recipe: Callable[..., Recipe],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = ("epochs=8", "optimizer.lr=5e-3", "loss.focal_alpha=0.75", "augment={}", "stop.monitor=val_dice")
    with caplog.at_level(logging.INFO, "tumorlens.training.loop.epoch_log"):
        run = train(phantom_table, segmentation_recipe(*settings), tmp_path / "run")
    history = read_history(run.folder / "history.csv")
    for name in ("train_loss", "train_segmentation_loss", "train_auxiliary_loss"):
        assert float(history[-1][name]) < 0.97 * float(history[0][name]), name
    first = {key: float(value) for key, value in history[0].items()}
    assert first["train_loss"] == pytest.approx(
        0.4 * first["train_classification_loss"]
        + 0.6 * first["train_segmentation_loss"]
        + 0.4 * first["train_auxiliary_loss"],
        abs=1e-4,
    )
    assert first["val_loss"] == pytest.approx(
        0.4 * first["val_classification_loss"] + 0.6 * first["val_segmentation_loss"], abs=1e-4
    )
    best = max(history, key=lambda row: (float(row["val_dice"]), -float(row["val_loss"])))
    assert run.record.epoch_kept == int(best["epoch"])
    assert run.record.validation["val_dice"] == float(best["val_dice"])
    counts = MaskCounts(own=6, empty=2, none=0)
    masks = MaskUse(fingerprint=fingerprint(phantom_table, masks=True), segmented=True, train=counts, val=counts)
    assert run.record.masks == masks
    lines = caplog.messages
    assert all(f"val Dice {float(row['val_dice']):.3f}" in line for line, row in zip(lines, history, strict=True))


def test_a_resumed_run_with_masks_equals_an_uninterrupted_one(
    phantom_table: Table, tmp_path: Path, kill: Callable[..., None], segmentation_recipe: Callable[..., Recipe]
) -> None:
    whole = train(phantom_table, segmentation_recipe(), tmp_path / "whole")
    kill(phantom_table, segmentation_recipe(), tmp_path / "broken", 2)
    resumed = train(phantom_table, segmentation_recipe(), tmp_path / "broken", resume=True)
    assert equal(whole, resumed)
    assert resumed.record.validation == whole.record.validation


def test_a_run_with_masks_is_resumed_with_the_same_masks_only(
    phantom_table: Table, tmp_path: Path, kill: Callable[..., None], segmentation_recipe: Callable[..., Recipe]
) -> None:
    kill(phantom_table, segmentation_recipe(), tmp_path / "run", 2)
    first = next(s for s in phantom_table.samples if s.mask)
    with assert_refused(RunError, found=r"other settings .*\(mask_fingerprint was \w+ and is \w+\)"):
        train(_unmasked(phantom_table, first.id), segmentation_recipe(), tmp_path / "run", resume=True)


def test_images_without_a_mask_count_for_their_class_and_are_recorded(
    phantom_table: Table, tmp_path: Path, segmentation_recipe: Callable[..., Recipe]
) -> None:
    with_masks = [s.id for s in phantom_table.samples if s.mask and s.split == "train"]
    some = _unmasked(phantom_table, *with_masks[:4])
    run = train(some, segmentation_recipe("epochs=1"), tmp_path / "run")
    assert run.record.masks is not None
    assert run.record.masks.train == MaskCounts(own=2, empty=2, none=4)
    assert run.record.counts["train"].images == 8
    all_masks = train(phantom_table, segmentation_recipe("epochs=1"), tmp_path / "all")
    assert not equal(run, all_masks)


def test_a_validation_subset_without_masks_is_evaluated_by_classes_only(
    phantom_table: Table, tmp_path: Path, segmentation_recipe: Callable[..., Recipe]
) -> None:
    healthy = {s.id for s in phantom_table.samples if s.split == "val" and s.label == "no_tumor"}
    table = _unmasked(phantom_table, subset="val").filter(lambda s: s.id not in healthy)
    run = train(table, segmentation_recipe("epochs=1"), tmp_path / "run")
    row = read_history(run.folder / "history.csv")[0]
    assert "val_dice" not in row
    assert "val_segmentation_loss" not in row
    assert float(row["val_loss"]) == pytest.approx(0.4 * float(row["val_classification_loss"]), abs=1e-4)


def test_without_a_weight_for_masks_a_network_is_trained_on_labels_only(
    phantom_table: Table, tmp_path: Path, segmentation_recipe: Callable[..., Recipe]
) -> None:
    recipe = segmentation_recipe("loss.segmentation=0", "epochs=1")
    run = train(_unmasked(phantom_table, subset="train"), recipe, tmp_path / "run")
    assert run.record.masks is None
    assert equal(run, train(phantom_table, recipe, tmp_path / "other"))  # masks are not used
    columns = list(read_history(run.folder / "history.csv")[0])
    assert columns == ["epoch", "train_loss", "val_loss", "val_accuracy", "lr", "images_per_second"]
    assert run.record.validation["val_loss"] > 1  # of four classes, unweighted: about ln 4


def test_tensorboard_shows_the_terms_of_the_loss(
    phantom_table: Table, tmp_path: Path, segmentation_recipe: Callable[..., Recipe]
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(phantom_table, segmentation_recipe("epochs=2"), tmp_path / "run")
    events = EventAccumulator(str(run.folder / "tensorboard"))
    events.Reload()
    wanted = {"train_loss", "train_segmentation_loss", "train_auxiliary_loss", "val_loss", "val_dice", "val_accuracy"}
    assert wanted <= set(events.Tags()["scalars"])
    assert len(events.Scalars("val_dice")) == 2


def test_a_network_that_segments_trains_with_a_head_crop(
    phantom_table: Table, tmp_path: Path, segmentation_recipe: Callable[..., Recipe]
) -> None:
    run = train(phantom_table, segmentation_recipe("epochs=1", "input.crop=head"), tmp_path / "run")
    assert run.spec.input_geometry.crop == "head"
    assert run.record.masks is not None
    assert run.record.masks.train == MaskCounts(own=6, empty=2, none=0)
    assert not equal(run, train(phantom_table, segmentation_recipe("epochs=1"), tmp_path / "whole"))


def test_empty_masks_of_tumor_images_are_recorded_and_reported(
    phantom_table: Table,
    tmp_path: Path,
    segmentation_recipe: Callable[..., Recipe],
    capsys: pytest.CaptureFixture[str],
) -> None:
    tumor_sample = next(s for s in phantom_table.samples if s.split == "train" and s.label == "glioma")
    empty = scans.save(tmp_path / "empty.png", np.zeros((64, 64), np.uint8))
    samples = tuple(replace(s, mask=empty) if s.id == tumor_sample.id else s for s in phantom_table.samples)
    write_table(replace(phantom_table, samples=samples), tmp_path / "split.csv")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(segmentation_recipe("epochs=1").to_yaml(), encoding="utf-8")
    arguments = [str(tmp_path / "split.csv"), "--recipe", str(recipe), "--out-dir", str(tmp_path / "run")]
    assert main(["train", *arguments]) == 0
    assert load_run(tmp_path / "run").record.empty_masks == (tumor_sample.id,)
    message = " ".join(capsys.readouterr().err.split())
    assert f"1 images of a tumor class have an empty mask, the first is {tumor_sample.id}" in message
