"""What a single node gives for constants, by ONNX's own reference implementation."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper


def node_value(
    node: onnx.NodeProto, inputs: Mapping[str, npt.NDArray[np.generic]], opset: int
) -> npt.NDArray[np.generic] | None:
    """The value of a node's only output; None if the reference does not know the operator, or fails on these values.

    Args:
        node: of the default domain.
        inputs: value of each input, by name.
        opset: version of the default operators: Unsqueeze, Squeeze and Slice took attributes once.
    """
    from onnx.reference import ReferenceEvaluator  # 0.1 s, and few models need it

    names = [name for name in dict.fromkeys(node.input) if name]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in end] for end in (names, node.output)
    ]
    try:
        evaluator = ReferenceEvaluator(helper.make_graph([node], "one_node", *ends), opsets={"": opset})
        result = evaluator.run(None, {name: inputs[name] for name in names})[0]
    except Exception:
        return None
    return np.asarray(result) if isinstance(result, np.ndarray | np.generic) else None
