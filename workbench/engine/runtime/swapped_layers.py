"""One model run again and again with other weights in one layer: only what lies behind that layer is computed."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from workbench.engine.core.layer import Layer
from workbench.engine.graph.graph_parts import GraphPart, GraphParts
from workbench.engine.runtime.session import Feeds, RuntimeSession
from workbench.engine.runtime.tapped import tapped_session
from workbench.jobs import JobContext

Array = npt.NDArray[np.generic]
Tensors = Mapping[str, Array]
_WEIGHTS = "wb.weights"
_KEPT_BYTES = 512 << 20


class SwappedLayers:
    """Runs a model with one layer's weights swapped. Safe to use from several threads.

    Cost of a swap: the layer and what lies behind it. Parts of the model stay open, up to 512 MiB. Whoever asks holds
    the tensors at the cuts, for one batch.

    Args:
        proto: a complete model; is not changed.
        layers: those whose weights will be swapped; of the main graph.
        dtypes: ONNX element type that each layer's node expects of its weights, by the layer's name.
        threads: for one operator; the number of physical cores if not given.

    Raises:
        RunError: onnxruntime does not open the model with its inner tensors as outputs.
    """

    def __init__(
        self, proto: onnx.ModelProto, layers: Sequence[Layer], dtypes: Mapping[str, int], *, threads: int | None = None
    ) -> None:
        self._parts = GraphParts(proto)
        self._weight_dtypes = dtypes
        self._threads = threads
        self._outputs = tuple(info.name for info in proto.graph.output)
        self._inputs = {info.name for info in proto.graph.input}
        self._ends = {layer.name: self._end(proto, layer) for layer in layers}
        inner = (name for end in self._ends.values() for name in end.reads)
        taps = [name for name in dict.fromkeys((*self._outputs, *inner)) if name not in self._inputs]
        self._whole = tapped_session(proto, taps, threads=threads)
        self._taps = taps
        self._dtypes = {info.name: _onnx_type(info.dtype) for info in (*self._whole.inputs, *self._whole.outputs)}
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[RuntimeSession, int]] = OrderedDict()

    @property
    def batch_size(self) -> int | None:
        """The model's fixed batch size; None if any will do."""
        return self._whole.batch_size

    def tensors(self, feeds: Feeds, ctx: JobContext | None = None) -> Tensors:
        """The model's outputs and its tensors at all cuts, for one batch as it is. Raises Cancelled and RunError."""
        return dict(feeds) | dict(zip(self._taps, self._whole.run(feeds, ctx), strict=True))

    def outputs(self, tensors: Tensors) -> list[Array]:
        """The model's outputs among its tensors."""
        return [tensors[name] for name in self._outputs]

    def swapped(
        self, layer: str, weights: npt.NDArray[np.floating], tensors: Tensors, ctx: JobContext | None = None
    ) -> list[Array]:
        """The model's outputs with these weights in the layer.

        Args:
            layer: its name.
            weights: as its node sees them.
            tensors: of the model with its own weights, for the same batch.
            ctx: a run stops between operators when it is cancelled.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: onnxruntime failed.
        """
        end, dtype = self._ends[layer], helper.tensor_dtype_to_np_dtype(self._weight_dtypes[layer])
        feeds = {name: tensors[name] for name in end.reads} | {_WEIGHTS: np.asarray(weights, dtype)}
        found = dict(zip(end.gives, self._session(layer).run(feeds, ctx), strict=True))
        return [found[name] if name in found else tensors[name] for name in self._outputs]

    def _end(self, proto: onnx.ModelProto, layer: Layer) -> GraphPart:
        """The layer, its weights an input, and all behind it."""
        place = self._parts.place_of(layer.node_output)
        assert place is not None, f"{layer.name} is not in the main graph"
        own = [name for name in proto.graph.node[place].output if name]
        rest = self._parts.behind(own)
        return self._parts.row([place, *rest.nodes], rest.gives, {(place, layer.place): _WEIGHTS})

    def _session(self, layer: str) -> RuntimeSession:
        with self._lock:
            if layer in self._open:
                self._open.move_to_end(layer)
                return self._open[layer][0]
        part = self._ends[layer]
        data = self._parts.model(part, {**self._dtypes, _WEIGHTS: self._weight_dtypes[layer]}).SerializeToString()
        session = RuntimeSession(data, threads=self._threads)
        with self._lock:
            self._open[layer] = session, len(data)
            while len(self._open) > 1 and sum(size for _, size in self._open.values()) > _KEPT_BYTES:
                self._open.popitem(last=False)
        return session


def _onnx_type(name: str) -> int:
    """ONNX's number of an element type that onnxruntime calls by its name; its "double" is all that differs."""
    named = {"double": "DOUBLE", "float": "FLOAT"}.get(name, name.upper())
    return int(onnx.TensorProto.DataType.Value(named))
