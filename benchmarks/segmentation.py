"""How quickly class and mask are had in one pass: eager PyTorch against the exported graph."""

from __future__ import annotations

from collections.abc import Iterator

from comparison import TIMES_AS_FAST_BY_TIME, Comparison
from material import Material
from race import TUNED, Contestant, race

UNET = "efficientnet_lite0_unet"
MTNET = "efficient_mtnet"


def comparisons(material: Material) -> Iterator[Comparison]:
    """The two kinds of network that draw, each at the size it was made for."""
    yield _forward(material, UNET, min(224, material.settings.large))
    yield _forward(material, MTNET, material.settings.large)


def _forward(material: Material, network: str, side: int) -> Comparison:
    settings = material.settings
    asked = [network, side, settings.passes]
    return Comparison(
        question=f"Class and mask by {network}, {side} pixels",
        how=(
            "One normalized image to class and mask, forward alone, float32, on the CPU. Tuned: channels-last and "
            "the allocator settings. Exported: the ONNX graph of the network in ONNX Runtime."
        ),
        unit="ms",
        ratio=TIMES_AS_FAST_BY_TIME,
        series=race(
            [
                Contestant("eager PyTorch, as it comes", "drawing.py", ["eager", *asked]),
                Contestant("eager PyTorch, tuned", "drawing.py", ["tuned", *asked], TUNED),
                Contestant("exported", "drawing.py", ["exported", *asked]),
            ],
            settings.short_rounds,
        ),
    )
