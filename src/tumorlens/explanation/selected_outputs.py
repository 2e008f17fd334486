"""Pipeline -> its outputs by name, for the exported graph and for explanation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tumorlens.explanation.catalog import ATTENTION
from tumorlens.models import Pipeline
from tumorlens.models.layers.attention import attention_names, recorded_attention


def output_names(pipeline: Pipeline) -> list[str]:
    """The outputs of this pipeline, without empty ones, and without a box that is always the whole image.

    ``"probabilities"``, ``"cam"`` of networks that end in pooling + linear, ``"features"``, ``"boxes"`` where the input
    is cropped to the head, ``"mask"`` of networks that segment, ``"ood_score"`` where it was fitted, and
    ``"attention:NAME"`` for each attention map. One pass over a black image shows whether the network segments.
    """
    side = pipeline.preprocessing.input_geometry.size
    with torch.inference_mode():
        output = pipeline(torch.zeros(1, side, side, dtype=torch.uint8, device=pipeline.temperature.device))
    present = {
        "probabilities": True,
        "cam": output.cam.shape[1] > 0,
        "features": True,
        "boxes": pipeline.preprocessing.input_geometry.crop == "head",
        "mask": output.mask.numel() > 0,
        "ood_score": output.ood_score.numel() > 0,
    }
    maps = [ATTENTION + name for name in attention_names(pipeline.network)]
    return [name for name, is_present in present.items() if is_present] + maps


class SelectedOutputs(nn.Module):
    """(N, H, W) uint8 images of one size -> some outputs of a pipeline, as a tuple."""

    def __init__(self, pipeline: Pipeline, names: Sequence[str]) -> None:
        """Compute `names`, which are some of `output_names`."""
        super().__init__()
        self.pipeline = pipeline
        self.names = list(names)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """In the order of the names; an attention map is (N, h, w), the others as in `PipelineOutput`."""
        maps = [name.removeprefix(ATTENTION) for name in self.names if name.startswith(ATTENTION)]
        with recorded_attention(self.pipeline.network, maps) as attention:
            output = self.pipeline(image)
        return tuple(
            attention[name.removeprefix(ATTENTION)] if name.startswith(ATTENTION) else getattr(output, name)
            for name in self.names
        )
