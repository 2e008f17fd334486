"""exported graph + pipeline -> parity: do ONNX Runtime and PyTorch give the same outputs? Checked at every export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch

from tumorlens._arrays import Floats32
from tumorlens.errors import ParityError
from tumorlens.model_card.card import Parity
from tumorlens.models import Pipeline
from tumorlens.scan import GrayImage

TOLERANCE = 1e-4
# Of a pixel's probability of tumor. LightHam divides by its own results six times, so that rounding errors grow: 2e-5
# is usual, and 7e-4 was the largest with weights damaged on purpose. 1e-3 moves an outline only where the probability
# is within 1e-3 of the threshold; the card holds the share of mask pixels that differ after thresholding.
MASK_TOLERANCE = 1e-3
# Of the OOD score, relative to it where it is above 1, its threshold.
OOD_TOLERANCE = 1e-3
# Output -> name in errors, tolerance in float32, tolerance with float16 weights (each rounded by one part in 2,000;
# checked after float32). With float16, pixels at the edge of a tumor, where the network is undecided, differ most.
_TOLERANCES = {
    "probabilities": ("a class probability", TOLERANCE, 2e-2),
    "mask": ("a mask pixel", MASK_TOLERANCE, 1e-1),
    "ood_score": ("the OOD score", OOD_TOLERANCE, 2e-2),
}
# Random images: square, wide, tall, smaller and larger than any input, odd.
_SIZES = ((224, 224), (512, 512), (90, 301), (640, 333), (17, 19), (33, 512))


def random_images(seed: int = 0) -> list[GrayImage]:
    """Noise images of many shapes, which real images do not cover."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, size, dtype=np.uint8) for size in _SIZES]


def check_parity(graph: Path, pipeline: Pipeline, images: Sequence[GrayImage], *, half: bool = False) -> Parity:
    """Compare probabilities, masks and OOD scores of ONNX Runtime and PyTorch, image by image.

    Args:
        graph: the exported ONNX file.
        pipeline: the exported pipeline, in evaluation mode.
        images: (H, W) uint8 each.
        half: whether the weights of the graph are float16.

    Raises:
        ParityError: a class probability differs by more than 1e-4, or a pixel's probability of tumor or the OOD score
            by more than 1e-3, with `half` 2e-2, 1e-1 and 2e-2; or a value is not a number.
    """
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs() if output.name in _TOLERANCES]
    worst = dict.fromkeys(names, 0.0)
    differing: list[float] = []
    for image in images:
        with torch.inference_mode():
            expected = pipeline(torch.from_numpy(image.copy())[None])
        for name, exported in zip(names, session.run(names, {"image": image[None]}), strict=True):
            original = getattr(expected, name).numpy()
            worst[name] = max(worst[name], _difference(name, exported, original, image, half))
            if name == "mask":
                differing.append(float(((exported >= 0.5) != (original >= 0.5)).mean()))
    return Parity(
        largest_difference=worst["probabilities"],
        images=len(images),
        largest_mask_difference=worst.get("mask"),
        mask_pixels_differ=sum(differing) / len(differing) if differing else None,
        largest_ood_difference=worst.get("ood_score"),
    )


def _difference(name: str, exported: Floats32, original: Floats32, image: GrayImage, half: bool) -> float:
    """The largest difference, checked against the tolerance."""
    scale = np.maximum(1, np.abs(original)) if name == "ood_score" else 1
    difference = float((np.abs(exported - original) / scale).max())
    output, single, rounded = _TOLERANCES[name]
    tolerance = rounded if half else single
    if not difference <= tolerance:
        raise ParityError(
            found=f"ONNX Runtime and PyTorch differ by {difference:.2g} in {output} on an image of "
            f"{image.shape[0]} x {image.shape[1]} pixels, so no file was written",
            expected=f"at most {tolerance:.0e}",
            advice="try other versions of torch and onnxruntime",
        )
    return difference
