"""A module -> an ONNX program without traces of this machine's paths."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

OPSET = 18


def trace(
    module: nn.Module, example: Tensor, name: str, outputs: Sequence[str], dimensions: dict[str, Any]
) -> torch.onnx.ONNXProgram:
    """Trace a module in evaluation mode.

    Args:
        module: takes one tensor, returns a tuple of tensors.
        example: such a tensor; its open sizes must differ from each other and from 1, or they would be constants.
        name: of the input.
        outputs: names of the outputs.
        dimensions: the open sizes of the input, as `torch.export` takes them.
    """
    chatty = logging.getLogger("torch.onnx")
    level = chatty.level
    chatty.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module.eval(),
                (example,),
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=[name],
                output_names=list(outputs),
                dynamic_shapes=dimensions,
            )
    finally:
        chatty.setLevel(level)
    assert program is not None  # dynamo=True always returns one
    graph = program.model.graph
    for piece in (graph, *graph):
        piece.metadata_props.clear()  # stack traces with this machine's paths, and names nobody needs
    return program
