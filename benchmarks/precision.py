"""Precision -> training images per second: float32, bfloat16, and `precision: auto` on this machine."""

from __future__ import annotations

from collections.abc import Iterator

from comparison import TIMES_AS_FAST_BY_RATE, Comparison, Target
from interleaved import Implementation, measure_interleaved
from material import Material

NETWORK = "efficientnet_lite0"
SIDE = 128
HOW = (
    "The recipe `finetune` at {side} pixels, batch {batch}, {steps} steps per round, at the rate of history.csv "
    "without the first epoch. Processors without bfloat16 instructions emulate it."
)


def comparisons(material: Material) -> Iterator[Comparison]:
    """One table; the last row is the default."""
    settings = material.settings
    implementations = [_training(material, precision) for precision in ("float32", "bf16", "auto")]
    yield Comparison(
        question=f"Precision of training, {NETWORK}",
        how=HOW.format(side=SIDE, batch=settings.batch, steps=settings.steps),
        unit="images/s",
        ratio=TIMES_AS_FAST_BY_RATE,
        series=measure_interleaved(implementations, settings.rounds),
        target=Target(0.95, least=True),
    )


def _training(material: Material, precision: str) -> Implementation:
    changes = (f"precision={precision}", f"input.size={SIDE}")
    arguments = [material.phantoms, NETWORK, material.settings.steps, material.settings.batch, *changes]
    return Implementation(
        precision, "tumorlens_training.py", arguments, {"TUMORLENS_CACHE": str(material.folder / "cache")}
    )
