"""Metrics of each epoch -> a progress bar, a line on the console, and a row of history.csv."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import lightning as L
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tumorlens._files import atomic_write

# Columns of history.csv in their order; those not in REQUIRED are left out where a run has no values.
REQUIRED = ("epoch", "train_loss", "val_loss", "val_accuracy", "lr", "images_per_second")
COLUMNS = (
    "epoch",
    "train_loss",
    "train_classification_loss",
    "train_mask_loss",
    "train_auxiliary_loss",
    "train_cam_guidance_loss",
    "val_loss",
    "val_classification_loss",
    "val_mask_loss",
    "val_accuracy",
    "val_dice",
    "val_relevance_mass_accuracy",
    "val_pointing_game",
    "lr",
    "images_per_second",
)
VALIDATION_METRICS = ("val_loss", "val_accuracy", "val_dice", "val_relevance_mass_accuracy", "val_pointing_game")
_REFRESH = 0.2  # seconds between two readings of the loss: on a GPU each one waits for the end of the step


class EpochLog(L.Callback):
    """Shows progress and writes ``history.csv``, one row per epoch, also across a resume."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.path, self.console = folder / "history.csv", console
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self.task = self.bar.add_task("", loss="")
        self.images, self.start, self.end, self.refreshed = 0, 0.0, 0.0, 0.0

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Show the bar."""
        self.bar.start()

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Reset the bar."""
        epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        self.bar.reset(self.task, total=int(trainer.num_training_batches), description=epoch, loss="")
        self.images, self.start, self.refreshed = 0, time.perf_counter(), 0.0

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Advance the bar."""
        self.images += len(batch.labels)
        self.end = time.perf_counter()
        if self.end - self.refreshed > _REFRESH:
            self.refreshed = self.end
            self.bar.update(self.task, completed=batch_idx + 1, loss=f"loss {float(outputs['loss']):.3f}")

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Write the line and the row of this epoch; images per second are those of training without validation."""
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
            line += [f"val loss {metrics['val_loss']:.4f}", f"val accuracy {metrics['val_accuracy']:.1%}"]
        if "val_dice" in metrics:
            line.append(f"val Dice {metrics['val_dice']:.3f}")
        if "val_relevance_mass_accuracy" in metrics:
            accuracy, hits = metrics["val_relevance_mass_accuracy"], metrics["val_pointing_game"]
            line += [f"val relevance mass accuracy {accuracy:.3f}", f"val pointing game {hits:.1%}"]
        line.append(f"{row['images_per_second']} images/s")
        self.console.print("  ".join(line), highlight=False, soft_wrap=True)

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Remove the bar."""
        self.bar.stop()

    def on_exception(self, trainer: L.Trainer, module: L.LightningModule, exception: BaseException) -> None:
        """Remove the bar."""
        self.bar.stop()

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
