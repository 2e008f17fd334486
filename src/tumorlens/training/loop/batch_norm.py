"""Running statistics of batch norm that belong to the weights they are used with, also on very small sets."""

from __future__ import annotations

import lightning as L
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from tumorlens.training.data_loading import Slices, loader
from tumorlens.training.loop.freezing import is_frozen


class PreciseBatchNorm(L.Callback):
    """Before each validation, recompute batch norm's means and variances over the whole training part.

    The usual running average looks back some ten steps. With two steps an epoch it lags behind weights
    that change quickly, validation then measures a network that does not exist, and early stopping stops
    it. Source: Wu and Johnson 2021, Rethinking "Batch" in BatchNorm (arXiv:2105.07576), section 3.
    """

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Average the statistics of all training batches, without augmentation and dropout."""
        if trainer.train_dataloader is None:
            return
        data: Slices = trainer.train_dataloader.dataset
        plain = Slices(data.images, data.rows, data.labels, None)  # masks have no statistics
        norms = [
            m for m in module.modules() if isinstance(m, _BatchNorm) and m.track_running_stats and not is_frozen(m)
        ]
        momenta = [norm.momentum for norm in norms]
        module.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # an average over all batches instead of a running one
            norm.train()
        with torch.no_grad():
            # Shuffled: batches of one class each would hide the variance between the classes.
            for batch in loader(plain, trainer.train_dataloader.batch_size, seed=0, train=True):
                module(batch.images.to(module.device))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()
