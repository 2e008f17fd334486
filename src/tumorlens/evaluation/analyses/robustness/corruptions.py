"""An image and the name of an artifact -> the image with that artifact, in five severities.

Severity 1 is barely seen; 5 is what a radiologist would send back. Chosen by eye on Figshare's slices and on phantoms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tumorlens.evaluation.analyses.robustness import handling_artifacts as handling
from tumorlens.evaluation.analyses.robustness import scanner_artifacts as acquisition
from tumorlens.report.text import percentage
from tumorlens.scan import GrayImage, Mask

SEVERITIES = 5

Change = Callable[[GrayImage, float, np.random.Generator], GrayImage]
"""(H, W), how much, and what it draws from -> (H, W)."""


@dataclass(frozen=True)
class Artifact:
    """One artifact.

    Attributes:
        title: how people call it.
        unit: how much of it, in words, with a place for the number.
        amounts: of severity 1 to 5; one where it is there or not.
        change: makes it.
        move: what it does to the mask; None where the tumor stays where it is.
    """

    title: str
    unit: str
    amounts: tuple[float, ...]
    change: Change
    move: Change | None = None

    def words(self, severity: int) -> str:
        """How much that severity is, as ``"sigma 9 % of the brightest tissue"``."""
        amount = self.amounts[severity - 1]
        return self.unit.format(amount, half=amount / 2, percent=percentage(amount, None))


ARTIFACTS = {
    "bias_field": Artifact(
        "bias field", "a field that varies by {percent}", (0.2, 0.4, 0.8, 1.2, 1.6), acquisition.bias
    ),
    "noise": Artifact(
        "Rician noise", "sigma {percent} of the brightest tissue", (0.02, 0.05, 0.09, 0.15, 0.22), acquisition.rician
    ),
    "ghosting": Artifact(
        "ghosting", "two ghosts of {percent} of the brightness", (0.04, 0.08, 0.15, 0.25, 0.4), acquisition.ghosts
    ),
    "spike": Artifact(
        "k-space spike", "stripes of {percent} of the brightest tissue", (0.02, 0.05, 0.1, 0.2, 0.35), acquisition.spike
    ),
    "motion": Artifact(
        "motion", "three jerks of up to {:g}° and {half:g} % of the side", (0.5, 1, 2.5, 5, 8), acquisition.motion
    ),
    "blur": Artifact(
        "blur", "sigma {:g} pixels of an image 256 long", (0.4, 0.8, 1.3, 2, 3), handling.blur
    ),
    "darker": Artifact("darker (gamma)", "gamma {:g}", (1.2, 1.4, 1.7, 2.1, 2.6), handling.gamma),
    "brighter": Artifact("brighter (gamma)", "gamma {:g}", (0.85, 0.7, 0.58, 0.48, 0.4), handling.gamma),
    "jpeg": Artifact("JPEG", "quality {:g}", (60, 30, 15, 9, 6), handling.jpeg),
    "lower_resolution": Artifact(
        "lower resolution", "{percent} of the pixels a side", (0.75, 0.5, 0.35, 0.25, 0.18), handling.lower
    ),
    "rotation": Artifact("rotation", "{:g}° to either side", (2, 5, 10, 15, 20), handling.rotate, handling.rotate_mask),
    "flip": Artifact("left-right flip", "left and right exchanged", (1,), handling.flip, handling.flip),
}  # fmt: skip
"""Every artifact by its name: first those of the scanner, then those of what is done with its images."""


def disturb(gray: GrayImage, name: str, severity: int, *, seed: int = 0, sample: str = "") -> GrayImage:
    """The image with an artifact; one severity grows from the last, since all draw the same at random.

    Args:
        gray: (H, W) uint8.
        name: a key of `ARTIFACTS`.
        severity: 1 to 5; 1 where there is only one.
        seed: of the random numbers.
        sample: the id of the sample, so that each image draws something else.

    Returns:
        (H, W) uint8.

    Raises:
        MissingExtraError: the extra `train` is not installed.
    """
    artifact = ARTIFACTS[name]
    return artifact.change(gray, artifact.amounts[severity - 1], _random(seed, sample, name))


def disturb_mask(mask: Mask, name: str, severity: int, *, seed: int = 0, sample: str = "") -> Mask:
    """The reference mask of an image that was disturbed with the same arguments."""
    artifact = ARTIFACTS[name]
    if artifact.move is None:
        return mask
    return artifact.move(mask, artifact.amounts[severity - 1], _random(seed, sample, name))


def _random(seed: int, sample: str, name: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}\n{name}\n{sample}".encode(errors="surrogateescape")).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
