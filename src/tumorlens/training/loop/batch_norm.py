"""Training images -> precise batch norm statistics of the current weights, also with few steps per epoch."""

from __future__ import annotations

import lightning as L
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from tumorlens.training.data_loading import SliceDataset, loader
from tumorlens.training.loop.freezing import is_frozen


class PreciseBatchNorm(L.Callback):
    """Before each validation, recompute batch norm's means and variances over the whole training subset.

    The usual running average covers about ten steps. With two steps per epoch it lags behind weights that change
    quickly: validation then measures a wrong network, and early stopping ends training. Source: Wu and Johnson 2021,
    Rethinking "Batch" in BatchNorm (arXiv:2105.07576), section 3.
    """

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Average the statistics of all training batches, without augmentation and dropout."""
        if trainer.train_dataloader is None:
            return
        data: SliceDataset = trainer.train_dataloader.dataset
        plain = SliceDataset(data.images, data.rows, data.labels, None)  # masks are not needed
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
            # Shuffled: batches of a single class would miss the variance between classes.
            for batch in loader(plain, trainer.train_dataloader.batch_size, seed=0, train=True):
                module(batch.images.to(module.device))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()
