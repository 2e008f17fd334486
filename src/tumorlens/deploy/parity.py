"""Does the exported graph answer as the network does? Checked at every export, on real and on random images."""

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
# Of a pixel's probability of tumor. LightHam divides by its own results six times over, so that rounding grows: 2e-5
# is usual, and 7e-4 was reached with weights that had been spoilt on purpose. A thousandth moves an outline only where
# the network is undecided to a thousandth; what share of the pixels changes sides is counted, and is on the card.
MASK_TOLERANCE = 1e-3
# Of the score of an image as outside, as a share of it where it is above 1, its limit.
OOD_TOLERANCE = 1e-3
# What is compared: how people call it, and the tolerances: in single precision, and with weights that were rounded to
# half, each by one part in 2,000, once the graph was seen to be right in single. A pixel at the edge of a tumor, where
# the network is undecided, then moves most.
_COMPARED = {
    "probabilities": ("a probability", TOLERANCE, 2e-2),
    "mask": ("a pixel of the mask", MASK_TOLERANCE, 1e-1),
    "ood_score": ("the score as outside", OOD_TOLERANCE, 2e-2),
}
# Random images: square, wide, tall, smaller and larger than any canvas, odd.
_SIZES = ((224, 224), (512, 512), (90, 301), (640, 333), (17, 19), (33, 512))


def random_images(seed: int = 0) -> list[GrayImage]:
    """Noise of many shapes: what no real image covers."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, size, dtype=np.uint8) for size in _SIZES]


def check_parity(graph: Path, pipeline: Pipeline, images: Sequence[GrayImage], *, half: bool = False) -> Parity:
    """Compare what ONNX Runtime and PyTorch say, image by image: probabilities, masks and scores as outside.

    Args:
        graph: the exported ONNX file.
        pipeline: what it was exported from, in evaluation mode.
        images: (H, W) uint8 each.
        half: whether the graph's weights are rounded to half precision.

    Raises:
        ParityError: the probability of a class differs by more than 1e-4, or that of a pixel of the mask or the score
            as outside by more than 1e-3, with `half` 2e-2, 1e-1 and 2e-2; or one is not a number.
    """
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs() if output.name in _COMPARED]
    worst = dict.fromkeys(names, 0.0)
    apart: list[float] = []
    for image in images:
        with torch.inference_mode():
            expected = pipeline(torch.from_numpy(image.copy())[None])
        for name, found in zip(names, session.run(names, {"image": image[None]}), strict=True):
            wanted = getattr(expected, name).numpy()
            worst[name] = max(worst[name], _difference(name, found, wanted, image, half))
            if name == "mask":
                apart.append(float(((found >= 0.5) != (wanted >= 0.5)).mean()))
    return Parity(
        largest_difference=worst["probabilities"],
        images=len(images),
        largest_mask_difference=worst.get("mask"),
        mask_pixels_differ=sum(apart) / len(apart) if apart else None,
        largest_ood_difference=worst.get("ood_score"),
    )


def _difference(name: str, found: Floats32, wanted: Floats32, image: GrayImage, half: bool) -> float:
    """The largest difference, if it is small enough."""
    scale = np.maximum(1, np.abs(wanted)) if name == "ood_score" else 1
    difference = float((np.abs(found - wanted) / scale).max())
    what, single, rounded = _COMPARED[name]
    tolerance = rounded if half else single
    if not difference <= tolerance:
        raise ParityError(
            f"the exported graph and PyTorch differ by {difference:.2g} in {what} on an image of "
            f"{image.shape[0]} x {image.shape[1]} pixels; expected at most {tolerance:.0e}; no file was "
            "written; try other versions of torch and onnxruntime"
        )
    return difference
