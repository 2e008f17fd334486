"""Network + image + heat map -> the probability of a class as pixels are inserted and deleted.

Insertion and deletion of Petsiuk et al. 2018 (RISE, arXiv:1806.07421). Both blur the deleted pixels: black or gray
holes have sharp edges that no scan has, and a network reacts to the edges, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tumorlens._arrays import Floats
from tumorlens.explanation.faithfulness.control_maps import HeatMap, random_map
from tumorlens.models import Pipeline
from tumorlens.scan import GrayImage

STEPS = 20
"""Each step inserts or deletes a twentieth of the pixels."""

_BLUR = 10  # the standard deviation is this fraction of the input: 22 of 224 pixels, wider than most edges


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """An image in the network's input geometry, sharp and blurred.

    Attributes:
        sharp: (size, size) gray values, 0 to 255.
        blurred: the same, blurred until little can be recognized.
        inside: (size, size) bool, True where the image lies; the padding never changes.
        boxes: (1, 4) the part of the image that is in the input.
        target: index of the class whose probability is measured.
        probability: of that class, calibrated, for the sharp image.
        blurred_probability: the same for the blurred image.
    """

    sharp: Tensor
    blurred: Tensor
    inside: Tensor
    boxes: Tensor
    target: int
    probability: float
    blurred_probability: float


@dataclass(frozen=True, eq=False)
class PerturbationCurves:
    """The probability as pixels are inserted and deleted, from the highest value of the map to the lowest.

    Attributes:
        insertion: (STEPS + 1,) from the blurred to the sharp image; the earlier it rises, the better.
        deletion: (STEPS + 1,) from the sharp to the blurred image; the earlier it falls, the better.
    """

    insertion: Floats
    deletion: Floats

    @property
    def areas(self) -> tuple[float, float]:
        """The area under each curve, by the trapezoidal rule: 0 to 1, the mean probability."""
        insertion, deletion = (float((c.sum() - (c[0] + c[-1]) / 2) / STEPS) for c in (self.insertion, self.deletion))
        return insertion, deletion


def to_network_input(pipeline: Pipeline, image: GrayImage, target: int) -> NetworkInput:
    """Bring an image into the network's input geometry, sharp and blurred."""
    gray = torch.from_numpy(image.copy())[None].to(pipeline.temperature.device)
    boxes = pipeline.preprocessing.boxes(gray)
    sharp = pipeline.preprocessing.resample(gray, boxes)[0]
    blurred = blur(sharp)
    inside = pipeline.preprocessing.resample(torch.ones_like(gray), boxes)[0, 0] >= 0.5
    ends = _probabilities(pipeline, torch.stack([sharp, blurred]), target)
    return NetworkInput(sharp[0], blurred[0], inside, boxes, target, float(ends[0]), float(ends[1]))


def perturbation_curves(
    pipeline: Pipeline, network_input: NetworkInput, heatmap: HeatMap, seed: int = 0
) -> PerturbationCurves:
    """Insert and delete the pixels of an image in the order of a heat map.

    Pixels of equal value are ordered by a smooth random map; an order by single random pixels would add noise.

    Args:
        pipeline: with its temperature.
        network_input: the image.
        heatmap: (H, W) of the whole image.
        seed: of the random map.
    """
    random = random_map(np.zeros(heatmap.shape, np.uint8), (0, 0, 0, 0), seed)
    maps = torch.from_numpy(np.stack([heatmap, random])).to(network_input.sharp.device)
    resampled = pipeline.preprocessing.resample(maps, network_input.boxes.expand(2, -1))
    values = resampled[:, 0, network_input.inside].double().cpu().numpy()
    order = np.lexsort((-values[1], -values[0]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    ranks = torch.from_numpy(rank).to(network_input.sharp.device)
    bounds = [round(len(rank) * step / STEPS) for step in range(1, STEPS)]
    insertions = torch.stack([_mixed(network_input, ranks < bound) for bound in bounds])
    deletions = torch.stack([_mixed(network_input, ranks >= bound) for bound in bounds])
    probabilities = _probabilities(pipeline, torch.cat([insertions, deletions])[:, None], network_input.target)
    blurred, sharp = np.array([network_input.blurred_probability]), np.array([network_input.probability])
    inserted, deleted = probabilities[: STEPS - 1], probabilities[STEPS - 1 :]
    return PerturbationCurves(
        insertion=np.concatenate([blurred, inserted, sharp]), deletion=np.concatenate([sharp, deleted, blurred])
    )


def blur(images: Tensor) -> Tensor:
    """(..., size, size) -> the same, blurred with a tenth of the side; weights are renormalized at the border."""
    size = images.shape[-1]
    positions = torch.arange(size, dtype=torch.float32, device=images.device)
    weights = torch.exp(-(((positions[:, None] - positions) * _BLUR / size) ** 2) / 2)
    weights = weights / weights.sum(1, keepdim=True)
    return weights @ images @ weights.T


def _mixed(network_input: NetworkInput, sharp: Tensor) -> Tensor:
    """The input with these pixels of the image sharp, and the others blurred."""
    inside = network_input.inside
    mixed = network_input.sharp.clone()
    mixed[inside] = torch.where(sharp, network_input.sharp[inside], network_input.blurred[inside])
    return mixed


def _probabilities(pipeline: Pipeline, resampled: Tensor, target: int) -> Floats:
    """(N, 1, size, size) gray values -> (N,) calibrated probability of the class."""
    with torch.inference_mode():
        inputs = pipeline.preprocessing.normalize(resampled).contiguous(memory_format=torch.channels_last)
        logits = pipeline.network(inputs).logits
        probabilities: Floats = torch.softmax(logits / pipeline.temperature, 1)[:, target].double().cpu().numpy()
    return probabilities
