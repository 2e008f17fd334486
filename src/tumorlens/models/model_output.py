"""The interface of all networks: their output, and what training, explanation and export need to know of them."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class ModelOutput(NamedTuple):
    """The output of one forward pass.

    Attributes:
        logits: (N, K) class scores before the softmax.
        features: (N, C, h, w) maps of the last convolutional stage, the target layer of Grad-CAM.
        mask: (N, 1, H, W) tumor logits at the size of the input; None where the network does not segment.
        auxiliary: tumor logits (N, 1, h, w) of auxiliary heads, in training only.
        unweighted: (N, C) the unweighted mean over all positions of the last maps, of a network that weights positions
            in `features`; None where it equals the mean of `features`.
    """

    logits: Tensor
    features: Tensor
    mask: Tensor | None = None
    auxiliary: tuple[Tensor, ...] = ()
    unweighted: Tensor | None = None

    @property
    def pooled(self) -> Tensor:
        """(N, C): the last maps averaged over all positions, without weights."""
        return self.features.mean((2, 3)) if self.unweighted is None else self.unweighted


class Network(nn.Module):
    """A network of the registry: `forward` takes (N, C, H, W) float32 and returns a `ModelOutput`."""

    def classifier_weights(self) -> Tensor | None:
        """(K, C) weights of the classifier where the network ends with global average pooling and one linear layer.

        In such a network Grad-CAM equals the class activation map of Zhou et al. 2016: it needs no backward pass and
        can be part of an exported graph. None for every other network.
        """
        return None

    def segmentation_target_layer(self) -> nn.Module | None:
        """The module whose maps (N, C, h, w) are the target layer of Grad-CAM for the mask.

        None where these are `ModelOutput.features`: where class and mask are computed from the same last maps.
        """
        return None

    def newly_initialized(self) -> tuple[str, ...]:
        """Prefixes of the names of those backbone weights for which no ImageNet weights exist."""
        return ()

    def training_only(self) -> tuple[nn.Module, ...]:
        """Modules that work in training mode only, such as auxiliary heads; `cost` does not count them."""
        return ()
