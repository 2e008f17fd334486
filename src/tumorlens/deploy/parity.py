"""Does the exported graph answer as the network does? Checked at every export, on real and on random pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch

from tumorlens.deploy.card import Parity
from tumorlens.errors import ParityError
from tumorlens.models import Pipeline
from tumorlens.scan import GreyImage

TOLERANCE = 1e-4
# Random pictures: square, wide, tall, smaller and larger than any canvas, odd.
_SIZES = ((224, 224), (512, 512), (90, 301), (640, 333), (17, 19), (33, 512))


def random_pictures(seed: int = 0) -> list[GreyImage]:
    """Noise of many shapes: what no real picture covers."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, size, dtype=np.uint8) for size in _SIZES]


def check_parity(graph: Path, pipeline: Pipeline, pictures: Sequence[GreyImage]) -> Parity:
    """Compare the probabilities of ONNX Runtime and PyTorch, picture by picture.

    Args:
        graph: the exported ONNX file.
        pipeline: what it was exported from, in evaluation mode.
        pictures: (H, W) uint8 each.

    Raises:
        ParityError: a probability differs by more than 1e-4, or is not a number.
    """
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    worst = 0.0
    for picture in pictures:
        with torch.inference_mode():
            expected = pipeline(torch.from_numpy(picture.copy())[None]).probabilities.numpy()
        found = session.run(["probabilities"], {"image": picture[None]})[0]
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE:
            raise ParityError(
                f"the exported graph and PyTorch differ by {difference:.2g} in a probability on a picture of "
                f"{picture.shape[0]} x {picture.shape[1]} pixels; expected at most {TOLERANCE:.0e}; no file was "
                "written; try other versions of torch and onnxruntime"
            )
        worst = max(worst, difference)
    return Parity(largest_difference=worst, pictures=len(pictures))
