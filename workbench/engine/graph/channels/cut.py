"""Which channels stay, asked tensor by tensor, and the new constants that their absence calls for."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.units import Labels, squeezed, varying_axes


class Cut:
    """Channels that go, on one graph.

    Args:
        flow: of the graph.
        gone: units as `Units.resolved` gives them.
    """

    def __init__(self, flow: Flow, gone: Collection[int]) -> None:
        self.flow = flow
        self.new_tensors: list[onnx.TensorProto] = []
        # Asked for thousands of tensors: one look-up each.
        every = flow.units.find(np.arange(flow.units.num_labels, dtype=np.int64))
        self._stays = ~np.isin(every, np.array(sorted(gone), np.int64))
        self._names = {tensor.name for tensor in flow.graph.initializer}
        self._names |= {name for node in flow.graph.node for name in (*node.input, *node.output)}

    def kept(self, labels: Labels) -> npt.NDArray[np.bool_]:
        """Which of these channels stay, same shape."""
        return np.asarray(self._stays[labels])

    def counts(self, labels: Labels) -> dict[int, int]:
        """How many stay, along each axis on which channels go."""
        kept = self.kept(labels)
        if kept.all():
            return {}
        axes = varying_axes(squeezed(kept.astype(np.int64)))
        return {
            axis: int(kept.any(axis=tuple(other for other in range(kept.ndim) if other != axis)).sum()) for axis in axes
        }

    def kept_on(self, name: str, axis: int) -> npt.NDArray[np.bool_]:
        """Which entries along one axis of a tensor stay, shape (C,)."""
        kept = self.kept(self.flow.of(name))
        others = tuple(other for other in range(kept.ndim) if other != axis % kept.ndim)
        along = np.asarray(kept.any(axis=others))
        size = self.flow.shape(name)[axis]
        return np.broadcast_to(along, (size or len(along),))

    def touches(self, node: onnx.NodeProto) -> bool:
        """Whether channels go from anything that the node reads or gives."""
        names = (*node.input, *node.output)
        return any(not self.kept(self.flow.labels[name]).all() for name in names if name in self.flow.labels)

    def store(self, wish: str, values: npt.ArrayLike) -> str:
        """Store integers as a new constant, and return its name."""
        name, number = wish, 1
        while name in self._names:
            number += 1
            name = f"{wish}_{number}"
        self._names.add(name)
        self.new_tensors.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
        return name

    def depends_on_batch(self, name: str) -> npt.NDArray[np.bool_]:
        """Which entries of a small constant are others at batch 2; all if that is not known."""
        here, there = self.flow.value(name), self.flow.shapes_at_batch_2.constants.get(name)
        if here is None or there is None or here.shape != there.shape:
            return np.ones(1 if here is None else here.shape, np.bool_)
        return np.asarray(here != there)

    def grows_with_batch(self, name: str) -> bool:
        """Whether a tensor's first axis is longer at batch 2; also if that is not known."""
        here, there = self.flow.shapes.by_name.get(name), self.flow.shapes_at_batch_2.by_name.get(name)
        return not here or not there or here[0] is None or here[0] != there[0]
