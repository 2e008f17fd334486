"""LightHam and self-attention -> time and memory; EfficientMTNet -> images per second on a GPU, if there is one."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from comparison import COST, SHARE, TIMES_AS_FAST_BY_RATE, TIMES_AS_FAST_BY_TIME, Comparison, SideBySide, Target
from interleaved import Implementation, measure_interleaved
from material import Material

NETWORK = "efficient_mtnet"
BATCHES = (1, 8, 32, 128)
CLAIMED = 1124.5  # images per second, reported by the authors of EfficientMTNet
KINDS = {"plain": "self-attention", "fused": "self-attention, fused", "light": "LightHam"}
PASSES = {"forward": "forward", "both": "forward and backward"}


def comparisons(material: Material) -> Iterator[Comparison | SideBySide]:
    """Time, memory, and the throughput on a GPU."""
    yield SideBySide("LightHam against self-attention", {PASSES[one]: _time(material, one) for one in PASSES})
    yield SideBySide("Memory of LightHam and self-attention", {PASSES[one]: _memory(material, one) for one in PASSES})
    if torch.cuda.is_available():
        yield _batches(material)
        yield _share(material)


def _time(material: Material, passes: str) -> Comparison:
    settings = material.settings
    arguments = [passes, "time", settings.grid, settings.passes]
    return Comparison(
        question=f"LightHam against self-attention, {PASSES[passes]}",
        how=(
            f"Maps of {settings.grid} x {settings.grid} positions and 128 channels, float32, on {_device()}; rank 32, "
            "six steps. Fused: `scaled_dot_product_attention`, which never stores the whole attention matrix."
        ),
        unit="ms",
        ratio=TIMES_AS_FAST_BY_TIME,
        series=measure_interleaved(_kinds(arguments), settings.short_rounds),
        target=Target(1, least=True),
    )


def _memory(material: Material, passes: str) -> Comparison:
    settings = material.settings
    return Comparison(
        question=f"Memory of LightHam and self-attention, {PASSES[passes]}",
        how=(
            "Peak of a pass, minus the memory in use before it: of the process on a CPU, of PyTorch's allocator on a "
            "GPU."
        ),
        unit="MiB",
        ratio=COST,
        series=measure_interleaved(_kinds([passes, "memory", settings.grid, 1]), 1),
        target=Target(1, least=False),
    )


def _kinds(arguments: list[object]) -> list[Implementation]:
    return [Implementation(name, "global_context.py", [kind, *arguments]) for kind, name in KINDS.items()]


def _batches(material: Material) -> Comparison:
    settings = material.settings
    return Comparison(
        question=f"EfficientMTNet on a GPU, {settings.large} pixels",
        how=f"Eager PyTorch on {_device()}, bfloat16, channels-last, images in its memory; forward pass only.",
        unit="images/s",
        ratio=TIMES_AS_FAST_BY_RATE,
        series=measure_interleaved(
            [
                Implementation(f"batch of {batch}", "gpu.py", [*_on_gpu(material, NETWORK, batch), "--rate"])
                for batch in BATCHES
            ],
            settings.short_rounds,
        ),
        target=Target(CLAIMED, least=True, absolute=True),
    )


def _share(material: Material) -> Comparison:
    settings = material.settings
    return Comparison(
        question="EfficientMTNet's share of the GPU's arithmetic",
        how=f"The largest of these batches, and the product of two bfloat16 matrices of 8192 x 8192, on {_device()}.",
        unit="TFLOP/s",
        ratio=SHARE,
        series=measure_interleaved(
            [
                Implementation("matrix product", "gpu.py", _on_gpu(material, "product", 1)),
                Implementation(f"batch of {BATCHES[-1]}", "gpu.py", _on_gpu(material, NETWORK, BATCHES[-1])),
            ],
            settings.short_rounds,
        ),
    )


def _on_gpu(material: Material, what: str, batch: int) -> list[object]:
    return [what, material.settings.large, batch, material.settings.predictions]


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU"
