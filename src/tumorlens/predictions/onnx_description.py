"""YAML file -> how to use an ONNX file of another tool: its input, its classes, and its mask."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tumorlens.errors import DataError
from tumorlens.predictions.description import read_yaml
from tumorlens.scan.input_geometry import Mode

Values = Literal["logits", "probabilities"]


class _DescriptionPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OnnxInput(_DescriptionPart):
    """The input of the graph: one batch of square images.

    Attributes:
        name: of the input.
        size: side of the square, pixels.
        channels: 1, or 3 with the gray values three times.
        layout: order of the axes: batch, channels, height, width.
        range: the values that black and white become, before `mean` and `std`.
        mean: subtracted, one for each channel.
        std: divisor after that.
        resize: how an image becomes a square: ``"resize"`` stretches it, ``"letterbox"`` pads it with black, and
            ``"center_crop"`` cuts the longer side. Bilinear, antialiased.
    """

    name: str
    size: int = Field(ge=1, le=4096)
    channels: Literal[1, 3]
    layout: Literal["NCHW", "NHWC"]
    range: tuple[float, float]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    resize: Mode


class OnnxClasses(_DescriptionPart):
    """The output with the classes.

    Attributes:
        name: of the output, (N, K).
        classes: the K names in its order.
        values: whether it holds logits, which get a softmax, or probabilities.
    """

    name: str
    classes: tuple[str, ...] = Field(min_length=2)
    values: Values


class OnnxMask(_DescriptionPart):
    """The output with the mask.

    Attributes:
        name: of the output, one map of the input square for each image: (N, n, n), with an axis of length 1 or without.
        values: whether it holds logits, which get a sigmoid, or probabilities of tumor.
        threshold: probability from which a pixel is tumor, after the map was resized to the image.
    """

    name: str
    values: Values
    threshold: float = Field(gt=0, lt=1)


class OnnxDescription(_DescriptionPart):
    """How to use an ONNX file of another tool.

    Attributes:
        input: of the graph.
        output: the classes.
        mask: None where the model does not segment.
    """

    input: OnnxInput
    output: OnnxClasses
    mask: OnnxMask | None = None


def read_description(path: Path) -> OnnxDescription:
    """Read the description of an ONNX file.

    Raises:
        DataError: no YAML, a key is missing or unknown, or a value is not one of those that are allowed.
    """
    found = read_yaml(path, OnnxDescription)
    for key in ("mean", "std"):
        values = getattr(found.input, key)
        if len(values) not in (1, found.input.channels) or (key == "std" and min(values) <= 0):
            raise DataError(
                file=path,
                found=f"{list(values)} as 'input.{key}'",
                expected=f"1 or {found.input.channels} numbers" + " above 0" * (key == "std"),
            )
    return found
