"""Recipe + network -> the Lightning module: loss, validation metrics, optimizer and schedule."""

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
from tumorlens.training.loop.cam_guidance import (
    cam_guidance_loss,
    class_maps,
    pointing_game_hits,
    relevance_mass_accuracy,
)
from tumorlens.training.loop.losses import MultiTaskLoss, SegmentationLoss, dice
from tumorlens.training.loop.optimizers import make_optimizer, make_schedule
from tumorlens.training.loop.progressive_resizing import downsampled, image_size
from tumorlens.training.recipe import Loss, Recipe


class SupervisedTask(L.LightningModule):
    """Trains a network to classify slices, and where `segments` is set also to segment tumors."""

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
        self.network, self.preprocessing, self.recipe, self.seed, self.segments = (
            network,
            preprocessing,
            recipe,
            seed,
            segments,
        )
        loss = recipe.loss
        self.train_loss = _criterion(loss, segments, class_weights, loss.label_smoothing)
        # Without label smoothing, the validation loss is the negative log-likelihood of the labels.
        self.val_loss = _criterion(loss, segments)

    def forward(self, images: Tensor) -> ModelOutput:
        """(N, 1, S, S) uint8 -> the output of the network, with logits in float32."""
        inputs = self.preprocessing.normalize(images.float()).contiguous(memory_format=torch.channels_last)
        output: ModelOutput = self.network(inputs)
        return output._replace(logits=output.logits.float())

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed dropout in every step, so that a resumed run has the random numbers of an uninterrupted one.

        A seed per epoch is not enough: a loader uses the same generator when it starts, which in the first epoch after
        a resume is before `on_train_epoch_start`, and otherwise after it.
        """
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of one batch, and with masks its terms."""
        recipe, full = self.recipe, self.preprocessing.input_geometry.size
        size = image_size(recipe.progressive_resizing, full, self.current_epoch, recipe.epochs)
        batch = downsampled(batch, size)
        output, labels = self(batch.images), batch.labels
        if self.segments:
            masks, known = _masks(batch)
            terms = self.train_loss(output, labels, masks, known)
            loss: Tensor = terms.total
            self._log("train_classification_loss", terms.classification, len(labels))
            self._log("train_segmentation_loss", terms.segmentation, int(known.sum()))
            if output.auxiliary:
                self._log("train_auxiliary_loss", terms.auxiliary, int(known.sum()))
        else:
            loss = self.train_loss(output.logits, labels)
        if recipe.loss.cam_guidance:
            maps, tumors = self._maps(output, batch)
            guidance = cam_guidance_loss(maps, tumors)
            loss = loss + recipe.loss.cam_guidance * guidance
            self._log("train_cam_guidance_loss", guidance, len(maps))
        self._log("train_loss", loss, len(labels))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Loss and accuracy of one batch; with masks their loss and Dice; with CAM guidance the localization."""
        output, labels = self(batch.images), batch.labels
        accuracy = (output.logits.argmax(1) == labels).float().mean()
        self._log("val_accuracy", accuracy, len(labels))
        if self.recipe.loss.cam_guidance:
            maps, tumors = self._maps(output, batch)
            self._log("val_relevance_mass_accuracy", relevance_mass_accuracy(maps, tumors).mean(), len(maps))
            self._log("val_pointing_game", pointing_game_hits(maps, tumors).float().mean(), len(maps))
        if not self.segments:
            self._log("val_loss", self.val_loss(output.logits, labels), len(labels))
            return
        masks, known = _masks(batch)
        terms, with_tumor = self.val_loss(output, labels, masks, known), _with_tumor(masks)
        self._log("val_classification_loss", terms.classification, len(labels))
        self._log("val_segmentation_loss", terms.segmentation, int(known.sum()))
        # Images with a tumor only: with an empty reference mask, an empty prediction would be perfect.
        self._log("val_dice", dice(output.mask[with_tumor], masks[with_tumor]).mean(), int(with_tumor.sum()))

    def _maps(self, output: ModelOutput, batch: Batch) -> tuple[Tensor, Tensor]:
        """Class activation maps of the reference class, and masks, of the images with a tumor."""
        weights, (masks, _) = self.network.classifier_weights(), _masks(batch)
        assert weights is not None  # `check_fit` has checked it
        with_tumor = _with_tumor(masks)
        return class_maps(weights, output.features[with_tumor], batch.labels[with_tumor]), masks[with_tumor]

    def on_validation_epoch_end(self) -> None:
        """Compute the validation loss from its terms.

        Not batch by batch: a batch with masks of half its images would count as much as a complete one.
        """
        if self.segments:
            metrics, weight = self.trainer.callback_metrics, self.recipe.loss
            segmentation_loss = weight.segmentation * metrics.get("val_segmentation_loss", torch.zeros(()))
            self.log("val_loss", weight.classification * metrics["val_classification_loss"] + segmentation_loss)

    def _log(self, name: str, value: Tensor, count: int) -> None:
        """Log the mean over an epoch of a value that is the mean over `count` images."""
        if count:
            self.log(name, value, on_step=False, on_epoch=True, batch_size=count)

    def on_train_epoch_end(self) -> None:
        """Stop a run that has diverged, and step the plateau schedule.

        Both happen before the checkpoint of the epoch, so that it never contains NaN and always the state of the
        schedule; Lightning's own step comes after it and would be lost in a resume.

        Raises:
            RunError: a loss is not finite.
        """
        for name in ("train_loss", "val_loss"):
            value = float(self.trainer.callback_metrics.get(name, 0.0))
            if not math.isfinite(value):
                raise RunError(
                    found=f"epoch {self.current_epoch + 1}: {name} is {value}",
                    expected="a finite number",
                    advice="train with a lower optimizer.lr",
                )
        if isinstance(schedule := self.lr_schedulers(), ReduceLROnPlateau):
            schedule.step(self.trainer.callback_metrics["val_loss"])

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step every schedule except plateau: see `on_train_epoch_end`."""
        if not isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step()

    def configure_optimizers(self) -> Any:
        """The optimizer and the schedule of the recipe."""
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
    """(N, 1, S, S) masks, and (N,) whether each is known, of a run that needs them."""
    assert batch.masks is not None
    assert batch.has_mask is not None
    return batch.masks, batch.has_mask


def _with_tumor(masks: Tensor) -> Tensor:
    """(N,) bool: whether each mask has a tumor."""
    return masks.flatten(1).bool().any(1)


def _criterion(
    loss: Loss, segments: bool, class_weights: Tensor | None = None, label_smoothing: float = 0.0
) -> nn.Module:
    """Cross-entropy of logits, or the loss of the whole output where the network learns to segment."""
    if not segments:
        return nn.CrossEntropyLoss(class_weights, label_smoothing=label_smoothing)
    return MultiTaskLoss(
        classification=loss.classification,
        segmentation=loss.segmentation,
        auxiliary=loss.auxiliary,
        segmentation_loss=SegmentationLoss(
            loss.dice, loss.focal, loss.focal_alpha, loss.focal_gamma, loss.dice_over, loss.hard_negatives
        ),
        class_weights=class_weights,
        label_smoothing=label_smoothing,
    )
