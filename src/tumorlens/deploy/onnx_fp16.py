"""An ONNX model in single precision -> the same with its weights stored in half: half the size, computed in single.

Weights are rounded by one part in 2,000 at most; a tensor that holds more than half precision can is left as it is.
They become single again when the file is loaded, so that answers take as long as before.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

_FEWEST = 256  # values of a tensor that is worth it
_LARGEST = 6e4
_OPERATORS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


def store_in_half(model: ir.Model) -> int:
    """Round the weights of convolutions and linear layers, in place.

    Returns:
        How many tensors were rounded.
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
    """Large, in single precision, within what half precision holds, and what a layer multiplies by."""
    tensor = value.const_value
    if tensor is None or tensor.dtype != ir.DataType.FLOAT or tensor.size < _FEWEST or value.is_graph_output():
        return False
    users = {node.op_type for node in value.consumers()}
    return users <= _OPERATORS and bool(users) and float(np.abs(tensor.numpy()).max()) < _LARGEST
