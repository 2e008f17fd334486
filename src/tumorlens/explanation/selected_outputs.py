"""Pipeline -> its answers by name: what an exported graph gives, and what explanation asks a network for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tumorlens.explanation.catalog import ATTENTION
from tumorlens.models import Pipeline
from tumorlens.models.layers.attention import attention_names, attention_passing


def output_names(pipeline: Pipeline) -> list[str]:
    """What this pipeline can be asked for: nothing empty, and no box that is always the whole image.

    ``"probabilities"``, ``"cam"`` of networks that are pooling + linear, ``"features"``, ``"boxes"`` where the canvas
    lies around the head, ``"mask"`` where a tumor is drawn, ``"ood_score"`` where that was fitted, and
    ``"attention:NAME"`` for each attention map. Whether it draws is found out with one pass over a black image.
    """
    side = pipeline.preprocessing.input_geometry.size
    with torch.inference_mode():
        answer = pipeline(torch.zeros(1, side, side, dtype=torch.uint8, device=pipeline.temperature.device))
    named = {
        "probabilities": True,
        "cam": answer.cam.shape[1] > 0,
        "features": True,
        "boxes": pipeline.preprocessing.input_geometry.crop == "head",
        "mask": answer.mask.numel() > 0,
        "ood_score": answer.ood_score.numel() > 0,
    }
    maps = [ATTENTION + name for name in attention_names(pipeline.network)]
    return [name for name, there in named.items() if there] + maps


class SelectedOutputs(nn.Module):
    """(N, H, W) uint8 images of one size -> some of a pipeline's answers, as a tuple."""

    def __init__(self, pipeline: Pipeline, names: Sequence[str]) -> None:
        """Ask for `names`, which are some of `output_names`."""
        super().__init__()
        self.pipeline = pipeline
        self.names = list(names)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """In the order of the names; an attention map is (N, h, w), the others as in `PipelineOutput`."""
        maps = [name.removeprefix(ATTENTION) for name in self.names if name.startswith(ATTENTION)]
        with attention_passing(self.pipeline.network, maps) as seen:
            answer = self.pipeline(image)
        return tuple(
            seen[name.removeprefix(ATTENTION)] if name.startswith(ATTENTION) else getattr(answer, name)
            for name in self.names
        )
