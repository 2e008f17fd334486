"""Network + an image + the order of its pixels -> how the probability moves as they come and go.

Insertion and deletion of Petsiuk et al. 2018 (RISE, arXiv:1806.07421). What is not there is blurred, in both: black or
gray holes have sharp edges that no scan has, and a network answers those too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tumorlens._arrays import Floats
from tumorlens.explanation.faithfulness.control_maps import HeatMap, random
from tumorlens.models import Pipeline
from tumorlens.scan import GrayImage

STEPS = 20
"""So many times a twentieth of the pixels comes or goes."""

_BLUR = 10  # the standard deviation is this part of the network's square: 22 of 224 pixels, wider than most edges


@dataclass(frozen=True, eq=False)
class Scene:
    """An image on the network's square, ready to be taken apart.

    Attributes:
        whole: (size, size) gray values, 0 to 255.
        blurred: the same, blurred until little is left to recognize.
        shown: (size, size) bool, where the image lies; the bars beside it never change.
        boxes: (1, 4) the part of the image that is on the square.
        target: the class whose probability is followed.
        probability: of that class, calibrated, for the whole image.
        hidden: the same for the blurred one.
    """

    whole: Tensor
    blurred: Tensor
    shown: Tensor
    boxes: Tensor
    target: int
    probability: float
    hidden: float


@dataclass(frozen=True, eq=False)
class Curves:
    """The probability as pixels come and go, hottest first.

    Attributes:
        insertion: (STEPS + 1,) from all blurred to the whole image; the earlier it rises, the better.
        deletion: (STEPS + 1,) from the whole image to all blurred; the earlier it falls, the better.
    """

    insertion: Floats
    deletion: Floats

    @property
    def areas(self) -> tuple[float, float]:
        """Under both, by trapezoids; 0 to 1, the mean probability on the way."""
        one, two = (float((c.sum() - (c[0] + c[-1]) / 2) / STEPS) for c in (self.insertion, self.deletion))
        return one, two


def scene(pipeline: Pipeline, image: GrayImage, target: int) -> Scene:
    """Lay an image on the network's square, whole and blurred."""
    gray = torch.from_numpy(image.copy())[None]
    boxes = pipeline.preprocessing.boxes(gray)
    whole = pipeline.preprocessing.resample(gray, boxes)[0]
    blurred = blur(whole)
    shown = pipeline.preprocessing.resample(torch.ones_like(gray), boxes)[0, 0] >= 0.5
    ends = _probabilities(pipeline, torch.stack([whole, blurred]), target)
    return Scene(whole[0], blurred[0], shown, boxes, target, float(ends[0]), float(ends[1]))


def curves(pipeline: Pipeline, scene: Scene, heatmap: HeatMap, seed: int = 0) -> Curves:
    """Insert and delete the pixels of an image in the order of a map.

    Where the map does not tell pixels apart, smooth patches in random order decide; single pixels by chance would be a
    noise of their own.

    Args:
        pipeline: with its temperature.
        scene: the image.
        heatmap: (H, W) of the whole image.
        seed: of what decides between equals.
    """
    chance = random(np.zeros(heatmap.shape, np.uint8), (0, 0, 0, 0), seed)
    maps = torch.from_numpy(np.stack([heatmap, chance]))
    placed = pipeline.preprocessing.resample(maps, scene.boxes.expand(2, -1))[:, 0, scene.shown].double().numpy()
    order = np.lexsort((-placed[1], -placed[0]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    first = torch.from_numpy(rank)
    bounds = [round(len(rank) * step / STEPS) for step in range(1, STEPS)]
    scenes = torch.stack([_mixed(scene, first < bound) for bound in bounds])
    back = torch.stack([_mixed(scene, first >= bound) for bound in bounds])
    found = _probabilities(pipeline, torch.cat([scenes, back])[:, None], scene.target)
    ends = np.array([scene.hidden]), np.array([scene.probability])
    inserted, deleted = found[: STEPS - 1], found[STEPS - 1 :]
    return Curves(np.concatenate([ends[0], inserted, ends[1]]), np.concatenate([ends[1], deleted, ends[0]]))


def blur(images: Tensor) -> Tensor:
    """(..., size, size) -> the same, blurred by a tenth of the side; at the rim only what is there counts."""
    size = images.shape[-1]
    places = torch.arange(size, dtype=torch.float32, device=images.device)
    weights = torch.exp(-(((places[:, None] - places) * _BLUR / size) ** 2) / 2)
    weights = weights / weights.sum(1, keepdim=True)
    return weights @ images @ weights.T


def _mixed(scene: Scene, sharp: Tensor) -> Tensor:
    """The square with these of the shown pixels as they are, and the others blurred."""
    mixed = scene.whole.clone()
    mixed[scene.shown] = torch.where(sharp, scene.whole[scene.shown], scene.blurred[scene.shown])
    return mixed


def _probabilities(pipeline: Pipeline, placed: Tensor, target: int) -> npt.NDArray[np.float64]:
    """(N, 1, size, size) gray values -> (N,) calibrated probability of the class."""
    with torch.inference_mode():
        inputs = pipeline.preprocessing.normalize(placed).contiguous(memory_format=torch.channels_last)
        logits = pipeline.network(inputs).logits
        found: npt.NDArray[np.float64] = torch.softmax(logits / pipeline.temperature, 1)[:, target].double().numpy()
    return found
