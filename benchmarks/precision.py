"""Training images per second in float32, in bfloat16, and in what `precision: auto` comes to on this machine."""

from __future__ import annotations

from collections.abc import Iterator

from comparison import TIMES_AS_FAST_BY_RATE, Comparison, Target
from material import Material
from race import Contestant, race

NETWORK = "efficientnet_lite0"
SIDE = 128
HOW = (
    "`tumorlens.training.train` with the recipe `finetune` at {side} pixels, batch {batch}, {steps} steps a round; the "
    "rate is taken from history.csv without the first epoch. Processors that do not compute in bfloat16 emulate it."
)


def comparisons(material: Material) -> Iterator[Comparison]:
    """One table; the last row is what people get who set nothing."""
    settings = material.settings
    contestants = [_training(material, precision) for precision in ("float32", "bf16", "auto")]
    yield Comparison(
        question=f"Precision of training, {NETWORK}",
        how=HOW.format(side=SIDE, batch=settings.batch, steps=settings.steps),
        unit="images/s",
        ratio=TIMES_AS_FAST_BY_RATE,
        series=race(contestants, settings.rounds),
        target=Target(0.95, least=True),
    )


def _training(material: Material, precision: str) -> Contestant:
    changes = (f"precision={precision}", f"input.size={SIDE}")
    arguments = [material.phantoms, NETWORK, material.settings.steps, material.settings.batch, *changes]
    return Contestant(
        precision, "tumorlens_training.py", arguments, {"TUMORLENS_CACHE": str(material.folder / "cache")}
    )
