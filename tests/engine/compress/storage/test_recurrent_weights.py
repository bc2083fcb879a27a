"""LSTM, GRU and RNN: both weights of each are stored narrow or pruned, and onnxruntime runs what was meant."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.storage.weight_storage import planned_bytes, stored_smallest, written_tensors
from workbench.engine.core.plain_containers import containers_of
from workbench.engine.core.recipe import ActivationRule, Prune, Recipe, WeightRule
from workbench.engine.graph.model import load_model
from workbench.engine.search.diagnosis.layer_noise import layer_noise
from workbench.jobs import JobContext

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_STEPS, _BATCH, _INPUTS, _HIDDEN = 5, 2, 6, 8


@dataclass(frozen=True)
class _Net:
    """A recurrent node alone.

    Args:
        outputs: of the node; "" for one that is left out.
    """

    op_type: str = "LSTM"
    num_directions: int = 1
    outputs: Sequence[str] = ("y",)
    inputs: Sequence[str] = ("x", "w", "r", "b")

    @property
    def weights(self) -> dict[str, np.ndarray]:
        random = np.random.default_rng(3)
        rows = _GATES[self.op_type] * _HIDDEN
        made = {
            "w": random.normal(size=(self.num_directions, rows, _INPUTS)) / 2,
            "r": random.normal(size=(self.num_directions, rows, _HIDDEN)) / 2,
            "b": random.normal(size=(self.num_directions, 2 * rows)) / 2,
        }
        return {name: value.astype(np.float32) for name, value in made.items()}

    def proto(self, **changed: np.ndarray) -> onnx.ModelProto:
        direction = "bidirectional" if self.num_directions == 2 else "forward"
        node = helper.make_node(
            self.op_type, self.inputs, self.outputs, name="rnn", hidden_size=_HIDDEN, direction=direction
        )
        graph = helper.make_graph(
            [node],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [_STEPS, "N", _INPUTS])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self.outputs if name],
            [
                numpy_helper.from_array(value, name)
                for name, value in {**self.weights, **changed}.items()
                if name in self.inputs
            ],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)

    def opened(self, tmp_path: Path, **changed: np.ndarray) -> Compressor:
        path = tmp_path / "rnn.onnx"
        path.write_bytes(self.proto(**changed).SerializeToString())
        return Compressor(load_model(path))


def _outputs(data: bytes) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(_STEPS, _BATCH, _INPUTS)).astype(np.float32)
    return ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def _rounded(weight: np.ndarray, bits: int) -> np.ndarray:
    """Symmetric codes with a scale for each gate's each unit, of each direction."""
    scale = np.abs(weight).max(axis=2, keepdims=True) / np.float32(2 ** (bits - 1) - 1)
    return (np.rint(weight / scale) * scale).astype(np.float32)


@pytest.mark.parametrize("op_type", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("num_directions", [1, 2], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("bits", [2, 3, 4, 7, 8, 12, 16])
def test_both_weights_have_a_scale_for_each_unit_of_each_direction(
    tmp_path: Path, op_type: str, num_directions: int, bits: int
):
    net = _Net(op_type, num_directions)
    bench = net.opened(tmp_path)

    data = bench.build(bench.plan(Recipe().with_rule("*", weights=WeightRule(bits=bits))))

    rounded = {name: _rounded(net.weights[name], bits) for name in ("w", "r")}
    assert np.allclose(_outputs(data), _outputs(net.proto(**rounded).SerializeToString()), atol=1e-6)


@pytest.mark.parametrize("encoding", ["auto", "plain"])
@pytest.mark.parametrize("num_directions", [1, 2], ids=["forward", "bidirectional"])
@pytest.mark.parametrize(
    "weights",
    [
        WeightRule(bits=8, granularity="per_tensor"),
        WeightRule(bits=8, symmetric=False),
        WeightRule(bits=5, range="mse"),
        WeightRule(bits=4, granularity="per_group_3"),
        WeightRule(bits=4, granularity="per_group_4", symmetric=False),
        WeightRule(bits="float16"),
    ],
    ids=["tensor", "asymmetric", "mse", "groups", "ragged groups", "half"],
)
def test_the_file_holds_the_weights_of_the_preview(
    tmp_path: Path, num_directions: int, encoding: str, weights: WeightRule
):
    net = _Net(num_directions=num_directions)
    bench = net.opened(tmp_path)
    recipe = replace(Recipe().with_rule("*", weights=weights), encoding=encoding)
    plan = bench.plan(recipe)

    data = bench.build(plan, encoding=encoding)

    expected = net.proto(**{name: _weights_of(data, name) for name in ("w", "r")})
    assert np.allclose(_outputs(data), _outputs(expected.SerializeToString()), atol=1e-6)
    for layer in bench.model.info.layers:
        noise = _weights_of(data, layer.weight_name) - net.weights[layer.weight_name]
        signal_db = 10 * np.log10(np.square(net.weights[layer.weight_name]).sum() / np.square(noise).sum())
        assert bench.preview(layer.name, recipe).sqnr_db == pytest.approx(signal_db, abs=0.01)


def _weights_of(data: bytes, name: str) -> np.ndarray:
    """A weight as onnxruntime unpacks it when it opens the file."""
    proto = onnx.load_from_string(data)
    del proto.graph.output[:]
    proto.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    x = np.zeros((_STEPS, _BATCH, _INPUTS), np.float32)
    return ort.InferenceSession(proto.SerializeToString()).run([name], {"x": x})[0]


def test_input_and_recurrent_weights_are_two_layers_that_are_set_apart(tmp_path: Path):
    net = _Net("GRU", 2)
    bench = net.opened(tmp_path)
    recipe = Recipe().with_rule("rnn.W", weights=WeightRule(bits=3))
    recipe = recipe.with_rule("rnn.R", prune=Prune("weights", threshold=0.3))

    data = bench.build(bench.plan(recipe))

    pruned = np.where(np.abs(net.weights["r"]) < 0.3, 0, net.weights["r"]).astype(np.float32)
    expected = net.proto(w=_rounded(net.weights["w"], 3), r=pruned)
    assert np.allclose(_outputs(data), _outputs(expected.SerializeToString()), atol=1e-6)


@pytest.mark.parametrize("num_directions", [1, 2], ids=["forward", "bidirectional"])
@pytest.mark.parametrize(
    ("encoding", "bits"), [("auto", 2), ("auto", 4), ("auto", 13), ("auto", "float16"), ("plain", 8)], ids=str
)
def test_the_arithmetic_foresees_the_file_to_three_bytes(tmp_path: Path, num_directions: int, encoding: str, bits):
    bench = _Net(num_directions=num_directions).opened(tmp_path)
    recipe = replace(Recipe().with_rule("*", weights=WeightRule(bits=bits)), encoding=encoding)
    plan, footprint = bench.plan(recipe), bench.footprint()
    tensors = written_tensors(bench.model.info, plan.layers)

    foreseen = planned_bytes(
        tensors,
        stored_smallest(tensors, footprint, containers=containers_of(encoding, footprint.largest_opset)),
        footprint,
    )

    assert len(bench.build(plan, encoding=encoding)) == pytest.approx(foreseen, abs=3)


def test_unpacked_weights_are_folded_when_the_file_is_opened(tmp_path: Path):
    bench = _Net(num_directions=2).opened(tmp_path)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=3), prune=Prune("weights", sparsity=0.5))
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")

    ort.InferenceSession(bench.build(bench.plan(recipe)), options, providers=["CPUExecutionProvider"])

    assert [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node] == ["LSTM"]


@pytest.mark.parametrize("outputs", [("", "y_h"), ("", "", "y_c"), ("y", "y_h", "y_c")], ids=str)
def test_a_node_is_found_whichever_of_its_outputs_are_there(tmp_path: Path, outputs: Sequence[str]):
    net = _Net(outputs=outputs)
    bench = net.opened(tmp_path)

    data = bench.build(bench.plan(Recipe().with_rule("*", weights=WeightRule(bits=4))))

    assert {layer.node_output for layer in bench.model.info.layers} == {next(name for name in outputs if name)}
    rounded = {name: _rounded(net.weights[name], 4) for name in ("w", "r")}
    assert np.allclose(_outputs(data), _outputs(net.proto(**rounded).SerializeToString()), atol=1e-6)


@pytest.mark.parametrize("alike", [True, False], ids=["alike", "apart"])
def test_one_tensor_for_both_weights_is_split_only_where_they_are_set_apart(tmp_path: Path, alike: bool):
    square = np.random.default_rng(1).normal(size=(1, 4 * _INPUTS, _INPUTS)).astype(np.float32)
    node = helper.make_node("LSTM", ["x", "w", "w"], ["y"], name="rnn", hidden_size=_INPUTS)

    def saved(nodes: Sequence[onnx.NodeProto], tensors: dict[str, np.ndarray]) -> bytes:
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [_STEPS, "N", _INPUTS])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, name) for name, value in tensors.items()],
        )
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
        return bytes(proto.SerializeToString())

    path = tmp_path / "tied.onnx"
    path.write_bytes(saved([node], {"w": square}))
    bench = Compressor(load_model(path))
    bits = {"rnn.W": 3, "rnn.R": 3 if alike else 6}
    recipe = Recipe()
    for name, width in bits.items():
        recipe = recipe.with_rule(name, weights=WeightRule(bits=width))

    data = bench.build(bench.plan(recipe))

    apart = helper.make_node("LSTM", ["x", "w", "r"], ["y"], name="rnn", hidden_size=_INPUTS)
    expected = saved([apart], {"w": _rounded(square, bits["rnn.W"]), "r": _rounded(square, bits["rnn.R"])})
    assert np.allclose(_outputs(data), _outputs(expected), atol=1e-6)
    written = next(node for node in onnx.load_from_string(data).graph.node if node.op_type == "LSTM")
    assert (written.input[1] == written.input[2]) is alike
    assert [layer.shares_weights_with for layer in bench.model.info.layers] == [("rnn.R",), ("rnn.W",)]


@pytest.mark.parametrize("range_kind", ["minmax", "dynamic"])
@pytest.mark.parametrize(
    ("op_type", "why"),
    [("LSTM", "DynamicQuantizeLSTM is its own"), ("GRU", "neither ONNX nor ONNX Runtime"), ("RNN", "neither ONNX nor")],
)
def test_activations_stay_float_and_the_plan_says_why(tmp_path: Path, op_type: str, why: str, range_kind: str):
    net = _Net(op_type)
    bench = net.opened(tmp_path)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8, range=range_kind))

    plan = bench.plan(recipe, has_samples=True)

    reason = why if range_kind == "dynamic" else f"no integer kernel for {op_type}"
    assert all(entry.activations is None and reason in entry.reason for entry in plan.layers)
    assert all(entry.weights is not None for entry in plan.layers)
    rounded = {name: _rounded(net.weights[name], 8) for name in ("w", "r")}
    expected = net.proto(**rounded).SerializeToString()
    assert np.allclose(_outputs(bench.build(plan)), _outputs(expected), atol=1e-6)


def test_what_can_be_learned_elsewhere_is_to_nearest_here_with_the_reason(tmp_path: Path):
    bench = _Net().opened(tmp_path)
    weights = WeightRule(bits=4, rounding="learned", bias_correction=True)

    plan = bench.plan(Recipe().with_rule("*", weights=weights), has_samples=True)

    assert [entry.weights for entry in plan.layers] == [plan.layers[0].weights] * 2
    assert (plan.layers[0].weights.rounding, plan.layers[0].weights.bias_correction) == ("nearest", False)
    assert "it is learned for plain convolutions" in plan.layers[0].reason
    assert "that is for Conv and Gemm, not LSTM" in plan.layers[0].reason


@pytest.fixture
def mixed_model(shortcut_model) -> Compressor:
    """Pictures of 8×8 pixels through a convolution, read row by row by an LSTM, with a Gemm behind its last state."""
    random = np.random.default_rng(6)
    body = """
      c = Conv<pads = [1,1,1,1]>(x, w1, b1)
      m = ReduceMean<axes = [1], keepdims = 0>(c)
      t = Transpose<perm = [1, 0, 2]>(m)
      r, h = LSTM<hidden_size = 8>(t, w4, r4, b4)
      last = ReduceMean<axes = [0], keepdims = 0>(h)
      y = Gemm<transB = 1>(last, w3, b3)
    """
    shapes = {"w4": (1, 32, 8), "r4": (1, 32, 8), "b4": (1, 64)}
    return shortcut_model(body, **{name: random.normal(size=shape) / 2 for name, shape in shapes.items()})


def _mixed_outputs(data: bytes, x: np.ndarray) -> np.ndarray:
    return ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def test_recurrent_weights_are_stored_narrow_beside_layers_that_run_on_integers(mixed_model, samples, tmp_path: Path):
    calibration = samples(mixed_model)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=7, rounding="learned"), activations=ActivationRule(bits=8))
    x = calibration.dataset.batch(np.arange(40))["x"]

    data = mixed_model.build(mixed_model.plan(recipe, has_samples=True), samples=calibration)

    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    found = Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
    assert (found["QLinearConv"], found["LSTM"], found["QGemm"]) == (1, 1, 1)
    exact = _mixed_outputs(mixed_model.model.path.read_bytes(), x)
    error = exact - _mixed_outputs(data, x)
    assert 10 * np.log10(np.square(exact).sum() / np.square(error).sum()) > 25


def test_the_noise_and_the_activations_of_recurrent_layers_are_shown(mixed_model, samples):
    calibration = samples(mixed_model)
    ctx = JobContext()
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=4))
    plan = mixed_model.plan(recipe)

    report = layer_noise(mixed_model, plan, mixed_model.build(plan), recipe.digest, calibration, ctx)
    shown = {
        name: mixed_model.quantizer.activations(name, plan, recipe.digest, calibration, ctx)
        for name in ("LSTM_0.W", "LSTM_0.R")
    }

    noise = {entry.layer: entry for entry in report.layers}
    # One output for both: that of their node.
    assert noise["LSTM_0.W"].output_db == noise["LSTM_0.R"].output_db > 5
    assert [item.is_input for item in shown["LSTM_0.W"].tensors] == [True, False]
    assert [item.is_input for item in shown["LSTM_0.R"].tensors] == [False]
    assert "at the step before" in shown["LSTM_0.R"].why
