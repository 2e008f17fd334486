"""What can be asked of a network -> heat maps. The network may be PyTorch's or a bundle's; imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats32
from tumorlens.errors import ModelError
from tumorlens.explanation.catalog import ATTENTION, METHODS, Of, check_method
from tumorlens.explanation.methods.attention_rollup import together
from tumorlens.explanation.methods.eigen_cam import eigen_cam
from tumorlens.explanation.methods.occlusion import BATCH, Score, occlusion
from tumorlens.report.heat import heat
from tumorlens.scan import GrayImage, InputGeometry, Mask, mask_in_image
from tumorlens.scan.input_geometry import CropWindow

Images = npt.NDArray[np.uint8]
Found = dict[str, npt.NDArray[Any]]
Ask = Callable[[Images, Sequence[str]], Found]
"""(N, H, W) images and names of answers -> those answers, as the outputs of a bundle have them."""


def methods_from(answers: Sequence[str], of: Of = "class") -> list[str]:
    """Names of the methods that need nothing but these answers of a network, in the order of `METHODS`."""
    cam = "cam" in answers and of == "class"  # the class activation map is both methods, up to a constant
    there = {
        "grad_cam": cam,
        "hires_cam": cam,
        "eigen_cam": "features" in answers,
        "attention": any(name.startswith(ATTENTION) for name in answers),
        "occlusion": True,
        "mask": "mask" in answers,
    }
    return [name for name in METHODS if there[name]]


class Explainer:
    """A network, explained by what it answers: by forward passes alone.

    Attributes:
        name: of the network, for errors.
        input_geometry: on which it sees images.
    """

    def __init__(
        self, name: str, input_geometry: InputGeometry, ask: Ask, answers: Callable[[], Sequence[str]]
    ) -> None:
        """Ask a network by `ask`; `answers` tells which names that knows, and is called when they are needed."""
        self.name = name
        self.input_geometry = input_geometry
        self._ask = ask
        self._names = answers

    @cached_property
    def answers(self) -> Sequence[str]:
        """Names of what can be asked for: ``"probabilities"``, ``"cam"``, ``"attention:NAME"`` and so on."""
        return self._names()

    def available(self, of: Of = "class") -> list[str]:
        """Names of the methods, in the order of `METHODS`.

        Raises:
            ModelError: a mask is to be explained, and the network draws none.
        """
        if of == "mask" and "mask" not in self.answers:
            raise ModelError(f"{self.name} draws no tumor that could be explained; explain a class")
        return methods_from(self.answers, of)

    def check(self, method: str, of: Of = "class") -> None:
        """Refuse what cannot be had, before any image is read.

        Raises:
            ModelError: no such method or attention map, or one that this network cannot give; lists what it can.
        """
        what = f"{self.name}, of the mask," if of == "mask" else self.name
        check_method(method, self.available(of), what)
        if method.startswith(ATTENTION) and method not in self.answers:
            known = [name for name in self.answers if name.startswith(ATTENTION)]
            raise ModelError(f"{self.name} has no map {method}; it has {', '.join(known)}")

    def answer(self, image: GrayImage) -> tuple[npt.NDArray[np.float32], Mask | None]:
        """Calibrated probabilities (K,), and what is drawn, (H, W) with 1 for tumor; None where nothing can be."""
        mask = ["mask"] if "mask" in self.answers else []
        found = self._asked(image[None], ["probabilities", *mask])
        drawn = mask_in_image(found["mask"][0], self._places(image[None], found)[0]) if mask else None
        return found["probabilities"][0], drawn

    def heatmaps(
        self, images: Images, targets: Sequence[int] | None = None, *, method: str = "grad_cam", of: Of = "class"
    ) -> list[Floats32]:
        """Where the network looked, as `tumorlens.explanation.pipeline_explainer.heatmaps` says it.

        Raises:
            ModelError: as `check`.
        """
        self.check(method, of)
        maps: list[Floats32] = []
        for start in range(0, len(images), BATCH):
            wanted = None if targets is None else list(targets[start : start + BATCH])
            maps += self._drawn(images[start : start + BATCH], wanted, method, of)
        return maps

    def _drawn(self, images: Images, targets: Sequence[int] | None, method: str, of: Of) -> list[Floats32]:
        """One map for each image, at its size."""
        names = {
            "grad_cam": ["probabilities", "cam"],
            "hires_cam": ["probabilities", "cam"],
            "eigen_cam": ["features"],
            "attention": [name for name in self.answers if name.startswith(ATTENTION)],
            "occlusion": ["probabilities"] if of == "class" else ["mask"],
            "mask": ["mask"],
        }.get(method, [method])
        found = self._asked(images, names)
        places = self._places(images, found)
        if method == "mask":  # a probability, which would mean nothing if its peak were made 1
            return [place.to_image(chart) for chart, place in zip(found["mask"], places, strict=True)]
        if "probabilities" in found:
            targets = found["probabilities"].argmax(1).tolist() if targets is None else targets
        drawn = []
        for i, (image, place) in enumerate(zip(images, places, strict=True)):
            if method == "eigen_cam":
                chart = eigen_cam(found["features"][i])
            elif method.startswith("attention"):
                chart = together([found[name][i] for name in names])
            elif method == "occlusion":
                score = self._overlap(found["mask"][i], place) if of == "mask" else self._class_score(_at(targets, i))
                chart = occlusion(image, place, score)
            else:
                chart = found["cam"][i, _at(targets, i)]
            drawn.append(heat(chart, place))
        return drawn

    def _class_score(self, target: int) -> Score:
        return lambda images: self._ask(images, ["probabilities"])["probabilities"][:, target]

    def _overlap(self, mask: Floats32, place: CropWindow) -> Score:
        """How probable a tumor is, on average over what was drawn in the image as it is."""
        drawn = mask_in_image(mask, place) > 0

        def score(images: Images) -> npt.NDArray[np.float64]:
            if not drawn.any():
                return np.zeros(len(images))
            found = self._asked(images, ["mask"])
            both = zip(found["mask"], self._places(images, found), strict=True)
            return np.array([place.to_image(chart)[drawn].mean() for chart, place in both])

        return score

    def _asked(self, images: Images, names: Sequence[str]) -> Found:
        """The answers, and where the canvas lies if that differs from image to image."""
        return self._ask(images, [*names, "boxes"] if self.input_geometry.crop == "head" else names)

    def _places(self, images: Images, found: Found) -> list[CropWindow]:
        height, width = images.shape[1:]
        if "boxes" not in found:
            return [self.input_geometry.crop_window(height, width)] * len(images)
        return [self.input_geometry.crop_window(height, width, tuple(box)) for box in found["boxes"].tolist()]


def _at(targets: Sequence[int] | None, position: int) -> int:
    assert targets is not None  # a class is explained
    return targets[position]
