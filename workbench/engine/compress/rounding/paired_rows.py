"""A layer's inputs as they are in a changed graph, and the outputs that the original wants of it."""

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.data.sample_batches import sample_batches
from workbench.engine.graph.links import Links
from workbench.engine.graph.shapes import Shapes
from workbench.engine.graph.weight_place import first_output
from workbench.engine.runtime.tapped import tapped_session
from workbench.jobs import JobContext

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class PairedRows:
    """The original graph, and beside it one that changes: tensors between the same nodes have the same names.

    Args:
        original: complete; is not changed.
        current: complete; what is changed in it is seen by the next batches.
        shapes: of the original's tensors.
        samples: which samples are run.
    """

    def __init__(
        self, original: onnx.ModelProto, current: onnx.ModelProto, shapes: Shapes, samples: CalibrationSet
    ) -> None:
        self._original, self._current = original, current
        self._shapes = shapes.by_name
        self._links = Links(original.graph)
        self._samples = samples
        self._nodes = {first_output(node): node for node in original.graph.node}

    def original_node(self, output: str) -> onnx.NodeProto:
        """The node of the original graph, by its first output."""
        return self._nodes[output]

    def node_now(self, output: str) -> onnx.NodeProto:
        """The same node of the graph that changes."""
        return next(node for node in self._current.graph.node if output in node.output)

    def batches(
        self, output: str, ctx: JobContext, *, kept: Mask | None = None, axis: int = 1, of_outputs: bool = False
    ) -> Iterator[tuple[Array, Array]]:
        """Batches of what a node reads now, and of the outputs that are wanted of it.

        Args:
            output: the node's first output.
            ctx: asked before each batch.
            kept: which of the original's output channels are left in the changed graph; None for all.
            axis: of these channels.
            of_outputs: give what the node gives now, instead of what it reads.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: one of the graphs does not run on the samples.
        """
        node, now = self.original_node(output), self.node_now(output)
        wanted, other = self._goal(node)
        names = [str(now.output[0] if of_outputs else now.input[0]), *([] if other is None else [other])]
        current = tapped_session(self._current, names, in_float=True)
        original = tapped_session(self._original, [wanted])
        with closing(sample_batches(self._samples.dataset, self._samples.indices, ctx)) as batches:
            for indices, feeds in batches:
                found = current.run_samples(feeds, len(indices), ctx)
                goal = np.asarray(original.run_samples(feeds, len(indices), ctx)[0], np.float32)
                if kept is not None and not kept.all():
                    goal = np.compress(kept, goal, axis=axis)
                if other is not None:
                    goal = goal - np.asarray(found[1], np.float32)
                yield np.asarray(found[0], np.float32), goal

    def _goal(self, node: onnx.NodeProto) -> tuple[str, str | None]:
        """The tensor that the node should give, and what must be taken off it first, if anything.

        Where the output is added to a shortcut, the sum is what matters: the node then also takes back what
        the changes did to the shortcut.
        """
        output = str(node.output[0])
        reader = self._links.only_reader(output)
        if reader is None or reader.op_type != "Add":
            return output, None
        now = next(node for node in self._current.graph.node if list(node.output) == list(reader.output))
        place = 1 - list(reader.input).index(output)
        other = reader.input[place]
        are_alike = output in self._shapes and self._shapes[output] == self._shapes.get(other)
        if self._links.is_constant(other) or other == output or not are_alike:
            return output, None
        return str(reader.output[0]), str(now.input[place])
