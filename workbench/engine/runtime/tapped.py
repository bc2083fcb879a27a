"""A model whose inner tensors are its outputs."""

from collections.abc import Sequence

import onnx

from workbench.engine.runtime.session import RuntimeSession


def tapped_session(
    proto: onnx.ModelProto, names: Sequence[str], *, in_float: bool = False, threads: int | None = None
) -> RuntimeSession:
    """The model open, with these tensors as its only outputs, in this order; what they do not need is not run.

    Args:
        proto: a complete model; is not changed.
        names: of the tensors.
        in_float: compute quantized parts in float, as they are written.
        threads: for one operator; the number of physical cores if not given.

    Raises:
        RunError: onnxruntime does not open it, or there is no such tensor.
    """
    tapped = onnx.ModelProto()
    tapped.CopyFrom(proto)
    del tapped.graph.output[:]
    tapped.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return RuntimeSession(tapped.SerializeToString(), in_float=in_float, threads=threads)
