"""Network that segments -> milliseconds per image: eager PyTorch and the exported graph."""

from __future__ import annotations

from collections.abc import Iterator

from comparison import TIMES_AS_FAST_BY_TIME, Comparison, SideBySide
from interleaved import TUNED, Implementation, measure_interleaved
from material import Material

UNET = "efficientnet_lite0_unet"
MTNET = "efficient_mtnet"


def comparisons(material: Material) -> Iterator[SideBySide]:
    """The two kinds of network that segment, each at its default input size."""
    sides = {UNET: min(224, material.settings.large), MTNET: material.settings.large}
    columns = {f"{name}, {side} pixels": _forward(material, name, side) for name, side in sides.items()}
    yield SideBySide("Class and mask", columns)


def _forward(material: Material, network: str, side: int) -> Comparison:
    settings = material.settings
    arguments = [network, side, settings.passes]
    return Comparison(
        question=f"Class and mask by {network}, {side} pixels",
        how=("Forward pass of one normalized image, float32, on the CPU. Exported: the ONNX graph in ONNX Runtime."),
        unit="ms",
        ratio=TIMES_AS_FAST_BY_TIME,
        series=measure_interleaved(
            [
                Implementation("eager PyTorch, default settings", "segmentation_forward.py", ["eager", *arguments]),
                Implementation("eager PyTorch, tuned", "segmentation_forward.py", ["tuned", *arguments], TUNED),
                Implementation("exported", "segmentation_forward.py", ["exported", *arguments]),
            ],
            settings.short_rounds,
        ),
    )
