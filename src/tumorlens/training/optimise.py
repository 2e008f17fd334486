"""Recipe + weights -> optimiser and learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from tumorlens.training import recipe


def make_optimizer(parameters: Iterable[nn.Parameter], settings: recipe.Optimizer) -> Optimizer:
    """The optimiser of a recipe, over these weights."""
    if settings.name == "adam":
        return torch.optim.Adam(parameters, lr=settings.lr, weight_decay=settings.weight_decay)
    if settings.name == "adamw":
        return torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=settings.weight_decay)
    return torch.optim.SGD(parameters, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay)


def make_schedule(
    optimizer: Optimizer, settings: recipe.Schedule, steps: int, steps_per_epoch: int
) -> LRScheduler | ReduceLROnPlateau | None:
    """How the learning rate changes.

    Args:
        optimizer: with the recipe's rate, the highest there will be.
        settings: of the recipe.
        steps: of the whole run.
        steps_per_epoch: in which a warm-up is counted.

    Returns:
        None where it stays as it is.
    """
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
