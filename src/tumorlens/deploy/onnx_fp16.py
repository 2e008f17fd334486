"""ONNX model -> the same with its weights stored as float16: half the size, computed in float32.

Rounding changes a weight by one part in 2,000 at most; a tensor with values beyond the range of float16 stays float32.
The graph casts the weights back to float32 once, when the file is loaded, so that prediction is as fast as before.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

_MIN_VALUES = 256  # of a tensor that is worth converting
_MAX_VALUE = 6e4  # float16 ends at 65,504
_OPERATORS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


def store_weights_as_fp16(model: ir.Model) -> int:
    """Round the weights of convolutions and linear layers, in place.

    Returns:
        Number of converted tensors.
    """
    graph = model.graph
    weights = [value for value in graph.initializers.values() if _is_weight(value)]
    for value in weights:
        assert value.const_value is not None
        rounded = ir.tensor(value.const_value.numpy().astype(np.float16), name=f"{value.name}_half")
        stored = ir.Value(name=rounded.name, shape=value.shape, type=ir.TensorType(rounded.dtype), const_value=rounded)
        cast = ir.node("Cast", [stored], attributes={"to": ir.DataType.FLOAT})
        cast.outputs[0].name = f"{value.name}_single"
        cast.outputs[0].shape, cast.outputs[0].type = value.shape, value.type
        graph.insert_before(graph[0], cast)
        value.replace_all_uses_with(cast.outputs[0])
        assert value.name is not None
        del graph.initializers[value.name]
        graph.register_initializer(stored)
    return len(weights)


def _is_weight(value: ir.Value) -> bool:
    """Whether it is a large float32 weight of a layer, within the range of float16."""
    tensor = value.const_value
    if tensor is None or tensor.dtype != ir.DataType.FLOAT or tensor.size < _MIN_VALUES or value.is_graph_output():
        return False
    users = {node.op_type for node in value.consumers()}
    return users <= _OPERATORS and bool(users) and float(np.abs(tensor.numpy()).max()) < _MAX_VALUE
