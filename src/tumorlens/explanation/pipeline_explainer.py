"""Pipeline + images -> heat maps by any method, at the size of the images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from tumorlens._arrays import Floats32
from tumorlens.explanation.catalog import METHODS as METHODS
from tumorlens.explanation.catalog import Method as Method
from tumorlens.explanation.catalog import Of
from tumorlens.explanation.explainer import Explainer, Found, Images
from tumorlens.explanation.methods.grad_cam import grad_cam, hires_cam
from tumorlens.explanation.selected_outputs import SelectedOutputs, output_names
from tumorlens.models import Pipeline
from tumorlens.report.heat import heat

_GRADIENTS = {"grad_cam": grad_cam, "hires_cam": hires_cam}


def available(pipeline: Pipeline, of: Of = "class") -> list[str]:
    """Names of the methods that explain what this network says, in the order of `METHODS`.

    Raises:
        ModelError: a mask is to be explained, and the network draws none.
    """
    return PipelineExplainer(pipeline).available(of)


def heatmaps(
    pipeline: Pipeline,
    images: npt.NDArray[np.uint8],
    targets: Sequence[int] | None = None,
    *,
    method: str = "grad_cam",
    of: Of = "class",
) -> list[npt.NDArray[np.float32]]:
    """Where the network looked, for images of one size.

    Args:
        pipeline: in evaluation mode.
        images: (N, H, W) uint8.
        targets: for each image the class to explain; None for the predicted one.
        method: one of `available`, or ``"attention:NAME"`` for one attention map.
        of: ``"mask"`` explains the drawn tumor and not a class. Of methods that ask for neither (`Method.targeted`)
            the map is the same.

    Returns:
        For each image (H, W) float32 from 0 to 1; all 0 where nothing speaks for what is explained. The largest
        value on the network's square is 1, but those of ``"mask"`` are probabilities.

    Raises:
        ModelError: no such method, or one that this network cannot give.
    """
    return PipelineExplainer(pipeline).heatmaps(images, targets, method=method, of=of)


class PipelineExplainer(Explainer):
    """A network in PyTorch: gradients, beside what forward passes tell."""

    def __init__(self, pipeline: Pipeline, name: str = "") -> None:
        """A pipeline in evaluation mode, called `name` in errors."""
        what = name or type(pipeline.network).__name__
        super().__init__(what, pipeline.preprocessing.input_geometry, self._answer_of, lambda: output_names(pipeline))
        self.pipeline = pipeline

    def available(self, of: Of = "class") -> list[str]:
        """As in `Explainer`; whatever is differentiable has gradients."""
        others = super().available(of)
        return [name for name in METHODS if name in _GRADIENTS or name in others]

    def check(self, method: str, of: Of = "class") -> None:
        """As in `Explainer`, and without a pass where every network can."""
        if of == "mask" or method not in (*_GRADIENTS, "eigen_cam", "occlusion"):
            super().check(method, of)

    def _drawn(self, images: Images, targets: Sequence[int] | None, method: str, of: Of) -> list[Floats32]:
        if method not in _GRADIENTS:
            return super()._drawn(images, targets, method, of)
        preprocessing = self.pipeline.preprocessing
        batch = self._tensor(images)
        boxes = preprocessing.boxes(batch)
        charts = _GRADIENTS[method](self.pipeline.network, preprocessing(batch, boxes), targets, of=of).float().cpu().numpy()
        places = self._places(images, {"boxes": boxes.cpu().numpy()})
        return [heat(chart, place) for chart, place in zip(charts, places, strict=True)]

    def _answer_of(self, images: Images, names: Sequence[str]) -> Found:
        with torch.inference_mode():
            given = SelectedOutputs(self.pipeline, names)(self._tensor(images))
        return {name: value.cpu().numpy() for name, value in zip(names, given, strict=True)}

    def _tensor(self, images: Images) -> torch.Tensor:
        return torch.from_numpy(images.copy()).to(self.pipeline.temperature.device)
