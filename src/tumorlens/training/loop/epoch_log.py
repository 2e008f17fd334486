"""Metrics of each epoch -> a log message and a row of history.csv; and the progress of training."""

from __future__ import annotations

import csv
import logging
import time
from pathlib import Path
from typing import Any

import lightning as L

from tumorlens._files import atomic_write
from tumorlens._progress import Progress
from tumorlens.report.text import percentage

LOGGER = logging.getLogger(__name__)

# Columns of history.csv in their order; those not in REQUIRED are left out where a run has no values.
REQUIRED = ("epoch", "train_loss", "val_loss", "val_accuracy", "lr", "images_per_second")
COLUMNS = (
    "epoch",
    "train_loss",
    "train_classification_loss",
    "train_segmentation_loss",
    "train_auxiliary_loss",
    "train_cam_guidance_loss",
    "val_loss",
    "val_classification_loss",
    "val_segmentation_loss",
    "val_accuracy",
    "val_dice",
    "val_relevance_mass_accuracy",
    "val_pointing_game",
    "lr",
    "images_per_second",
)
VALIDATION_METRICS = ("val_loss", "val_accuracy", "val_dice", "val_relevance_mass_accuracy", "val_pointing_game")


class EpochLog(L.Callback):
    """Logs one line per epoch and writes it as a row of ``history.csv``, also across a resume.

    The stage ``"training"`` of the progress counts the steps of all epochs.
    """

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.path, self.progress = folder / "history.csv", progress
        self.images, self.start, self.end = 0, 0.0, 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Start the clock."""
        self.images, self.start = 0, time.perf_counter()
        self._report(trainer, 0)

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the step and its images."""
        self.images += len(batch.labels)
        self.end = time.perf_counter()
        self._report(trainer, batch_idx + 1)

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Log the line and write the row of this epoch; images per second are those of training without validation."""
        metrics = {key: float(value) for key, value in trainer.callback_metrics.items()}
        row = {
            "epoch": trainer.current_epoch + 1,
            **{key: f"{metrics[key]:.5f}" for key in COLUMNS if key in metrics},
            "lr": f"{trainer.optimizers[0].param_groups[0]['lr']:.3g}",
            "images_per_second": f"{self.images / (self.end - self.start):.1f}",
        }
        self._append(row)
        line = [f"epoch {row['epoch']:>3}/{trainer.max_epochs}", f"train loss {metrics['train_loss']:.4f}"]
        if "val_loss" in metrics:
            line += [f"val loss {metrics['val_loss']:.4f}", f"val accuracy {percentage(metrics['val_accuracy'])}"]
        if "val_dice" in metrics:
            line.append(f"val Dice {metrics['val_dice']:.3f}")
        if "val_relevance_mass_accuracy" in metrics:
            accuracy, hits = metrics["val_relevance_mass_accuracy"], metrics["val_pointing_game"]
            line += [f"val relevance mass accuracy {accuracy:.3f}", f"val pointing game {percentage(hits)}"]
        line.append(f"{row['images_per_second']} images/s")
        LOGGER.info("%s", "  ".join(line))

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Finish the stage, also where early stopping has ended it."""
        self.progress("training", trainer.global_step, trainer.global_step)

    def _report(self, trainer: L.Trainer, batches: int) -> None:
        """Report the steps of the finished epochs and of this one."""
        of_epoch, epochs = int(trainer.num_training_batches), trainer.max_epochs
        total = None if epochs is None else epochs * of_epoch
        self.progress("training", trainer.current_epoch * of_epoch + batches, total)

    def _append(self, row: dict[str, Any]) -> None:
        """Rewrite the file atomically, without rows of epochs that an interruption has undone."""
        rows = [r for r in read_history(self.path) if int(r["epoch"]) < row["epoch"]]
        with atomic_write(self.path) as part, part.open("w", newline="") as stream:
            columns = [name for name in COLUMNS if name in REQUIRED or any(name in r for r in (*rows, row))]
            writer = csv.DictWriter(stream, columns, restval="")
            writer.writeheader()
            writer.writerows([*rows, row])


def read_history(path: Path) -> list[dict[str, str]]:
    """The rows of a history.csv; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))
