"""Outputs of a network -> heat maps, for networks in PyTorch and in model files alike; imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats, Floats32
from tumorlens.errors import ModelError
from tumorlens.explanation.catalog import ATTENTION, METHODS, Task, check_method
from tumorlens.explanation.methods.attention_maps import combine_attention_maps
from tumorlens.explanation.methods.eigen_cam import eigen_cam
from tumorlens.explanation.methods.occlusion import BATCH, ScoreFunction, occlusion
from tumorlens.report.heat import heat
from tumorlens.scan import GrayImage, InputGeometry, Mask, mask_in_image
from tumorlens.scan.input_geometry import CropWindow

Images = npt.NDArray[np.uint8]
NetworkOutputs = dict[str, npt.NDArray[Any]]
Infer = Callable[[Images, Sequence[str]], NetworkOutputs]
"""(N, H, W) images and names of outputs -> these outputs, as a model file has them."""


def supported_methods(outputs: Sequence[str], task: Task = "classification") -> list[str]:
    """Names of the methods that need only these outputs of a network, in the order of `METHODS`."""
    cam = (
        "cam" in outputs and task == "classification"
    )  # the class activation map equals both methods, up to a constant
    supported = {
        "grad_cam": cam,
        "hires_cam": cam,
        "eigen_cam": "features" in outputs,
        "attention": any(name.startswith(ATTENTION) for name in outputs),
        "occlusion": True,
        "mask": "mask" in outputs,
    }
    return [name for name in METHODS if supported[name]]


class Explainer:
    """Explains a network by forward passes alone.

    Attributes:
        name: of the network, for errors.
        input_geometry: how images become its input.
        batch_size: the largest number of images that the network gets at one time.
    """

    def __init__(
        self, name: str, input_geometry: InputGeometry, infer: Infer, output_names: Callable[[], Sequence[str]]
    ) -> None:
        """Run the network by `infer`; `output_names` lists its outputs, and is called when they are needed."""
        self.name = name
        self.input_geometry = input_geometry
        self._infer = infer
        self._output_names = output_names
        self.batch_size = BATCH

    @cached_property
    def outputs(self) -> Sequence[str]:
        """Names of the outputs: ``"probabilities"``, ``"cam"``, ``"attention:NAME"`` and so on."""
        return self._output_names()

    def available(self, task: Task = "classification") -> list[str]:
        """Names of the supported methods, in the order of `METHODS`.

        Raises:
            ModelError: `task` is ``"segmentation"``, and the network does not segment.
        """
        if task == "segmentation" and "mask" not in self.outputs:
            raise ModelError(found=f"{self.name} does not segment tumors", advice="explain a class instead")
        return supported_methods(self.outputs, task)

    def check(self, method: str, task: Task = "classification") -> None:
        """Check that a method is supported, before any image is read.

        Raises:
            ModelError: no such method or attention map, or the network does not support it; lists the supported ones.
        """
        model = f"{self.name}, for the mask," if task == "segmentation" else self.name
        check_method(method, self.available(task), model)
        if method.startswith(ATTENTION) and method not in self.outputs:
            names = [name for name in self.outputs if name.startswith(ATTENTION)]
            raise ModelError(found=f"{self.name} has no map {method}", expected=f"one of {', '.join(names)}")

    def predict(self, image: GrayImage) -> tuple[Floats32, Mask | None]:
        """Calibrated probabilities (K,), and the predicted mask (H, W), 1 = tumor; None without segmentation."""
        names = ["mask"] if "mask" in self.outputs else []
        outputs = self._run(image[None], ["probabilities", *names])
        mask = mask_in_image(outputs["mask"][0], self._crop_windows(image[None], outputs)[0]) if names else None
        return outputs["probabilities"][0], mask

    def heatmaps(
        self,
        images: Images,
        targets: Sequence[int] | None = None,
        *,
        method: str = "grad_cam",
        task: Task = "classification",
    ) -> list[Floats32]:
        """One heat map for each image; arguments and result as in `tumorlens.explanation.heatmaps`.

        Raises:
            ModelError: as `check`.
        """
        self.check(method, task)
        heatmaps: list[Floats32] = []
        for start in range(0, len(images), self.batch_size):
            batch = slice(start, start + self.batch_size)
            batch_targets = None if targets is None else list(targets[batch])
            heatmaps += self._heatmaps(images[batch], batch_targets, method, task)
        return heatmaps

    def _heatmaps(self, images: Images, targets: Sequence[int] | None, method: str, task: Task) -> list[Floats32]:
        """One heat map for each image, at its size."""
        names = {
            "grad_cam": ["probabilities", "cam"],
            "hires_cam": ["probabilities", "cam"],
            "eigen_cam": ["features"],
            "attention": [name for name in self.outputs if name.startswith(ATTENTION)],
            "occlusion": ["probabilities"] if task == "classification" else ["mask"],
            "mask": ["mask"],
        }.get(method, [method])
        outputs = self._run(images, names)
        windows = self._crop_windows(images, outputs)
        if method == "mask":  # a probability: scaling its maximum to 1 would change its meaning
            return [window.to_image(mask) for mask, window in zip(outputs["mask"], windows, strict=True)]
        if "probabilities" in outputs:
            targets = outputs["probabilities"].argmax(1).tolist() if targets is None else targets
        heatmaps = []
        for i, (image, window) in enumerate(zip(images, windows, strict=True)):
            if method == "eigen_cam":
                activation = eigen_cam(outputs["features"][i])
            elif method.startswith("attention"):
                activation = combine_attention_maps([outputs[name][i] for name in names])
            elif method == "occlusion":
                score = (
                    self._mask_score(outputs["mask"][i], window)
                    if task == "segmentation"
                    else self._class_score(_target(targets, i))
                )
                activation = occlusion(image, window, score, self.batch_size)
            else:
                activation = outputs["cam"][i, _target(targets, i)]
            heatmaps.append(heat(activation, window))
        return heatmaps

    def _class_score(self, target: int) -> ScoreFunction:
        return lambda images: self._infer(images, ["probabilities"])["probabilities"][:, target]

    def _mask_score(self, mask: Floats32, window: CropWindow) -> ScoreFunction:
        """The mean tumor probability over the mask that was predicted for the original image."""
        predicted = mask_in_image(mask, window) > 0

        def score(images: Images) -> Floats:
            if not predicted.any():
                return np.zeros(len(images))
            outputs = self._run(images, ["mask"])
            pairs = zip(outputs["mask"], self._crop_windows(images, outputs), strict=True)
            return np.array([window.to_image(mask)[predicted].mean() for mask, window in pairs])

        return score

    def _run(self, images: Images, names: Sequence[str]) -> NetworkOutputs:
        """These outputs, and the boxes of the heads where the input is cropped to the head."""
        return self._infer(images, [*names, "boxes"] if self.input_geometry.crop == "head" else names)

    def _crop_windows(self, images: Images, outputs: NetworkOutputs) -> list[CropWindow]:
        height, width = images.shape[1:]
        if "boxes" not in outputs:
            return [self.input_geometry.crop_window(height, width)] * len(images)
        return [self.input_geometry.crop_window(height, width, tuple(box)) for box in outputs["boxes"].tolist()]


def _target(targets: Sequence[int] | None, position: int) -> int:
    assert targets is not None  # a class is explained
    return targets[position]
