"""Names -> the bundles that come with tumorlens."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

DEFAULT = "default"
NAMES = {
    DEFAULT: "glioma, meningioma, pituitary and no_tumor, and where the tumor is",
    "tiny": "the same from a fifth of the weights, at 160 pixels, for small devices",
}
"""The models that come with tumorlens, and what they are."""


def bundle(model: str | Path) -> Path:
    """Where a bundle lies: that of a shipped model for its name, else the path as it is.

    A file of that name in the working directory comes first.
    """
    return shipped_file(str(model), ".onnx") if str(model) in NAMES and not Path(model).exists() else Path(model)


def shipped_file(name: str, suffix: str) -> Path:
    """One of the files of a shipped model.

    Args:
        name: one of `NAMES`.
        suffix: ``".onnx"`` for the bundle, ``".safetensors"`` for the weights alone, with their card in the header.
    """
    return Path(str(resources.files("tumorlens") / "weights" / f"{name}{suffix}"))
