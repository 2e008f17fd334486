"""YAML file -> the classes and the input of a network of tumorlens whose weights are in a state dict."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tumorlens.predictions.description import read_yaml
from tumorlens.scan.input_geometry import Mode


class _NetworkPart(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore"
    )  # names and layout, which an ONNX file needs, say nothing here


class DescribedInput(_NetworkPart):
    """The input of the network; the values of the architecture stand for what is left out.

    Attributes:
        size: side of the square, pixels.
        channels: 1, or 3 with the gray values three times.
        range: the values that black and white become, before `mean` and `std`.
        mean: subtracted: one number, or one for each color, whose mean is taken with a single channel.
        std: divisor after that, likewise.
        resize: how an image becomes a square: ``"resize"``, ``"letterbox"`` or ``"center_crop"``.
    """

    size: int | None = Field(default=None, ge=1, le=4096)
    channels: int = Field(default=3, ge=1, le=3)
    range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    resize: Mode = "letterbox"


class NetworkClasses(_NetworkPart):
    """The classes, in the order of the outputs."""

    classes: tuple[str, ...] = Field(min_length=2)


class NetworkMask(_NetworkPart):
    """The mask of the network: a pixel is tumor from this probability on."""

    threshold: float = Field(default=0.5, gt=0, lt=1)


class NetworkDescription(_NetworkPart):
    """How to use the weights of a network; the keys are those of an ONNX file of another tool, and fewer are needed.

    Attributes:
        input: of the network.
        output: its classes.
        mask: None where its mask is not to be used.
        options: of the architecture, where they differ from its defaults.
    """

    input: DescribedInput = DescribedInput()
    output: NetworkClasses
    mask: NetworkMask | None = None
    options: dict[str, bool | int | float | str] = Field(default_factory=dict)


def read_network_description(path: Path) -> NetworkDescription:
    """Read the description of a state dict.

    Raises:
        DataError: no YAML, a key is missing, or a value is not one of those that are allowed.
    """
    return read_yaml(path, NetworkDescription)
