"""Name -> explanation method with its title, description and paper. Imports no torch: model files use it, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tumorlens.errors import ModelError, did_you_mean

Task = Literal["classification", "segmentation"]
"""What is explained: the score of a class, or the predicted tumor mask (the sum of its logits inside the mask)."""

ATTENTION = "attention:"  # prefix of the name of one attention map, and of the output of a model file that holds it


@dataclass(frozen=True)
class Method:
    """An explanation method.

    Attributes:
        name: its key in `METHODS`.
        title: its name in reports.
        description: where its map has high values, in one clause.
        citation: the paper.
        targeted: whether the map depends on the explained output: the class, or the mask.
    """

    name: str
    title: str
    description: str
    citation: str
    targeted: bool


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "grad_cam",
            "Grad-CAM",
            "last feature maps that raise the score, each weighted by its mean gradient",
            "Selvaraju et al. 2017, Grad-CAM, ICCV (arXiv:1610.02391); for masks Vinogradova, Dibrov and Myers 2020, "
            "Seg-Grad-CAM, AAAI (arXiv:2002.11434)",
            targeted=True,
        ),
        Method(
            "hires_cam",
            "HiResCAM",
            "last feature maps that raise the score, multiplied by their gradient pixel by pixel",
            "Draelos and Carin 2020, Use HiResCAM instead of Grad-CAM (arXiv:2011.08891)",
            targeted=True,
        ),
        Method(
            "eigen_cam",
            "Eigen-CAM",
            "the first principal component of the last feature maps",
            "Muhammad and Yeasin 2020, Eigen-CAM, IJCNN (arXiv:2008.00299)",
            targeted=False,
        ),
        Method(
            "attention",
            "attention",
            "regions with high attention weights in the network",
            "Woo et al. 2018, CBAM, ECCV (arXiv:1807.06521); Abnar and Zuidema 2020, Quantifying Attention Flow in "
            "Transformers, ACL (arXiv:2005.00928)",
            targeted=False,
        ),
        Method(
            "occlusion",
            "occlusion",
            "regions whose blurring lowers the probability",
            "Zeiler and Fergus 2014, Visualizing and Understanding Convolutional Networks, ECCV (arXiv:1311.2901)",
            targeted=True,
        ),
        Method(
            "mask",
            "mask",
            "the predicted tumor probability",
            "none: an output of the network",
            targeted=False,
        ),
    )
}


def check_method(method: str, supported: Sequence[str], model: str) -> None:
    """Check that a method exists, and that a network supports it.

    Args:
        method: name, or ``"attention:NAME"`` for one attention map.
        supported: names of the methods that the network supports.
        model: name of the network in the message.

    Raises:
        ModelError: it does not; one line that lists the supported methods.
    """
    name, _, layer = method.partition(":")
    if name not in METHODS or (layer and name != "attention"):
        raise ModelError(
            found=f"no method is called '{method}'",
            expected=f"one of {', '.join(METHODS)}",
            advice=did_you_mean(method, METHODS),
        )
    if name not in supported:
        raise ModelError(found=f"{model} does not support {name}", expected=f"one of {', '.join(supported)}")
