"""Network -> training images per second: tumorlens and a plain PyTorch loop."""

from __future__ import annotations

from collections.abc import Iterator

from comparison import TIMES_AS_FAST_BY_RATE, Comparison, SideBySide, Target
from interleaved import TUNED, Implementation, measure_interleaved
from material import NETWORKS, Material

HOW = (
    "224 pixels, batch {batch}, {steps} steps per round (the second network half as many): forward, backward and "
    "optimizer. The plain loop: eager PyTorch and timm in float32; in every epoch PIL decodes and torchvision resizes "
    "and augments every image. tumorlens: the recipe `finetune` (bfloat16 where the processor supports it, the uint8 "
    "cache), at the rate of history.csv without the first epoch. Decoding into the cache is not included."
)


def comparisons(material: Material) -> Iterator[SideBySide]:
    """One table of both networks; half the steps for the larger one, which is slower."""
    steps = dict(zip(NETWORKS, (material.settings.steps, max(1, material.settings.steps // 2)), strict=True))
    yield SideBySide("Training", {network: _training(material, network, steps[network]) for network in NETWORKS})


def _training(material: Material, network: str, steps: int) -> Comparison:
    implementations = [
        _plain("plain loop, default settings", material, network, steps),
        _plain("plain loop, 2 loader workers", material, network, steps, "--workers=2"),
        _plain("plain loop, tuned", material, network, steps, "--tuned"),
        Implementation(
            "tumorlens",
            "tumorlens_training.py",
            [material.phantoms, network, steps, material.settings.batch],
            {"TUMORLENS_CACHE": str(material.folder / "cache")},
        ),
    ]
    return Comparison(
        question=f"Training, {network}",
        how=HOW.format(steps=steps, batch=material.settings.batch),
        unit="images/s",
        ratio=TIMES_AS_FAST_BY_RATE,
        series=measure_interleaved(implementations, material.settings.rounds),
        target=Target(2, least=True),
    )


def _plain(name: str, material: Material, network: str, steps: int, *options: str) -> Implementation:
    arguments = [material.phantoms, NETWORKS[network], steps, material.settings.batch, *options]
    return Implementation(name, "plain_training.py", arguments, TUNED if "--tuned" in options else {})
