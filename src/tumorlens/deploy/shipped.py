"""name -> model file: the models that come with tumorlens."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

DEFAULT_MODEL = "default"
SHIPPED_MODELS = {
    DEFAULT_MODEL: "classifies glioma, meningioma, pituitary and no_tumor, and segments the tumor",
    "tiny": "the same with a fifth of the weights and an input of 160 pixels, for small devices",
}
"""Name -> description of the models that come with tumorlens."""


def model_path(model: str | Path) -> Path:
    """The path of a model file: of a shipped model by its name, else the path itself.

    A file of that name in the working directory takes precedence.
    """
    if str(model) in SHIPPED_MODELS and not Path(model).exists():
        return shipped_file(str(model), ".onnx")
    return Path(model)


def shipped_file(name: str, suffix: str) -> Path:
    """A file of a shipped model.

    Args:
        name: one of `SHIPPED_MODELS`.
        suffix: ``".onnx"``: the model file; ``".safetensors"``: the weights alone, with the card in the header.
    """
    return Path(str(resources.files("tumorlens") / "weights" / f"{name}{suffix}"))
