"""The best epoch is kept, the last one can be resumed, and every n-th stays."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tumorlens.training.loop.checkpoints import Checkpoints, ResumableEarlyStopping


class Trainer:
    """Remembers which files each epoch writes."""

    def __init__(self) -> None:
        self.current_epoch, self.callback_metrics, self.written = -1, {}, {}
        self.should_stop = False

    def save_checkpoint(self, path: Path, weights_only: bool = False) -> None:
        self.written.setdefault(self.current_epoch + 1, []).append((path.name, weights_only))


def epochs(checkpoints: Checkpoints, *metrics: dict[str, float]) -> dict[int, list[str]]:
    """Epoch, counted from 1 -> names of the files that it wrote."""
    trainer: Any = Trainer()
    for found in metrics:
        trainer.current_epoch += 1
        trainer.callback_metrics = found
        checkpoints.on_train_epoch_end(trainer, SimpleNamespace())  # type: ignore[arg-type]
    return {epoch: [name for name, _ in files] for epoch, files in trainer.written.items()}


def scored(accuracy: float, loss: float) -> dict[str, float]:
    return {"val_accuracy": accuracy, "val_loss": loss}


def test_the_most_accurate_epoch_is_kept_and_of_equals_the_one_with_the_lower_loss(tmp_path: Path) -> None:
    found = epochs(
        Checkpoints(tmp_path, None, "val_accuracy"),
        scored(0.5, 1.0),
        scored(0.5, 0.9),
        scored(0.5, 0.9),
        scored(0.4, 0.1),
    )
    assert found == {
        1: ["best.ckpt", "last.ckpt"],
        2: ["best.ckpt", "last.ckpt"],
        3: ["last.ckpt"],
        4: ["last.ckpt"],
    }


def test_with_the_loss_monitored_the_lowest_loss_is_the_best(tmp_path: Path) -> None:
    found = epochs(Checkpoints(tmp_path, None, "val_loss"), scored(0.9, 1.0), scored(0.1, 0.5), scored(0.9, 0.7))
    assert [epoch for epoch, names in found.items() if "best.ckpt" in names] == [1, 2]


def test_every_n_th_epoch_stays(tmp_path: Path) -> None:
    found = epochs(Checkpoints(tmp_path, 2, "val_loss"), *(scored(0.5, 1.0) for _ in range(5)))
    assert [epoch for epoch, names in found.items() if f"epoch-{epoch}.ckpt" in names] == [2, 4]
    assert all(names[-1] == "last.ckpt" for names in found.values())  # written last


def test_a_resumed_training_knows_the_best_score(tmp_path: Path) -> None:
    before = Checkpoints(tmp_path, None, "val_accuracy")
    epochs(before, scored(0.8, 1.0))
    after = Checkpoints(tmp_path, None, "val_accuracy")
    after.load_state_dict(before.state_dict())
    assert epochs(after, scored(0.7, 0.1), scored(0.9, 2.0)) == {1: ["last.ckpt"], 2: ["best.ckpt", "last.ckpt"]}


@pytest.mark.parametrize("stopped", [0, 3])
def test_a_training_that_has_stopped_early_does_not_go_on(stopped: int) -> None:
    stopping, trainer = ResumableEarlyStopping("val_loss"), Trainer()
    stopping.stopped_epoch = stopped
    stopping.on_train_start(trainer, SimpleNamespace())  # type: ignore[arg-type]
    assert trainer.should_stop is (stopped > 0)
