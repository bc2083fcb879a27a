"""The model without channels, with the layers that read them fitted to what they gave in the whole model."""

from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from threadpoolctl import threadpool_limits

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.recovery.fitting_plan import LayerFit
from workbench.engine.compress.rounding.output_problem import ProblemGathering, geometry_of
from workbench.engine.compress.rounding.paired_rows import PairedRows
from workbench.engine.compress.rounding.ridge_fit import ridge_fit
from workbench.engine.compress.rounding.weight_matrix import WeightMatrix
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import RECOVER_BIAS, RECOVER_WEIGHTS
from workbench.engine.graph.batch_norm import fold_batch_norm
from workbench.engine.graph.links import Links
from workbench.engine.graph.model import Model, model_of_bytes
from workbench.engine.graph.save import serialize
from workbench.engine.graph.shapes import infer_shapes
from workbench.jobs import JobContext

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
# Which channels of a tensor of the whole model are left, along an axis.
KeptOn = Callable[[str, int], Mask]


def recovered_model(
    original: onnx.ModelProto,
    pruned: Model,
    fits: Sequence[LayerFit],
    kept_on: KeptOn,
    samples: CalibrationSet,
    ctx: JobContext,
) -> Model:
    """The pruned model with these layers fitted, each on what reaches it once those before it are.

    Batch normalization is folded into the convolution before it first: then every such layer has a bias, and
    what is compared is what comes out of both.

    Args:
        original: the whole model, constants computed; is changed in place.
        pruned: without the channels; its tensors have the names of the whole one's.
        fits: as `fitting_plan` gives them.
        kept_on: of the whole model's tensors.
        samples: what is fitted on.
        ctx: asked before each batch; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: one of the models does not run on the samples.
    """
    current = pruned.to_proto()
    fold_batch_norm(original)
    if fold_batch_norm(current):
        pruned = model_of_bytes(serialize(current), pruned.path)
    fitting = _Fitting(original, current, kept_on, samples)
    wanted = {fit.layer: fit for fit in fits}
    layers = [layer for layer in pruned.info.layers if layer.name in wanted]
    # One thread: on busy cores those of BLAS wait for one another, and sums depend on how many there are.
    with threadpool_limits(1, user_api="blas"):
        for number, layer in enumerate(layers):
            ctx.checkpoint()
            ctx.progress(number, len(layers), f"fitting {layer.name}")
            part = ctx.part(number / len(layers), (number + 1) / len(layers))
            if wanted[layer.name].what == RECOVER_WEIGHTS:
                fitting.fit_weights(layer, number, part)
            elif wanted[layer.name].what == RECOVER_BIAS:
                fitting.fit_bias(layer, part)
    return model_of_bytes(serialize(current), pruned.path)


class _Fitting:
    """The whole graph, and beside it the pruned one as far as it is fitted."""

    def __init__(
        self, original: onnx.ModelProto, current: onnx.ModelProto, kept_on: KeptOn, samples: CalibrationSet
    ) -> None:
        self._current = current
        self._kept_on = kept_on
        self._samples = samples
        self._pair = PairedRows(original, current, infer_shapes(original), samples)

    def fit_weights(self, layer: Layer, seed: int, ctx: JobContext) -> None:
        node = self._pair.node_now(layer.node_output)
        geometry = geometry_of(node, layer.weight_shape)
        assert geometry is not None
        assert layer.axis is not None
        weight = self._stored(node.input[layer.place])
        matrix = WeightMatrix(layer.weight_shape, layer.axis, geometry.num_groups)
        has_bias = node.op_type != "MatMul"
        num_samples = len(self._samples.indices)
        gathering = ProblemGathering(geometry, matrix.length, num_samples, seed=seed, centered=has_bias)
        for inputs, goals in self._pair.batches(layer.node_output, ctx, **self._channels(layer)):
            gathering.add(inputs, goals)
        ctx.checkpoint()
        fitted = ridge_fit(np.asarray(matrix.of(weight), np.float32), gathering.problem()).astype(np.float32)
        self._replace(node.input[layer.place], np.asarray(matrix.back(fitted), np.float32))
        if has_bias:
            self._put_bias(node, gathering.bias(fitted.astype(np.float64)))

    def fit_bias(self, layer: Layer, ctx: JobContext) -> None:
        node = self._pair.node_now(layer.node_output)
        total, count = np.zeros(1), 0
        for outputs, goals in self._pair.batches(layer.node_output, ctx, of_outputs=True, **self._channels(layer)):
            by_channel = np.moveaxis(goals - outputs, _axis(layer), -1)
            by_channel = by_channel.reshape(-1, by_channel.shape[-1])
            total = total + by_channel.sum(axis=0, dtype=np.float64)
            count += len(by_channel)
        links = Links(self._current.graph)
        stored = links.constant(links.bias_name(node))
        before = np.zeros(1) if stored is None else np.asarray(stored, np.float64)
        self._put_bias(node, np.asarray(before.reshape(-1) + total / max(1, count), np.float32))

    def _channels(self, layer: Layer) -> "_Channels":
        axis = _axis(layer)
        return {"kept": self._kept_on(layer.node_output, axis), "axis": axis}

    def _stored(self, name: str) -> Array:
        return np.asarray(Links(self._current.graph).constant(name), np.float32)

    def _put_bias(self, node: onnx.NodeProto, bias: Array) -> None:
        """In place of the stored one if nobody else reads that."""
        name = str(node.input[2]) if len(node.input) > 2 else ""
        links = Links(self._current.graph)
        if name and links.only_reader(name) is not None and links.producer(name) is None:
            self._replace(name, bias)
            return
        while len(node.input) < 3:
            node.input.append("")
        node.input[2] = self._fresh(f"{node.output[0]}.bias")
        self._current.graph.initializer.append(numpy_helper.from_array(bias, node.input[2]))

    def _replace(self, name: str, values: Array) -> None:
        tensor = next(tensor for tensor in self._current.graph.initializer if tensor.name == name)
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))

    def _fresh(self, wish: str) -> str:
        graph = self._current.graph
        taken = {tensor.name for tensor in graph.initializer} | {name for node in graph.node for name in node.output}
        name, number = wish, 1
        while name in taken:
            number += 1
            name = f"{wish}_{number}"
        return name


class _Channels(TypedDict):
    kept: Mask
    axis: int


def _axis(layer: Layer) -> int:
    """Where a layer's output lists its channels."""
    return 1 if layer.op_type == "Conv" else -1
