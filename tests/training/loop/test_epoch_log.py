"""Each epoch is one row of history.csv and one line of the log, also after a resume."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tumorlens.training.loop.epoch_log import EpochLog, read_history

MODULE: Any = None


def trainer(epoch: int, epochs: int | None = 5, **metrics: float) -> Any:
    """A trainer in an epoch (counted from 1) of two steps."""
    optimizer = SimpleNamespace(param_groups=[{"lr": 0.01}])
    return SimpleNamespace(
        current_epoch=epoch - 1,
        max_epochs=epochs,
        num_training_batches=2,
        callback_metrics=metrics,
        optimizers=[optimizer],
        global_step=2 * epoch,
    )


def logged(log: EpochLog, state: Any) -> None:
    """One epoch of two batches with three images each."""
    log.on_train_epoch_start(state, MODULE)
    for batch in range(2):
        log.on_train_batch_end(state, MODULE, None, SimpleNamespace(labels=[0, 1, 2]), batch)
    log.on_train_epoch_end(state, MODULE)


def test_without_a_file_there_is_no_history(tmp_path: Path) -> None:
    assert read_history(tmp_path / "history.csv") == []


def test_an_epoch_that_is_trained_again_replaces_its_row(tmp_path: Path) -> None:
    log = EpochLog(tmp_path, lambda *_: None)
    for epoch, loss in ((1, 0.9), (2, 0.8), (3, 0.7), (2, 0.6)):
        logged(log, trainer(epoch, train_loss=loss))
    rows = read_history(tmp_path / "history.csv")
    assert [(row["epoch"], row["train_loss"]) for row in rows] == [("1", "0.90000"), ("2", "0.60000")]


def test_columns_without_values_are_left_out_except_the_required_ones(tmp_path: Path) -> None:
    log = EpochLog(tmp_path, lambda *_: None)
    logged(log, trainer(1, train_loss=0.9))
    assert list(read_history(tmp_path / "history.csv")[0]) == [
        "epoch", "train_loss", "val_loss", "val_accuracy", "lr", "images_per_second",
    ]  # fmt: skip
    logged(log, trainer(2, train_loss=0.8, val_loss=0.7, val_accuracy=0.5, val_dice=0.25))
    first, second = read_history(tmp_path / "history.csv")
    assert (first["val_dice"], second["val_dice"], second["lr"]) == ("", "0.25000", "0.01")


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({}, "epoch   1/5  train loss 0.9000  "),
        ({"val_loss": 0.5, "val_accuracy": 0.75}, "train loss 0.9000  val loss 0.5000  val accuracy 75.0 %  "),
        ({"val_loss": 0.5, "val_accuracy": 0.75, "val_dice": 0.25}, "val accuracy 75.0 %  val Dice 0.250  "),
        (
            {"val_relevance_mass_accuracy": 0.4, "val_pointing_game": 0.6},
            "val relevance mass accuracy 0.400  val pointing game 60.0 %  ",
        ),
    ],
)
def test_the_line_has_the_metrics_that_were_measured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, metrics: dict[str, float], expected: str
) -> None:
    with caplog.at_level(logging.INFO, "tumorlens.training.loop.epoch_log"):
        logged(EpochLog(tmp_path, lambda *_: None), trainer(1, train_loss=0.9, **metrics))
    (message,) = caplog.messages
    assert expected in message
    assert message.endswith(" images/s")


@pytest.mark.parametrize(("epochs", "total"), [(5, 10), (None, None)])
def test_progress_counts_the_steps_of_all_epochs(tmp_path: Path, epochs: int | None, total: int | None) -> None:
    steps: list[tuple[str, int, int | None]] = []
    log = EpochLog(tmp_path, lambda *step: steps.append(step))
    state = trainer(2, epochs, train_loss=0.9)
    logged(log, state)
    log.on_train_end(state, MODULE)
    assert steps == [*(("training", done, total) for done in (2, 3, 4)), ("training", 4, 4)]
