"""names -> methods of explanation: what each shows, of whom it is. Imports no torch, as bundles use it, too."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tumorlens.errors import ModelError

Of = Literal["class", "mask"]
"""What is explained: the score of a class, or the tumor that the network draws."""

ATTENTION = "attention:"  # begins the name of one attention map among several, and of a bundle's output for it


@dataclass(frozen=True)
class Method:
    """A way to show where a network looked.

    Attributes:
        name: how it is asked for.
        title: how a page calls it.
        shows: what is hot in its map, in one clause.
        citation: the paper.
        targeted: whether the map depends on what is explained: the class, or the mask.
    """

    name: str
    title: str
    shows: str
    citation: str
    targeted: bool


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "grad_cam",
            "Grad-CAM",
            "last maps, each weighted by its mean gradient, that raise the score",
            "Selvaraju et al. 2017, Grad-CAM, ICCV (arXiv:1610.02391); of masks Vinogradova, Dibrov and Myers 2020, "
            "Seg-Grad-CAM, AAAI (arXiv:2002.11434)",
            targeted=True,
        ),
        Method(
            "hires_cam",
            "HiResCAM",
            "last maps times their gradient place by place, which raise the score",
            "Draelos and Carin 2020, Use HiResCAM instead of Grad-CAM (arXiv:2011.08891)",
            targeted=True,
        ),
        Method(
            "eigen_cam",
            "Eigen-CAM",
            "the pattern that most of the last maps share",
            "Muhammad and Yeasin 2020, Eigen-CAM, IJCNN (arXiv:2008.00299)",
            targeted=False,
        ),
        Method(
            "attention",
            "attention",
            "places that the network's own attention lets through",
            "Woo et al. 2018, CBAM, ECCV (arXiv:1807.06521); Abnar and Zuidema 2020, Quantifying Attention Flow in "
            "Transformers, ACL (arXiv:2005.00928)",
            targeted=False,
        ),
        Method(
            "occlusion",
            "occlusion",
            "places whose blurring lowers the probability",
            "Zeiler and Fergus 2014, Visualizing and Understanding Convolutional Networks, ECCV (arXiv:1311.2901)",
            targeted=True,
        ),
        Method(
            "mask",
            "mask",
            "the network's own probability of tumor",
            "none: an output of the network",
            targeted=False,
        ),
    )
}


def check_method(method: str, has: Sequence[str], subject: str) -> None:
    """Refuse a method that does not exist, or that a network cannot give.

    Args:
        method: name, or ``"attention:NAME"`` for one attention map.
        has: names that the network can give.
        subject: how the error calls the network.

    Raises:
        ModelError: one line that lists what it can give.
    """
    name, _, part = method.partition(":")
    if name not in METHODS or (part and name != "attention"):
        near = difflib.get_close_matches(method, METHODS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(METHODS)}"
        raise ModelError(f"no method is called '{method}'; {hint}")
    if name not in has:
        raise ModelError(f"{subject} gives no map by {name}; it gives {', '.join(has)}")
