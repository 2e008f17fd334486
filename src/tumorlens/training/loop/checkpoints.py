"""State of training -> checkpoints: the best epoch, the last finished one for a resume, and every n-th."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping

from tumorlens.training.recipe import Monitor

BEST, LAST = "checkpoints/best.ckpt", "checkpoints/last.ckpt"


class Checkpoints(Checkpoint):
    """Writes checkpoints at the end of every epoch, each file atomically.

    - best.ckpt: weights of the epoch with the best monitored metric; of equals, the one with the lowest loss;
    - last.ckpt: the whole state after the last finished epoch, for a resume. It is written last and holds the best
      score, so that an interruption between the two files does no harm;
    - epoch-<n>.ckpt: the same for every n-th epoch.

    Names are fixed and paths are not part of the state, so that a run folder can be moved before a resume.
    """

    def __init__(self, folder: Path, every: int | None, monitor: Monitor) -> None:
        self.folder, self.every, self.monitor = folder, every, monitor
        self.best = (-math.inf, -math.inf)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write what is due; Lightning calls this after the module's own hook."""
        epoch = trainer.current_epoch + 1
        loss, metric = (float(trainer.callback_metrics.get(name, math.nan)) for name in ("val_loss", self.monitor))
        score = (-loss if self.monitor == "val_loss" else metric, -loss)
        if score > self.best:
            self.best = score
            trainer.save_checkpoint(self.folder / BEST, weights_only=True)
        if self.every and epoch % self.every == 0:
            trainer.save_checkpoint(self.folder / f"checkpoints/epoch-{epoch}.ckpt")
        trainer.save_checkpoint(self.folder / LAST)

    def state_dict(self) -> dict[str, Any]:
        """The state that a resume needs."""
        return {"best": list(self.best)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.best = tuple(state_dict["best"])


class ResumableEarlyStopping(EarlyStopping):
    """Lightning's early stopping; a resumed run that had already stopped does not train again."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Called after a resume has loaded the state."""
        trainer.should_stop = trainer.should_stop or self.stopped_epoch > 0


def load_kept(module: L.LightningModule, folder: Path, keep: str) -> int:
    """Load the weights that the recipe keeps (``stop.keep``) into the module.

    Returns:
        Their epoch, counted from 1.
    """
    path = folder / (BEST if keep == "best" else LAST)
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    module.load_state_dict(checkpoint["state_dict"])
    return int(checkpoint["epoch"]) + 1
