"""PyTorch module -> ONNX program without paths of this machine."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

OPSET = 18


def trace(
    module: nn.Module, example: Tensor, name: str, outputs: Sequence[str], dimensions: Mapping[str, Mapping[int, Any]]
) -> torch.onnx.ONNXProgram:
    """Trace a module in evaluation mode.

    Args:
        module: takes one tensor, returns a tuple of tensors.
        example: an input; its dynamic sizes must differ from each other and from 1, or they would become constants.
        name: of the input.
        outputs: names of the outputs.
        dimensions: the dynamic axes of the input, as in `torch.export`.
    """
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
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
                dynamic_shapes=dict(dimensions),
            )
    finally:
        logger.setLevel(level)
    assert program is not None  # dynamo=True always returns one
    graph = program.model.graph
    for part in (graph, *graph):
        part.metadata_props.clear()  # stack traces with paths of this machine, and unused names
    return program
