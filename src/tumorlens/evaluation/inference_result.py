"""What running a network on samples gives, and the signature of everything that does so; needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tumorlens._progress import Progress, silent
from tumorlens.datasets import Sample
from tumorlens.scan import Box, GrayImage, Mask, Scan, read_scan

BATCH = 32
"""Images of one size that a network gets at one time, unless told otherwise."""
Spacing = tuple[float, ...] | None
OnMask = Callable[[int, Mask, Spacing], None]
Change = Callable[[int, GrayImage], GrayImage]


@dataclass(frozen=True, eq=False)
class InferenceResult:
    """The output of a network for N samples, in their order.

    Attributes:
        logits: (N, K) float64.
        cams: for each sample its (K, h, w) class activation maps; K is 0 where the network has none.
        boxes: for each sample the part of the image that the network sees: top, left, height, width.
        features: (N, C) float32, the last feature maps averaged over places; C is 0 where they are not known.
    """

    logits: npt.NDArray[np.float64]
    cams: list[npt.NDArray[np.float32]]
    boxes: list[Box]
    features: npt.NDArray[np.float32]

    def part(self, count: int) -> tuple[InferenceResult, InferenceResult]:
        """The output for the first `count` samples, and for the others."""
        return (
            InferenceResult(self.logits[:count], self.cams[:count], self.boxes[:count], self.features[:count]),
            InferenceResult(self.logits[count:], self.cams[count:], self.boxes[count:], self.features[count:]),
        )


class Inference(Protocol):
    """A network that can be run on samples, also on changed images; the arguments are those of `infer`."""

    def __call__(
        self,
        samples: Sequence[Sample],
        *,
        on_mask: OnMask | None = None,
        change: Change | None = None,
        read: Callable[[Path], Scan] | None = None,
        batch_size: int = BATCH,
        progress: Progress = silent,
        stage: str = "inference",
    ) -> InferenceResult:
        """Run every sample through the network."""


def gray_slice(path: str | Path) -> GrayImage:
    """The image in a file, (H, W) uint8.

    Raises:
        ScanError: the file cannot be read, or holds a volume.
    """
    return read_scan(path).gray_slice()
