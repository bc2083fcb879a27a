"""Statistics of inner tensors, computed inside the model's own run: only small results leave onnxruntime."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from workbench.engine.core.tensor_statistics import HALF_BINS, TensorStatistics
from workbench.engine.graph.opset import opset_of
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

# Values of each sample that the histogram sees, evenly spaced: 128 samples give 65,536 for each tensor.
_PER_SAMPLE = 512
_AXES_ARE_INPUTS = 18
_MAP_AXES = 4
_POOLS = {"max": "GlobalMaxPool", "mean": "GlobalAveragePool"}
_PREFIX = "wb.tap."


@dataclass(frozen=True, slots=True)
class Tap:
    """A tensor to be watched.

    Args:
        shape: at batch 1; None where the rank is unknown.
        channel_axis: the axis that lists channels; None to look at the tensor as a whole.
        is_positive: never below zero, as after a Relu, so that nobody needs to look for its minimum.
        with_mean: whether the channels' means are wanted.
    """

    shape: tuple[int | None, ...] | None
    channel_axis: int | None
    is_positive: bool = False
    with_mean: bool = True

    @property
    def is_map(self) -> bool:
        """Whether it is a picture with channels, which onnxruntime pools in its own blocked layout, without copies."""
        return self.shape is not None and len(self.shape) == _MAP_AXES and self.channel_axis == 1

    @property
    def sample_bytes(self) -> int:
        """What the tensor takes at batch 1, as far as its shape is known."""
        return 4 * int(np.prod([size for size in self.shape or () if size is not None], dtype=np.int64))

    @property
    def stride(self) -> int:
        """Distance of the values that the histogram sees; odd, so as not to fall on one column of an image."""
        sizes = [size for size in self.shape or () if size is not None]
        return int(np.prod(sizes, dtype=np.int64)) // _PER_SAMPLE | 1 if sizes else 1


class ActivationTaps:
    """Runs a model batch by batch and gathers what calibration needs of some of its tensors.

    Memory does not grow with the number of samples.

    Args:
        proto: a complete model; is not changed.
        taps: the tensors, by name.
        histograms: whether their histograms are wanted; without, the run is faster.
    """

    def __init__(self, proto: onnx.ModelProto, taps: Mapping[str, Tap], *, histograms: bool = True) -> None:
        self._taps = dict(taps)
        self._histograms = histograms
        self._session = RuntimeSession(_tapped(proto, taps, histograms=histograms).SerializeToString())
        names = [info.name for info in self._session.outputs]
        self._places = {name: names.index(name) for name in names}
        self._gathered = {name: _Gathered() for name in taps}

    def add(self, feeds: Mapping[str, npt.NDArray[np.generic]], count: int, ctx: JobContext) -> None:
        """Run a batch of `count` samples. Raises Cancelled or RunError."""
        size = self._session.batch_size or count
        if size != count:
            # What fills a fixed batch up is seen twice, which moves no range.
            for start in range(0, count, size):
                places = np.minimum(np.arange(start, start + size), count - 1)
                self._run({name: array[places] for name, array in feeds.items()}, min(size, count - start), ctx)
            return
        self._run(feeds, count, ctx)

    def _run(self, feeds: Mapping[str, npt.NDArray[np.generic]], count: int, ctx: JobContext) -> None:
        named = dict(zip((info.name for info in self._session.inputs), feeds.values(), strict=True))
        outputs = self._session.run(feeds if set(named) == set(feeds) else named, ctx)
        for number, (name, tap) in enumerate(self._taps.items()):
            parts = {kind: outputs[self._places[f"{_PREFIX}{kind}{number}"]] for kind in _kinds(tap, self._histograms)}
            self._gathered[name].add(parts, count)

    def statistics(self) -> dict[str, TensorStatistics]:
        """What is known so far, by tensor."""
        return {name: gathered.statistics(self._taps[name]) for name, gathered in self._gathered.items()}


class _Gathered:
    """One tensor's statistics as batches come in."""

    def __init__(self) -> None:
        self._low: npt.NDArray[np.float64] | None = None
        self._high = np.zeros(1)
        self._sum = np.zeros(1)
        self._num_samples = 0
        self._bin_width = 0.0
        self._num_zeros = 0
        self._counts = np.zeros(2 * HALF_BINS, np.int64)

    def add(self, parts: Mapping[str, npt.NDArray[np.generic]], count: int) -> None:
        high = _over_samples(parts["max"], np.max)
        low = _over_samples(parts["min"], np.min) if "min" in parts else np.zeros_like(high)
        mean = _over_samples(parts["mean"], np.mean) * count if "mean" in parts else 0.0
        if self._low is None:
            self._low, self._high, self._sum = low, high, np.zeros_like(high) + mean
        else:
            self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
            self._sum = self._sum + mean
        self._num_samples += count
        if "some" in parts:
            self._count(np.asarray(parts["some"], np.float32).reshape(-1))

    def _count(self, values: npt.NDArray[np.float32]) -> None:
        """Count values into bins that are widened by doubling: pairs of bins merge exactly, in whatever order."""
        values = values[np.isfinite(values)]
        largest = float(np.abs(values).max(initial=0.0))
        if largest == 0 and self._bin_width == 0:
            largest = float(np.finfo(np.float32).tiny)
        while largest >= self._bin_width * HALF_BINS:
            if self._bin_width == 0:
                self._bin_width = 2.0 ** np.floor(np.log2(largest / HALF_BINS))
            else:
                pairs = self._counts.reshape(-1, 2).sum(axis=1)
                self._counts = np.zeros(2 * HALF_BINS, np.int64)
                self._counts[HALF_BINS // 2 : HALF_BINS // 2 + HALF_BINS] = pairs
                self._bin_width *= 2
        self._num_zeros += int(values.size - np.count_nonzero(values))
        places = np.floor(values / np.float32(self._bin_width)).astype(np.int32) + HALF_BINS
        self._counts += np.bincount(places, minlength=2 * HALF_BINS)

    def statistics(self, tap: Tap) -> TensorStatistics:
        low = self._low if self._low is not None else np.zeros(1)
        empty = np.zeros(0, np.float32)
        has_channels = tap.channel_axis is not None
        has_means = has_channels and tap.with_mean
        return TensorStatistics(
            low=float(low.min(initial=0.0) if low.size == 0 else low.min()),
            high=float(self._high.max(initial=0.0) if self._high.size == 0 else self._high.max()),
            channel_low=low.astype(np.float32) if has_channels else empty,
            channel_high=self._high.astype(np.float32) if has_channels else empty,
            channel_mean=(self._sum / max(1, self._num_samples)).astype(np.float32) if has_means else empty,
            bin_width=self._bin_width,
            counts=self._counts.copy(),
            num_samples=self._num_samples,
            num_zeros=self._num_zeros,
        )


def _over_samples(
    values: npt.NDArray[np.generic], reduce: Callable[..., npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    """One value a channel, or one in all; pooled maps still have one a sample."""
    wide = np.asarray(values, np.float64)
    return reduce(wide, axis=(0, 2, 3)) if wide.ndim == _MAP_AXES else wide.reshape(-1)


def _kinds(tap: Tap, histograms: bool) -> list[str]:
    kinds = ["max"] if tap.is_positive else ["min", "max"]
    kinds += ["mean"] if tap.channel_axis is not None and tap.with_mean else []
    return [*kinds, "some"] if histograms else kinds


def _tapped(proto: onnx.ModelProto, taps: Mapping[str, Tap], *, histograms: bool) -> onnx.ModelProto:
    """The model with the statistics as its only outputs; onnxruntime drops what none of them needs."""
    tapped = onnx.ModelProto()
    tapped.CopyFrom(proto)
    graph = tapped.graph
    del graph.output[:]
    for name, values in (("flat", [-1]), ("start", [0]), ("end", [2**62]), ("axis", [0])):
        graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), _PREFIX + name))
    opset = opset_of(tapped)
    for number, (name, tap) in enumerate(taps.items()):
        for kind in _kinds(tap, histograms):
            output = f"{_PREFIX}{kind}{number}"
            if kind == "some":
                _add_sampling(graph, name, tap.stride, output)
            elif tap.is_map and kind in _POOLS:
                graph.node.append(helper.make_node(_POOLS[kind], [name], [output]))
            else:
                _add_reduction(graph, f"Reduce{kind.capitalize()}", name, tap, output, opset)
            graph.output.append(onnx.ValueInfoProto(name=output))
    return tapped


def _add_reduction(graph: onnx.GraphProto, op_type: str, tensor: str, tap: Tap, output: str, opset: int) -> None:
    axes: list[int] = []
    if tap.shape is not None and tap.channel_axis is not None:
        axes = [axis for axis in range(len(tap.shape)) if axis != tap.channel_axis % len(tap.shape)]
    if not axes:
        graph.node.append(helper.make_node(op_type, [tensor], [output], keepdims=0))
    elif opset < _AXES_ARE_INPUTS:
        graph.node.append(helper.make_node(op_type, [tensor], [output], keepdims=0, axes=axes))
    else:
        graph.initializer.append(numpy_helper.from_array(np.array(axes, np.int64), f"{output}.axes"))
        graph.node.append(helper.make_node(op_type, [tensor, f"{output}.axes"], [output], keepdims=0))


def _add_sampling(graph: onnx.GraphProto, tensor: str, stride: int, output: str) -> None:
    graph.initializer.append(numpy_helper.from_array(np.array([stride], np.int64), f"{output}.step"))
    graph.node.append(helper.make_node("Reshape", [tensor, f"{_PREFIX}flat"], [f"{output}.flat"]))
    names = [f"{output}.flat", f"{_PREFIX}start", f"{_PREFIX}end", f"{_PREFIX}axis", f"{output}.step"]
    graph.node.append(helper.make_node("Slice", names, [output]))
