"""Images -> probabilities, mask, maps and OOD score: preprocessing, network and calibrated softmax as one module.

Evaluation, explanation and export use the same module, so that an exported model gives the numbers of the reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tumorlens._network_table import Option
from tumorlens.models import registry
from tumorlens.models.model_output import Network
from tumorlens.models.ood import InDistributionSubspace, OODScore
from tumorlens.models.preprocessing import Preprocessing
from tumorlens.scan.input_geometry import InputGeometry

MODEL_SPEC_VERSION = 1
"""Of a `ModelSpec` as plain data, which is the content of a run's model.json."""


@dataclass(frozen=True)
class ModelSpec:
    """How to build a network and its preprocessing; stored with the weights.

    Attributes:
        model: name in the registry.
        classes: the class map; output i is ``classes[i]``.
        channels: 1 or 3.
        input_geometry: how an image becomes the square input of the network.
        mean: subtracted from gray values in [0, 1], one for each color channel.
        std: divisor after that.
        dropout: before the classifier; None for the architecture's own.
        options: of the architecture, where they differ from its defaults.
    """

    model: str
    classes: tuple[str, ...]
    channels: int
    input_geometry: InputGeometry
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dropout: float | None = None
    options: Mapping[str, Option] = field(default_factory=dict)

    def network(self) -> Network:
        """The network with newly initialized weights."""
        return registry.create(
            self.model, len(self.classes), channels=self.channels, dropout=self.dropout, options=self.options
        )

    def preprocessing(self) -> Preprocessing:
        """The preprocessing."""
        return Preprocessing(self.input_geometry, self.channels, self.mean, self.std)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"schema_version": MODEL_SPEC_VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ModelSpec:
        """The inverse of `to_dict`.

        Raises:
            ValueError: data of another version.
        """
        values = dict(data)
        if (version := values.pop("schema_version", None)) != MODEL_SPEC_VERSION:
            raise ValueError(f"schema_version is {version}; expected {MODEL_SPEC_VERSION}")
        values |= {key: tuple(values[key]) for key in ("classes", "mean", "std")}
        return cls(**{**values, "input_geometry": InputGeometry(**values["input_geometry"])})


class PipelineOutput(NamedTuple):
    """The output of the pipeline for N images.

    Attributes:
        probabilities: (N, K), calibrated by the temperature, each row summing to 1.
        logits: (N, K) before temperature and softmax.
        cam: (N, K, h, w) class activation maps of the input square, before ReLU and scaling; an empty tensor
            (N, 0, h, w) where the network does not end with pooling and one linear layer.
        boxes: (N, 4) int64, the region of each image that became the input square: top, left, height, width in
            pixels; the whole image unless it is cropped to the head.
        mask: (N, size, size) probability of tumor in the input square, not calibrated (the temperature is that of the
            classes); an empty tensor (N, 0, 0) where the network does not segment.
        features: (N, C, h, w) the last maps, as `ModelOutput.features`.
        pooled: (N, C) as `ModelOutput.pooled`.
        ood_score: (N,) above 1 for an out-of-distribution image; an empty tensor (N, 0) where the score was not
            fitted.
    """

    probabilities: Tensor
    logits: Tensor
    cam: Tensor
    boxes: Tensor
    mask: Tensor
    features: Tensor
    pooled: Tensor
    ood_score: Tensor


class Pipeline(nn.Module):
    """(N, H, W) uint8 images of one size -> `PipelineOutput`."""

    temperature: Tensor

    def __init__(
        self,
        preprocessing: Preprocessing,
        network: Network,
        temperature: float = 1.0,
        *,
        segments: bool = True,
        subspace: InDistributionSubspace | None = None,
    ) -> None:
        """Combine preprocessing and network.

        Args:
            preprocessing: of this network.
            network: in any mode.
            temperature: of the softmax.
            segments: False where the network has a segmentation head that was never trained; its mask is left out.
            subspace: principal subspace of its training features; None for no OOD score.
        """
        super().__init__()
        self.ood_score = None if subspace is None else OODScore(subspace)
        self.segments = segments
        self.preprocessing = preprocessing
        self.network = network
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def forward(self, images: Tensor) -> PipelineOutput:
        """Preprocess, predict, calibrate."""
        boxes = self.preprocessing.boxes(images)
        output = self.network(self.preprocessing(images, boxes))
        weights = self.network.classifier_weights()
        if weights is None:
            cam = output.features[:, :0]
        else:
            cam = torch.einsum("kc,nchw->nkhw", weights, output.features)
        mask_logits = output.mask if self.segments else None
        mask = output.features[:, 0, :0, :0] if mask_logits is None else torch.sigmoid(mask_logits[:, 0])
        probabilities = torch.softmax(output.logits / self.temperature, dim=1)
        ood_score = output.logits[:, :0] if self.ood_score is None else self.ood_score(images, output.pooled)
        return PipelineOutput(probabilities, output.logits, cam, boxes, mask, output.features, output.pooled, ood_score)
