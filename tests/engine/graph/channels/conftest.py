"""The proof that a graph without some channels computes what the whole one does while they are held at zero."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from workbench.engine.compress.structure.selection import select_kept
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.removal import remove_channels
from workbench.engine.graph.channels.silenced import silence_channels
from workbench.engine.graph.channels.unit_groups import needed_units, unit_groups
from workbench.engine.graph.channels.walk import walk
from workbench.engine.graph.fold_constants import fold_constants

_HEADER = 'ir_version: 8, opset_import: ["" : 13, "com.microsoft" : 1, "my.company" : 1]'
_TOLERANCE = 1e-4

Feeds = Mapping[str, npt.NDArray[np.generic]]


def _run(proto: onnx.ModelProto, feeds: Feeds) -> dict[str, npt.NDArray[np.generic]]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


@pytest.fixture
def run() -> Callable[[onnx.ModelProto, Feeds], dict[str, npt.NDArray[np.generic]]]:
    """Run a model as it is written, without the runtime's rewriting: outputs by name."""
    return _run


@dataclass(frozen=True)
class Channels:
    """A graph's channels, asked about in a test's own words."""

    flow: Flow

    def of(self, tensor: str) -> list[int]:
        """Units of a tensor's entries in order, 0 for those that stay; axes on which they do not vary left out."""
        return self.flow.units.resolved(self.flow.of(tensor)).ravel().tolist()

    def along(self, parameter: str, axis: int) -> list[int]:
        """Units of a stored parameter's entries along an axis; all 0 if it is never cut there."""
        vector = self.flow.params.get(parameter, {}).get(axis)
        size = self.flow.shape(parameter)[axis]
        return [0] * size if vector is None else self.flow.units.resolved(vector).tolist()

    def why(self, tensor: str) -> str:
        """Why the first channel of a tensor stays."""
        label = int(self.flow.of(tensor).ravel()[0])
        return self.flow.units.why_fixed(label)

    def group_of(self, output: str) -> list[str]:
        """The layers that are decided with this one."""
        return next(list(group.members) for group in unit_groups(self.flow) if output in group.members)

    def without(self, tensor: str, places: Collection[int]) -> set[int]:
        """Units of these channels of a tensor."""
        return {self.of(tensor)[place] for place in places}


@pytest.fixture
def text_model() -> Callable[..., onnx.ModelProto]:
    """A model of a graph given as text, with weights from arrays, or random ones of a shape."""

    def make(
        graph: str,
        weights: Mapping[str, npt.NDArray[np.generic] | tuple[int, ...]] | None = None,
        *,
        opset: int = 13,
        header: str = "",
    ) -> onnx.ModelProto:
        rng = np.random.default_rng(5)
        proto = onnx.parser.parse_model(f"<{header or _HEADER.replace('13', str(opset))}> {graph}")
        for name, value in (weights or {}).items():
            array = rng.uniform(0.5, 1.5, value).astype(np.float32) if isinstance(value, tuple) else value
            proto.graph.initializer.append(numpy_helper.from_array(array, name))
        fold_constants(proto)
        return proto

    return make


@pytest.fixture
def channels(text_model: Callable[..., onnx.ModelProto]) -> Callable[..., Channels]:
    """The channels of a graph given as text."""

    def make(*args: object, **options: object) -> Channels:
        return Channels(walk(text_model(*args, **options)))

    return make


def random_feeds(proto: onnx.ModelProto, batch: int, size: int, rng: np.random.Generator) -> Feeds:
    stored = {tensor.name for tensor in proto.graph.initializer}
    feeds = {}
    for info in proto.graph.input:
        if info.name in stored:
            continue
        shape = [
            dim.dim_value or (size if place else batch) for place, dim in enumerate(info.type.tensor_type.shape.dim)
        ]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
        feeds[info.name] = rng.normal(size=shape).astype(dtype)
    return feeds


def relative_error(
    expected: Mapping[str, npt.NDArray[np.generic]], found: Mapping[str, npt.NDArray[np.generic]]
) -> float:
    """The greatest difference of any output, as a share of that output's greatest value."""
    errors = [0.0]
    for name, right in expected.items():
        assert found[name].shape == right.shape, name
        # NaN would compare as no difference at all.
        assert np.isfinite(right).all(), name
        assert np.isfinite(found[name]).all(), name
        if right.size:
            difference = np.abs(found[name].astype(np.float64) - right.astype(np.float64)).max()
            errors.append(float(difference / max(np.abs(right.astype(np.float64)).max(), 1e-6)))
    return max(errors)


@pytest.fixture
def prove() -> Callable[..., onnx.ModelProto]:
    """Assert that removing and silencing units agree, and that the checker accepts the result; return it."""

    def check(
        flow: Flow, gone: Collection[int], feeds: Feeds | None = None, *, batch: int = 2, size: int = 6
    ) -> onnx.ModelProto:
        feeds = feeds or random_feeds(flow.proto, batch, size, np.random.default_rng(7))
        small = remove_channels(flow, gone)
        onnx.checker.check_model(small, full_check=True)
        error = relative_error(_run(silence_channels(flow, gone), feeds), _run(small, feeds))
        assert error < _TOLERANCE
        return small

    return check


@pytest.fixture
def choose_gone() -> Callable[..., set[int]]:
    """Units that go at random, as many as a ratio says, such that blocks stay equal and no tensor vanishes."""

    def choose(flow: Flow, ratio: float, rng: np.random.Generator) -> set[int]:
        needed = needed_units(flow)
        gone: set[int] = set()
        for group in unit_groups(flow):
            if len(group.units):
                num_kept = max(1, round(len(group.units) * (1 - ratio)))
                kept = select_kept(group.units, rng.random(len(group.units)), num_kept, group.partitions, needed)
                gone |= set(group.units[~kept].tolist())
        return gone

    return choose
