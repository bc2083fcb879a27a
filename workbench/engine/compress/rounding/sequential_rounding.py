"""Learned rounding of a whole model: layer by layer, each seeing what quantizing those before it did to its input."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from threadpoolctl import threadpool_limits

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.rounding.learned_rounding import learn_levels
from workbench.engine.compress.rounding.output_problem import LARGEST_ROW, ProblemGathering, geometry_of
from workbench.engine.compress.rounding.paired_rows import PairedRows
from workbench.engine.compress.rounding.weight_matrix import WeightMatrix
from workbench.engine.compress.weights.affine import QuantParams
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.compress.weights.weight_rows import WeightRows
from workbench.engine.core.layer import Layer
from workbench.engine.graph.links import Links
from workbench.engine.graph.shapes import Shapes
from workbench.engine.graph.weight_place import first_output
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
        self._samples = samples
        self._current = onnx.ModelProto()
        self._current.CopyFrom(original)
        self._pair = PairedRows(original, self._current, shapes, samples)

    @property
    def current(self) -> onnx.ModelProto:
        """The graph as far as it is quantized; activations may be quantized in it, in place, before learning."""
        return self._current

    def put(self, layer: Layer, weight: Array, bias: Array | None) -> None:
        """Give a layer of the current graph other weights, and another bias."""
        node = self._pair.node_now(layer.node_output)
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
        node = self._pair.original_node(layer.node_output)
        geometry = geometry_of(node, layer.weight_shape)
        assert geometry is not None
        assert layer.axis is not None
        matrix = WeightMatrix(layer.weight_shape, layer.axis, geometry.num_groups)
        has_bias = node.op_type != "MatMul"
        num_samples = len(self._samples.indices)
        gathering = ProblemGathering(geometry, matrix.length, num_samples, seed=seed, centered=has_bias)
        # One thread: on busy cores those of BLAS wait for one another, and sums depend on how many there are.
        with threadpool_limits(1, user_api="blas"):
            for inputs, targets in self._pair.batches(layer.node_output, ctx):
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
