"""Recipe + network -> what Lightning runs: loss, validation figures, optimizer and its schedule."""

from __future__ import annotations

import math
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from tumorlens.errors import RunError
from tumorlens.models import ModelOutput, Network, Preprocessing
from tumorlens.training.data_loading import Batch
from tumorlens.training.loop.cam_guidance import cam_guidance_loss, class_maps, relevance_mass_accuracy, pointing_game_hits
from tumorlens.training.loop.losses import MultiTaskLoss, dice
from tumorlens.training.loop.optimizers import make_optimizer, make_schedule
from tumorlens.training.loop.progressive_resizing import shrunk, side
from tumorlens.training.recipe import Loss, Recipe


class Supervised(L.LightningModule):
    """Trains a network to name the class of a slice, and where `segments` is set to draw its tumor as well."""

    def __init__(
        self,
        network: Network,
        preprocessing: Preprocessing,
        recipe: Recipe,
        class_weights: Tensor | None,
        seed: int,
        *,
        segments: bool = False,
    ) -> None:
        super().__init__()
        self.network, self.preprocessing, self.recipe, self.seed, self.segments = network, preprocessing, recipe, seed, segments
        loss = recipe.loss
        self.train_loss = _criterion(loss, segments, class_weights, loss.label_smoothing)
        # Validation is scored without smoothing, so that its loss is the likelihood of the labels.
        self.val_loss = _criterion(loss, segments)

    def forward(self, images: Tensor) -> ModelOutput:
        """(N, 1, S, S) uint8 -> what the network says, its logits in float32."""
        inputs = self.preprocessing.normalize(images.float()).contiguous(memory_format=torch.channels_last)
        output: ModelOutput = self.network(inputs)
        return output._replace(logits=output.logits.float())

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed dropout by step: a run resumed after a kill then draws what an unbroken one would have.

        By epoch would not do: a loader draws from the same generator when it starts, which in the first epoch
        after a resume is before `on_train_epoch_start`, and otherwise after it.
        """
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of one batch, and with masks what it is made of."""
        recipe, full = self.recipe, self.preprocessing.input_geometry.size
        batch = shrunk(batch, side(recipe.progressive_resizing, full, self.current_epoch, recipe.epochs))
        output, labels = self(batch.images), batch.labels
        if self.segments:
            masks, known = _masks(batch)
            parts = self.train_loss(output, labels, masks, known)
            loss: Tensor = parts.total
            self._log("train_classification_loss", parts.classification, len(labels))
            self._log("train_mask_loss", parts.mask, int(known.sum()))
            if output.auxiliary:
                self._log("train_auxiliary_loss", parts.auxiliary, int(known.sum()))
        else:
            loss = self.train_loss(output.logits, labels)
        if recipe.loss.cam_guidance:
            maps, tumors = self._maps(output, batch)
            guide = cam_guidance_loss(maps, tumors)
            loss = loss + recipe.loss.cam_guidance * guide
            self._log("train_cam_guidance_loss", guide, len(maps))
        self._log("train_loss", loss, len(labels))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Likelihood and accuracy of one batch, and with masks their loss and Dice, and where its heat maps lie."""
        output, labels = self(batch.images), batch.labels
        right = (output.logits.argmax(1) == labels).float().mean()
        self._log("val_accuracy", right, len(labels))
        if self.recipe.loss.cam_guidance:
            maps, tumors = self._maps(output, batch)
            self._log("val_relevance_mass_accuracy", relevance_mass_accuracy(maps, tumors).mean(), len(maps))
            self._log("val_pointing_game", pointing_game_hits(maps, tumors).float().mean(), len(maps))
        if not self.segments:
            self._log("val_loss", self.val_loss(output.logits, labels), len(labels))
            return
        masks, known = _masks(batch)
        parts, shown = self.val_loss(output, labels, masks, known), _shown(masks)
        self._log("val_classification_loss", parts.classification, len(labels))
        self._log("val_mask_loss", parts.mask, int(known.sum()))
        # Of images that show a tumor: with an empty mask, drawing nothing would already be perfect.
        self._log("val_dice", dice(output.mask[shown], masks[shown]).mean(), int(shown.sum()))

    def _maps(self, output: ModelOutput, batch: Batch) -> tuple[Tensor, Tensor]:
        """The maps of the true class, and the masks, of the images that show a tumor."""
        weights, (masks, _) = self.network.class_weights(), _masks(batch)
        assert weights is not None  # what `check_fit` has seen to
        shown = _shown(masks)
        return class_maps(weights, output.features[shown], batch.labels[shown]), masks[shown]

    def on_validation_epoch_end(self) -> None:
        """Put the loss together from its parts.

        Not batch by batch: a batch of which half the images have a mask would count as much as a whole one.
        """
        if self.segments:
            seen, weight = self.trainer.callback_metrics, self.recipe.loss
            drawn = weight.mask * seen.get("val_mask_loss", torch.zeros(()))
            self.log("val_loss", weight.classification * seen["val_classification_loss"] + drawn)

    def _log(self, name: str, value: Tensor, count: int) -> None:
        """Keep the mean over an epoch of a figure that is itself the mean over `count` images."""
        if count:
            self.log(name, value, on_step=False, on_epoch=True, batch_size=count)

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
        optimizer = make_optimizer(self.network, self.recipe.optimizer)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = make_schedule(optimizer, self.recipe.schedule, steps, max(1, steps // self.recipe.epochs))
        if schedule is None:
            return optimizer
        if isinstance(schedule, ReduceLROnPlateau):
            config = {"scheduler": schedule, "interval": "epoch", "monitor": "val_loss"}
        else:
            config = {"scheduler": schedule, "interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": config}


def _masks(batch: Batch) -> tuple[Tensor, Tensor]:
    """(N, 1, S, S) masks, and (N,) which of them say anything, of a run that needs them."""
    assert batch.masks is not None
    assert batch.has_mask is not None
    return batch.masks, batch.has_mask


def _shown(masks: Tensor) -> Tensor:
    """(N,) bool: which masks show a tumor."""
    return masks.flatten(1).bool().any(1)


def _criterion(loss: Loss, segments: bool, class_weights: Tensor | None = None, label_smoothing: float = 0.0) -> nn.Module:
    """Of logits and labels alone, or of the whole output where the network learns to draw."""
    if not segments:
        return nn.CrossEntropyLoss(class_weights, label_smoothing=label_smoothing)
    return MultiTaskLoss(
        classification=loss.classification,
        mask=loss.mask,
        auxiliary=loss.auxiliary,
        dice=loss.dice,
        over=loss.dice_over,
        focal=loss.focal,
        alpha=loss.focal_alpha,
        gamma=loss.focal_gamma,
        class_weights=class_weights,
        label_smoothing=label_smoothing,
    )
