"""What every network answers, and what it must offer: the type between models and all that use them."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class ModelOutput(NamedTuple):
    """The answer of one forward pass.

    Attributes:
        logits: (N, K) class scores before the softmax.
        features: (N, C, h, w) maps of the last convolutional stage, which Grad-CAM looks at.
        mask: (N, 1, H, W) tumor logits at the size of the input, of a network that also segments, else None.
        auxiliary: further tumor logits (N, 1, h, w), of heads that exist in training only.
        unweighted: (N, C) the mean over all places of the last maps, of a network that weights those places in
            `features`; None where that is the mean of `features`.
    """

    logits: Tensor
    features: Tensor
    mask: Tensor | None = None
    auxiliary: tuple[Tensor, ...] = ()
    unweighted: Tensor | None = None

    @property
    def pooled(self) -> Tensor:
        """(N, C): what the network saw in an image, all places counting alike."""
        return self.features.mean((2, 3)) if self.unweighted is None else self.unweighted


class Network(nn.Module):
    """A network of the registry: `forward` takes (N, C, H, W) float32 and returns an `ModelOutput`."""

    def class_weights(self) -> Tensor | None:
        """(K, C) weights of the last layer where the network is global average pooling + linear.

        In such a network Grad-CAM equals the class activation map of Zhou et al. 2016, so the map
        costs no backward pass and can live in an exported graph. None for every other network.
        """
        return None

    def segmentation_target_layer(self) -> nn.Module | None:
        """The module whose maps (N, C, h, w) Grad-CAM looks at where the mask is explained.

        None where those are `ModelOutput.features`: where class and mask are made of the same last maps.
        """
        return None

    def newly_initialized(self) -> tuple[str, ...]:
        """How the names of those weights of its backbone begin that no ImageNet weights exist for."""
        return ()

    def training_only(self) -> tuple[nn.Module, ...]:
        """Modules that work in training mode alone, such as auxiliary heads; they are not counted as its size."""
        return ()
