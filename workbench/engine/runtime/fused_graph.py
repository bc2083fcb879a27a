"""The graph as onnxruntime runs it: with integer kernels in the place of QuantizeLinear and DequantizeLinear."""

import tempfile
from pathlib import Path

import onnx

from workbench.engine.graph.explicit_pads import write_pads
from workbench.engine.graph.opset import raised
from workbench.engine.runtime.session import RuntimeSession

# Pad, Slice and Sign as an emulation writes them.
_OPSET = 13


def fused_graph(model: onnx.ModelProto) -> onnx.ModelProto:
    """What onnxruntime makes of a model on x86, whatever the processor of this computer is.

    Nodes carry the name of the tensor that they gave before fusing, so that a layer is found again.

    Args:
        model: complete; may be changed.

    Raises:
        ModelError: the model's opset is too old and cannot be raised.
        RunError: onnxruntime does not open the model.
    """
    model = raised(model, _OPSET)
    write_pads(model)
    for node in model.graph.node:
        node.name = next((name for name in node.output if name), "")
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        path = Path(folder) / "fused.onnx"
        RuntimeSession(model.SerializeToString(), fused_path=path)
        return onnx.load(path)
