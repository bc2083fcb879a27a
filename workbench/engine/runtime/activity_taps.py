"""How large and how often zero the channels of inner tensors are, computed inside the model's own run."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.core.channel_activity import ChannelActivity
from workbench.engine.graph.opset import opset_of
from workbench.engine.runtime.session import Feeds, RuntimeSession
from workbench.jobs import JobContext

_AXES_ARE_INPUTS = 18
_PREFIX = "wb.activity."


class ActivityTaps:
    """Runs a model batch by batch and gathers the activity of some of its tensors. Memory does not grow with them.

    Args:
        proto: a complete model; is not changed.
        tensors: their number of axes and the axis of the channels, by name.

    Raises:
        RunError: onnxruntime does not open the model with its inner tensors as outputs.
    """

    def __init__(self, proto: onnx.ModelProto, tensors: Mapping[str, tuple[int, int]]) -> None:
        self._names = tuple(tensors)
        self._session = RuntimeSession(_tapped(proto, tensors).SerializeToString())
        self._sums: list[npt.NDArray[np.float64]] = []
        self._num_samples = 0

    def add(self, feeds: Feeds, count: int, ctx: JobContext | None = None) -> None:
        """Run a batch of `count` samples. A fixed batch is filled up by samples that are seen twice.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: the model does not run on them.
        """
        size = self._session.batch_size or count
        for start in range(0, count, size):
            places = np.minimum(np.arange(start, start + size), count - 1)
            named = dict(zip((info.name for info in self._session.inputs), feeds.values(), strict=True))
            named = dict(feeds) if set(named) == set(feeds) else named
            outputs = self._session.run({name: array[places] for name, array in named.items()}, ctx)
            weighted = [np.asarray(output, np.float64).reshape(-1) * size for output in outputs]
            self._sums = weighted if not self._sums else [a + b for a, b in zip(self._sums, weighted, strict=True)]
            self._num_samples += size

    def activity(self) -> dict[str, ChannelActivity]:
        """What is known so far, by tensor; nothing before the first batch."""
        means = [total / self._num_samples for total in self._sums]
        return {
            name: ChannelActivity(means[2 * place], means[2 * place + 1])
            for place, name in enumerate(self._names)
            if means
        }


def _tapped(proto: onnx.ModelProto, tensors: Mapping[str, tuple[int, int]]) -> onnx.ModelProto:
    """The model with two numbers a channel as its only outputs."""
    tapped = onnx.ModelProto()
    tapped.CopyFrom(proto)
    graph = tapped.graph
    del graph.output[:]
    opset = opset_of(tapped)
    for number, (name, (ndim, channel_axis)) in enumerate(tensors.items()):
        own = f"{_PREFIX}{number}."
        axes = [axis for axis in range(ndim) if axis != channel_axis]
        # Of floats in any element type, so that a mean over many does not lose digits in 16 bits.
        graph.node.append(helper.make_node("Cast", [name], [f"{own}float"], to=TensorProto.FLOAT))
        graph.node.append(helper.make_node("Abs", [f"{own}float"], [f"{own}abs"]))
        graph.node.append(helper.make_node("Cast", [f"{own}float"], [f"{own}used"], to=TensorProto.BOOL))
        graph.node.append(helper.make_node("Not", [f"{own}used"], [f"{own}unused"]))
        graph.node.append(helper.make_node("Cast", [f"{own}unused"], [f"{own}zero"], to=TensorProto.FLOAT))
        for kind in ("abs", "zero"):
            _add_mean(graph, f"{own}{kind}", axes, f"{own}mean_{kind}", opset)
    return tapped


def _add_mean(graph: onnx.GraphProto, tensor: str, axes: list[int], output: str, opset: int) -> None:
    if opset < _AXES_ARE_INPUTS:
        graph.node.append(helper.make_node("ReduceMean", [tensor], [output], keepdims=0, axes=axes))
    else:
        graph.initializer.append(numpy_helper.from_array(np.array(axes, np.int64), f"{output}.axes"))
        graph.node.append(helper.make_node("ReduceMean", [tensor, f"{output}.axes"], [output], keepdims=0))
    graph.output.append(onnx.ValueInfoProto(name=output))
