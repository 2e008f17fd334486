"""Recipe + network -> what Lightning runs: loss, validation figures, optimiser, learning-rate schedule."""

from __future__ import annotations

import math
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from tumorlens.errors import RunError
from tumorlens.models import Network, Prepare
from tumorlens.training.recipe import Recipe, Schedule

Batch = tuple[Tensor, Tensor]


class Classification(L.LightningModule):
    """Trains a network to name the class of a slice."""

    def __init__(
        self, network: Network, prepare: Prepare, recipe: Recipe, class_weights: Tensor | None, seed: int
    ) -> None:
        super().__init__()
        self.network, self.prepare, self.recipe, self.seed = network, prepare, recipe, seed
        smoothing = recipe.loss.label_smoothing
        self.train_loss = nn.CrossEntropyLoss(class_weights, label_smoothing=smoothing)
        # Validation is scored without smoothing, so that its loss is the likelihood of the labels.
        self.val_loss = nn.CrossEntropyLoss()

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, S, S) uint8 -> (N, K) float32 logits."""
        inputs = self.prepare.normalise(images.float()).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.network(inputs).logits
        return logits.float()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed dropout by step: a run resumed after a kill then draws what an unbroken one would have.

        By epoch would not do: a loader draws from the same generator when it starts, which in the first epoch
        after a resume is before `on_train_epoch_start`, and otherwise after it.
        """
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of one batch."""
        images, labels = batch
        loss: Tensor = self.train_loss(self(images), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Likelihood and accuracy of one batch."""
        images, labels = batch
        logits = self(images)
        right = (logits.argmax(1) == labels).float().mean()
        self.log("val_loss", self.val_loss(logits, labels), on_epoch=True, batch_size=len(labels))
        self.log("val_accuracy", right, on_epoch=True, batch_size=len(labels))

    def on_train_epoch_end(self) -> None:
        """Stop a run that has diverged, and let the plateau schedule see the epoch.

        Both come before the epoch's checkpoint, so that it never holds NaN and always holds the schedule's
        state; Lightning's own step comes after it, and would be lost in a resume.

        Raises:
            RunError: a loss is not finite.
        """
        for name in ("train_loss", "val_loss"):
            value = float(self.trainer.callback_metrics.get(name, 0.0))
            if not math.isfinite(value):
                raise RunError(
                    f"epoch {self.current_epoch + 1}: {name} is {value}; expected a finite number; "
                    "train with a lower optimizer.lr"
                )
        if isinstance(schedule := self.lr_schedulers(), ReduceLROnPlateau):
            schedule.step(self.trainer.callback_metrics["val_loss"])

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Every schedule but plateau: see `on_train_epoch_end`."""
        if not isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step()

    def configure_optimizers(self) -> Any:
        """As the recipe says."""
        optimizer = _optimizer(self.network, self.recipe)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = _schedule(optimizer, self.recipe.schedule, steps, max(1, steps // self.recipe.epochs))
        if schedule is None:
            return optimizer
        if isinstance(schedule, ReduceLROnPlateau):
            config = {"scheduler": schedule, "interval": "epoch", "monitor": "val_loss"}
        else:
            config = {"scheduler": schedule, "interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": config}


def _optimizer(network: Network, recipe: Recipe) -> Optimizer:
    settings = recipe.optimizer
    parameters = network.parameters()
    if settings.name == "adam":
        return torch.optim.Adam(parameters, lr=settings.lr, weight_decay=settings.weight_decay)
    if settings.name == "adamw":
        return torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=settings.weight_decay)
    return torch.optim.SGD(parameters, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay)


def _schedule(
    optimizer: Optimizer, settings: Schedule, steps: int, steps_per_epoch: int
) -> LRScheduler | ReduceLROnPlateau | None:
    peak: float = optimizer.param_groups[0]["lr"]
    if settings.name == "plateau":
        return ReduceLROnPlateau(optimizer, factor=settings.factor, patience=settings.patience)
    if settings.name == "onecycle":
        return OneCycleLR(optimizer, max_lr=peak, total_steps=steps, pct_start=settings.warmup)
    if settings.name == "constant" and not settings.warmup:
        return None
    warmup = round(settings.warmup * steps_per_epoch)
    first = settings.start_lr / peak

    def factor(step: int) -> float:
        if step < warmup:
            return first + (1 - first) * step / warmup
        if settings.name == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))

    return LambdaLR(optimizer, factor)
