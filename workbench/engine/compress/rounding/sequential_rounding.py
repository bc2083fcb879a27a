"""Learned rounding of a whole model: layer by layer, each seeing what quantizing those before it did to its input."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from threadpoolctl import threadpool_limits

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.rounding.learned_rounding import learn_levels
from workbench.engine.compress.rounding.output_problem import LARGEST_ROW, LayerGeometry, ProblemGathering, geometry_of
from workbench.engine.compress.rounding.weight_matrix import WeightMatrix
from workbench.engine.compress.weights.affine import QuantParams
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.compress.weights.weight_rows import WeightRows
from workbench.engine.core.layer import Layer
from workbench.engine.data.sample_batches import sample_batches
from workbench.engine.graph.links import Links
from workbench.engine.graph.shapes import Shapes
from workbench.engine.graph.weight_place import first_output
from workbench.engine.runtime.tapped import tapped_session
from workbench.jobs import JobContext

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class LearnedLayer:
    """What learning gave: the weight's codes and scales, and the bias that goes with them; None without one."""

    weight: CompressedWeight
    bias: Array | None


def rounding_obstacle(node: onnx.NodeProto, layer: Layer, links: Links) -> str:
    """Why a layer's rounding cannot be learned; empty if it can."""
    geometry = geometry_of(node, layer.weight_shape)
    if geometry is None or layer.axis is None or layer.place != 1:
        return "it is learned for plain convolutions and products with a matrix only"
    if links.has_computed_bias(node):
        return "its bias, which is learned too, is not stored but computed"
    length = layer.num_weights // max(1, layer.weight_shape[layer.axis])
    if length > LARGEST_ROW:
        return f"it is not learned for more than {LARGEST_ROW:,} weights an output"
    return ""


class SequentialRounding:
    """The float graph, and beside it the graph as far as it is quantized.

    Args:
        original: the float graph, complete; is not changed.
        shapes: of its tensors.
        samples: the calibration samples.
    """

    def __init__(self, original: onnx.ModelProto, shapes: Shapes, samples: CalibrationSet) -> None:
        self._original = original
        self._shapes = shapes.by_name
        self._links = Links(original.graph)
        self._samples = samples
        self._nodes = {first_output(node): node for node in original.graph.node}
        self._current = onnx.ModelProto()
        self._current.CopyFrom(original)

    @property
    def current(self) -> onnx.ModelProto:
        """The graph as far as it is quantized; activations may be quantized in it, in place, before learning."""
        return self._current

    def put(self, layer: Layer, weight: Array, bias: Array | None) -> None:
        """Give a layer of the current graph other weights, and another bias."""
        node = self._node_now(layer)
        self._store(node, layer.place, weight)
        if bias is not None:
            self._store(node, 2, bias)

    def learn(
        self,
        layer: Layer,
        weight: Array,
        *,
        kept: npt.NDArray[np.bool_] | None,
        rows: WeightRows,
        params: QuantParams,
        least: Array | None = None,
        seed: int,
        ctx: JobContext,
    ) -> LearnedLayer:
        """Learn one layer's codes and scales, and put them into the current graph.

        Args:
            layer: all that come before it should be quantized already.
            weight: float, as the layer's node reads it.
            kept: which weights pruning leaves; None for all.
            rows: granularity of the scales.
            params: scales and zero points to begin with.
            least: scales end no smaller, one for each output channel; None for no such limit.
            seed: of the output places that are looked at.
            ctx: asked before each batch; told the progress.

        Raises:
            Cancelled: somebody asked to stop.
        """
        node = self._nodes[layer.node_output]
        geometry = geometry_of(node, layer.weight_shape)
        assert geometry is not None
        assert layer.axis is not None
        matrix = WeightMatrix(layer.weight_shape, layer.axis, geometry.num_groups)
        has_bias = node.op_type != "MatMul"
        num_samples = len(self._samples.indices)
        gathering = ProblemGathering(geometry, matrix.length, num_samples, seed=seed, centered=has_bias)
        # One thread: on busy cores those of BLAS wait for one another, and sums depend on how many there are.
        with threadpool_limits(1, user_api="blas"):
            for inputs, targets in self._rows(layer, node, geometry, ctx):
                gathering.add(inputs, targets)
            ctx.checkpoint()
            levels, scale = learn_levels(
                np.asarray(matrix.of(weight), np.float32),
                None if kept is None else np.asarray(matrix.of(kept), np.bool_),
                gathering.problem(),
                matrix.grid(rows, params),
            )
        learned = matrix.params(rows, scale, params)
        if least is not None:
            floor = least if learned.scale.size > 1 else least.max(initial=0.0)
            learned = replace(learned, scale=np.maximum(learned.scale, np.reshape(floor, learned.scale.shape)))
        zero = rows.spread_params(learned).zero_point
        codes = (np.asarray(matrix.back(levels), np.int32) + zero).astype(np.int32)
        compressed = CompressedWeight(rows, kept, codes=codes, params=learned)
        dense = compressed.dense()
        bias = gathering.bias(np.asarray(matrix.of(dense), np.float64)) if has_bias else None
        self.put(layer, dense, bias)
        return LearnedLayer(compressed, bias)

    def _rows(
        self, layer: Layer, node: onnx.NodeProto, geometry: LayerGeometry, ctx: JobContext
    ) -> Iterator[tuple[Array, Array]]:
        """Batches of the layer's inputs as they are now, and of the outputs that are wanted of it."""
        now = self._node_now(layer)
        wanted, other = self._goal(node)
        names = [now.input[0]] if other is None else [now.input[0], other]
        current = tapped_session(self._current, names, in_float=True)
        original = tapped_session(self._original, [wanted])
        with closing(sample_batches(self._samples.dataset, self._samples.indices, ctx)) as batches:
            for indices, feeds in batches:
                found = current.run_samples(feeds, len(indices), ctx)
                goal = np.asarray(original.run_samples(feeds, len(indices), ctx)[0], np.float32)
                if other is not None:
                    goal = goal - np.asarray(found[1], np.float32)
                yield np.asarray(found[0], np.float32), goal

    def _goal(self, node: onnx.NodeProto) -> tuple[str, str | None]:
        """The float tensor that the layer should give, and what must be taken off it first, if anything.

        Where the output is added to a shortcut, the sum is what matters: the layer then also takes back what
        quantizing did to the shortcut.
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

    def _node_now(self, layer: Layer) -> onnx.NodeProto:
        return next(node for node in self._current.graph.node if layer.node_output in node.output)

    def _store(self, node: onnx.NodeProto, place: int, values: Array) -> None:
        """A tensor of the node's own in the current graph: the stored one may have other readers."""
        name = f"wb.now.{first_output(node)}.{place}"
        tensor = numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
        known = next((stored for stored in self._current.graph.initializer if stored.name == name), None)
        if known is not None:
            known.CopyFrom(tensor)
            return
        self._current.graph.initializer.append(tensor)
        while len(node.input) <= place:
            node.input.append("")
        node.input[place] = name
