"""A network that draws masks learns both tasks, is killed and resumed alike, and needs no mask for every image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.fixtures import scans
from tests.fixtures.runs import equal
from tumorlens.cli import main
from tumorlens.datasets import Table, fingerprint, write_table
from tumorlens.errors import RunError
from tumorlens.training import Recipe, load_recipe, load_run, train
from tumorlens.training.loop.epoch_log import read_history


@pytest.fixture
def drawing() -> Callable[..., Recipe]:
    """A recipe for a network that draws masks, small, with overrides."""

    def recipe(*overrides: str) -> Recipe:
        return load_recipe("efficient_mtnet_s", ["input.size=64", "batch_size=4", "epochs=3", *overrides])

    return recipe


def _unmasked(table: Table, *ids: str, part: str | None = None) -> Table:
    """The table without the masks of these samples, or of a part."""
    return replace(
        table,
        samples=tuple(replace(s, mask=None) if s.id in ids or s.split == part else s for s in table.samples),
    )


def test_a_network_learns_to_name_and_to_draw(
    phantom_table: Table, tmp_path: Path, drawing: Callable[..., Recipe]
) -> None:
    settings = ("epochs=8", "optimizer.lr=5e-3", "loss.focal_alpha=0.75", "augment={}", "stop.monitor=val_dice")
    with (tmp_path / "log").open("w") as stream:
        console = Console(file=stream, width=60)
        run = train(phantom_table, drawing(*settings), tmp_path / "run", console=console)
    history = read_history(run.folder / "history.csv")
    for name in ("train_loss", "train_mask_loss", "train_auxiliary_loss"):
        assert float(history[-1][name]) < 0.97 * float(history[0][name]), name
    first = {key: float(value) for key, value in history[0].items()}
    assert first["train_loss"] == pytest.approx(
        0.4 * first["train_classification_loss"] + 0.6 * first["train_mask_loss"] + 0.4 * first["train_auxiliary_loss"],
        abs=1e-4,
    )
    assert first["val_loss"] == pytest.approx(
        0.4 * first["val_classification_loss"] + 0.6 * first["val_mask_loss"], abs=1e-4
    )
    best = max(history, key=lambda row: (float(row["val_dice"]), -float(row["val_loss"])))
    assert run.record.epoch_kept == int(best["epoch"])
    assert run.record.validation["val_dice"] == float(best["val_dice"])
    assert run.record.masks == {
        "fingerprint": fingerprint(phantom_table, masks=True),
        "segmented": True,
        "train": {"own": 6, "empty": 2, "none": 0},
        "val": {"own": 6, "empty": 2, "none": 0},
    }
    lines = [line for line in (tmp_path / "log").read_text().splitlines() if line.strip()]
    assert all(f"val Dice {float(row['val_dice']):.3f}" in line for line, row in zip(lines, history, strict=True))


def test_a_killed_run_with_masks_ends_as_if_nothing_had_happened(
    phantom_table: Table, tmp_path: Path, kill: Callable[..., None], drawing: Callable[..., Recipe]
) -> None:
    whole = train(phantom_table, drawing(), tmp_path / "whole")
    kill(phantom_table, drawing(), tmp_path / "broken", 2)
    resumed = train(phantom_table, drawing(), tmp_path / "broken", resume=True)
    assert equal(whole, resumed)
    assert resumed.record.validation == whole.record.validation


def test_a_run_with_masks_is_resumed_with_the_same_masks_only(
    phantom_table: Table, tmp_path: Path, kill: Callable[..., None], drawing: Callable[..., Recipe]
) -> None:
    kill(phantom_table, drawing(), tmp_path / "run", 2)
    first = next(s for s in phantom_table.samples if s.mask)
    with pytest.raises(RunError, match=r"otherwise .*\(masks was \w+, is \w+\)"):
        train(_unmasked(phantom_table, first.id), drawing(), tmp_path / "run", resume=True)


def test_images_without_a_mask_count_for_their_class_and_are_counted(
    phantom_table: Table, tmp_path: Path, drawing: Callable[..., Recipe]
) -> None:
    with_masks = [s.id for s in phantom_table.samples if s.mask and s.split == "train"]
    some = _unmasked(phantom_table, *with_masks[:4])
    run = train(some, drawing("epochs=1"), tmp_path / "run")
    assert run.record.masks["train"] == {"own": 2, "empty": 2, "none": 4}
    assert run.record.counts["train"]["images"] == 8
    all_masks = train(phantom_table, drawing("epochs=1"), tmp_path / "all")
    assert not equal(run, all_masks)


def test_a_validation_part_without_masks_is_judged_by_classes_alone(
    phantom_table: Table, tmp_path: Path, drawing: Callable[..., Recipe]
) -> None:
    healthy = {s.id for s in phantom_table.samples if s.split == "val" and s.label == "no_tumor"}
    table = _unmasked(phantom_table, part="val").where(lambda s: s.id not in healthy)
    run = train(table, drawing("epochs=1"), tmp_path / "run")
    row = read_history(run.folder / "history.csv")[0]
    assert "val_dice" not in row
    assert "val_mask_loss" not in row
    assert float(row["val_loss"]) == pytest.approx(0.4 * float(row["val_classification_loss"]), abs=1e-4)


def test_without_a_weight_for_masks_a_network_is_trained_on_labels_alone(
    phantom_table: Table, tmp_path: Path, drawing: Callable[..., Recipe]
) -> None:
    recipe = drawing("loss.mask=0", "epochs=1")
    run = train(_unmasked(phantom_table, part="train"), recipe, tmp_path / "run")
    assert run.record.masks is None
    assert equal(run, train(phantom_table, recipe, tmp_path / "other"))  # masks play no part
    columns = list(read_history(run.folder / "history.csv")[0])
    assert columns == ["epoch", "train_loss", "val_loss", "val_accuracy", "lr", "images_per_second"]
    assert run.record.validation["val_loss"] > 1  # of four classes, unweighted: about ln 4


def test_tensorboard_shows_the_parts_of_the_loss(
    phantom_table: Table, tmp_path: Path, drawing: Callable[..., Recipe]
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(phantom_table, drawing("epochs=2"), tmp_path / "run")
    events = EventAccumulator(str(run.folder / "tensorboard"))
    events.Reload()
    wanted = {"train_loss", "train_mask_loss", "train_auxiliary_loss", "val_loss", "val_dice", "val_accuracy"}
    assert wanted <= set(events.Tags()["scalars"])
    assert len(events.Scalars("val_dice")) == 2


def test_a_network_with_masks_trains_around_the_head(
    phantom_table: Table, tmp_path: Path, drawing: Callable[..., Recipe]
) -> None:
    run = train(phantom_table, drawing("epochs=1", "input.crop=head"), tmp_path / "run")
    assert run.spec.input_geometry.crop == "head"
    assert run.record.masks["train"]["own"] == 6
    assert not equal(run, train(phantom_table, drawing("epochs=1"), tmp_path / "whole"))


def test_masks_that_hide_a_tumor_are_told(
    phantom_table: Table,
    tmp_path: Path,
    drawing: Callable[..., Recipe],
    capsys: pytest.CaptureFixture[str],
) -> None:
    ill = next(s for s in phantom_table.samples if s.split == "train" and s.label == "glioma")
    blank = scans.save(tmp_path / "blank.png", np.zeros((64, 64), np.uint8))
    samples = tuple(replace(s, mask=blank) if s.id == ill.id else s for s in phantom_table.samples)
    write_table(replace(phantom_table, samples=samples), tmp_path / "split.csv")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(drawing("epochs=1").to_yaml(), encoding="utf-8")
    assert main(["train", str(tmp_path / "split.csv"), "--recipe", str(recipe), "--out-dir", str(tmp_path / "run")]) == 0
    assert load_run(tmp_path / "run").record.empty_masks == [ill.id]
    said = " ".join(capsys.readouterr().err.split())
    assert f"1 of the masks of images with a tumor show none, the first is that of {ill.id}" in said
