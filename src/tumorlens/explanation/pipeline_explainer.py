"""Pipeline + images -> heat maps by any method, at the size of the images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from tumorlens._arrays import Floats32
from tumorlens.explanation.catalog import METHODS, Task
from tumorlens.explanation.explainer import Explainer, Images, NetworkOutputs
from tumorlens.explanation.methods.grad_cam import grad_cam, hires_cam
from tumorlens.explanation.selected_outputs import SelectedOutputs, output_names
from tumorlens.models import Pipeline
from tumorlens.report.heat import heat

_GRADIENT_METHODS = {"grad_cam": grad_cam, "hires_cam": hires_cam}


def available(pipeline: Pipeline, task: Task = "classification") -> list[str]:
    """Names of the methods that this network supports, in the order of `METHODS`.

    Raises:
        ModelError: `task` is ``"segmentation"``, and the network does not segment.
    """
    return PipelineExplainer(pipeline).available(task)


def heatmaps(
    pipeline: Pipeline,
    images: npt.NDArray[np.uint8],
    targets: Sequence[int] | None = None,
    *,
    method: str = "grad_cam",
    task: Task = "classification",
) -> list[Floats32]:
    """Heat maps of images of one size.

    Args:
        pipeline: in evaluation mode.
        images: (N, H, W) uint8.
        targets: for each image the class to explain; None for the predicted class.
        method: one of `available`, or ``"attention:NAME"`` for one attention map.
        task: ``"segmentation"`` explains the predicted mask and not a class. Methods that depend on neither
            (`Method.targeted`) give the same map.

    Returns:
        For each image (H, W) float32 from 0 to 1; all 0 where nothing raises the explained score. The largest
        value on the network's input is 1, except for ``"mask"``, whose values are probabilities.

    Raises:
        ModelError: no such method, or the network does not support it.
    """
    return PipelineExplainer(pipeline).heatmaps(images, targets, method=method, task=task)


class PipelineExplainer(Explainer):
    """Explains a network in PyTorch: by gradients, and by forward passes."""

    def __init__(self, pipeline: Pipeline, name: str = "") -> None:
        """A pipeline in evaluation mode, called `name` in errors."""
        name = name or type(pipeline.network).__name__
        geometry = pipeline.preprocessing.input_geometry
        super().__init__(name, geometry, self._infer_pipeline, lambda: output_names(pipeline))
        self.pipeline = pipeline

    def available(self, task: Task = "classification") -> list[str]:
        """As in `Explainer`, and the gradient methods, which every network supports."""
        others = super().available(task)
        return [name for name in METHODS if name in _GRADIENT_METHODS or name in others]

    def check(self, method: str, task: Task = "classification") -> None:
        """As in `Explainer`, without a forward pass for methods that every network supports."""
        if task == "segmentation" or method not in (*_GRADIENT_METHODS, "eigen_cam", "occlusion"):
            super().check(method, task)

    def _heatmaps(self, images: Images, targets: Sequence[int] | None, method: str, task: Task) -> list[Floats32]:
        if method not in _GRADIENT_METHODS:
            return super()._heatmaps(images, targets, method, task)
        network, preprocessing = self.pipeline.network, self.pipeline.preprocessing
        batch = self._tensor(images)
        boxes = preprocessing.boxes(batch)
        activations = _GRADIENT_METHODS[method](network, preprocessing(batch, boxes), targets, task=task)
        windows = self._crop_windows(images, {"boxes": boxes.cpu().numpy()})
        pairs = zip(activations.float().cpu().numpy(), windows, strict=True)
        return [heat(activation, window) for activation, window in pairs]

    def _infer_pipeline(self, images: Images, names: Sequence[str]) -> NetworkOutputs:
        with torch.inference_mode():
            outputs = SelectedOutputs(self.pipeline, names)(self._tensor(images))
        return {name: value.cpu().numpy() for name, value in zip(names, outputs, strict=True)}

    def _tensor(self, images: Images) -> torch.Tensor:
        return torch.from_numpy(images.copy()).to(self.pipeline.temperature.device)
