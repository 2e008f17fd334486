"""Recipe + network -> optimizer and learning-rate schedule."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from tumorlens.models import Network
from tumorlens.training import recipe

BACKBONE = "backbone."
"""Prefix of the names of a backbone's weights."""


def make_optimizer(network: Network, settings: recipe.Optimizer) -> Optimizer:
    """The optimizer of a recipe for the weights of a network; its backbone may have a lower learning rate."""
    groups = _groups(network, settings)
    if settings.name == "adam":
        return torch.optim.Adam(groups, lr=settings.lr, weight_decay=settings.weight_decay)
    if settings.name == "adamw":
        return torch.optim.AdamW(groups, lr=settings.lr, weight_decay=settings.weight_decay)
    return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay)


def _groups(network: Network, settings: recipe.Optimizer) -> list[dict[str, Any]]:
    """One group of all weights, or two: all others, and those of the backbone."""
    if settings.backbone_lr_factor == 1:
        return [{"params": list(network.parameters())}]
    weights: dict[bool, list[Any]] = {False: [], True: []}
    for name, weight in network.named_parameters():
        weights[name.startswith(BACKBONE)].append(weight)
    return [{"params": weights[False]}, {"params": weights[True], "lr": settings.lr * settings.backbone_lr_factor}]


def make_schedule(
    optimizer: Optimizer, settings: recipe.Schedule, steps: int, steps_per_epoch: int
) -> LRScheduler | ReduceLROnPlateau | None:
    """The learning-rate schedule of a recipe.

    Args:
        optimizer: with the learning rates of the recipe, which are the highest ones.
        settings: of the recipe.
        steps: of the whole run.
        steps_per_epoch: to convert the warm-up, which the recipe gives in epochs.

    Returns:
        None for a constant learning rate.
    """
    peaks: list[float] = [group["lr"] for group in optimizer.param_groups]
    if settings.name == "plateau":
        return ReduceLROnPlateau(optimizer, factor=settings.factor, patience=settings.patience)
    if settings.name == "onecycle":
        return OneCycleLR(optimizer, max_lr=peaks, total_steps=steps, pct_start=settings.warmup)
    if settings.name == "constant" and not settings.warmup:
        return None
    warmup = round(settings.warmup * steps_per_epoch)
    first = settings.start_lr / peaks[0]

    def factor(step: int) -> float:
        if step < warmup:
            return first + (1 - first) * step / warmup
        if settings.name == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))

    return LambdaLR(optimizer, factor)
