"""The plain encoding on whole models: the standard's own containers, read by onnxruntime and by onnx itself."""

from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import ActivationRule, Prune, Recipe, WeightRule
from workbench.engine.graph.model import load_model
from workbench.session import Session

# Weight, axis of the output channels, axes that are summed, node and input of each kind of layer; mostly odd counts.
_LAYERS = {
    "Conv": ((5, 7, 3, 3), 0, (1, 2, 3), "Conv(x, w)", (1, 7, 6, 6)),
    "Conv 1x1": ((5, 7, 1, 1), 0, (1, 2, 3), "Conv(x, w)", (1, 7, 4, 4)),
    "depthwise": ((5, 1, 3, 3), 0, (1, 2, 3), "Conv<group = 5>(x, w)", (1, 5, 6, 6)),
    "ConvTranspose": ((7, 5, 3, 3), 1, (0,), "ConvTranspose(x, w)", (1, 7, 4, 4)),
    "Gemm": ((7, 5), 1, (0,), "Gemm(x, w)", (3, 7)),
    "Gemm transposed": ((5, 7), 0, (1,), "Gemm<transB = 1>(x, w)", (3, 7)),
    "MatMul": ((7, 5), 1, (0,), "MatMul(x, w)", (3, 7)),
    "MatMul of three": ((3, 7, 5), 2, (1,), "MatMul(x, w)", (3, 2, 7)),
}
_KINDS = pytest.mark.parametrize("kind", list(_LAYERS))


def _file(path: Path, text: str, *, opset: int = 13, ir: int = 7, **weights: np.ndarray) -> Path:
    proto = onnx.parser.parse_model(f'<ir_version: {ir}, opset_import: ["" : {opset}]> m {text}')
    for name, value in weights.items():
        proto.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    path.write_bytes(proto.SerializeToString())
    return path


def _of_kind(folder: Path, kind: str, *, opset: int = 13) -> Compressor:
    shape, _, _, node, inputs = _LAYERS[kind]
    weight = np.random.default_rng(1).normal(size=shape)
    text = f"(float{list(inputs)} x) => (float[{','.join('ABCD'[: len(inputs)])}] y) {{ y = {node} }}"
    return Compressor(load_model(_file(folder / "m.onnx", text, opset=opset, w=weight)))


def _original(compressor: Compressor) -> np.ndarray:
    (layer,) = compressor.model.info.layers
    found: np.ndarray = compressor.model.weight(layer.name)
    return found


def _plain(**weights: object) -> Recipe:
    return replace(Recipe().with_rule("*", weights=WeightRule(**weights)), encoding="plain")


def _built(compressor: Compressor, recipe: Recipe) -> tuple[Plan, onnx.ModelProto]:
    plan = compressor.plan(recipe)
    proto = onnx.load_from_string(compressor.build(plan, encoding="plain"))
    onnx.checker.check_model(proto, full_check=True)
    return plan, proto


def _weight_in(proto: onnx.ModelProto, name: str = "w") -> np.ndarray:
    """What onnxruntime's DequantizeLinear gives."""
    shown = onnx.ModelProto()
    shown.CopyFrom(proto)
    shown.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = ort.InferenceSession(shown.SerializeToString())
    feed = {info.name: np.zeros(info.shape, np.float32) for info in session.get_inputs()}
    found: np.ndarray = session.run([name], feed)[0]
    return found


def _shared(kind: str, granularity: str) -> np.ndarray:
    """A number for each weight, the same for those that share a scale."""
    shape, axis, summed, _, _ = _LAYERS[kind]
    places = np.indices(shape)
    if granularity == "per_tensor":
        return np.zeros(shape, int)
    if granularity == "per_channel":
        return np.asarray(places[axis])
    others = [other for other in range(len(shape)) if other not in summed]
    row = np.ravel_multi_index(tuple(places[others]), tuple(shape[other] for other in others))
    along = np.ravel_multi_index(tuple(places[list(summed)]), tuple(shape[place] for place in summed))
    return np.asarray(row * prod(shape) + along // int(granularity.rpartition("_")[2]))


def _rounded_one_by_one(weight: np.ndarray, shared: np.ndarray, bits: int, *, symmetric: bool) -> np.ndarray:
    """Each set of weights with its own scale, by the formulas of ONNX QuantizeLinear."""
    found = np.full(weight.shape, np.nan, np.float32)
    for number in np.unique(shared):
        values = weight[shared == number]
        low, high = min(values.min(), np.float32(0)), max(values.max(), np.float32(0))
        width = (
            max(-low, high) / np.float32(2 ** (bits - 1) - 1) if symmetric else (high - low) / np.float32(2**bits - 1)
        )
        zero = np.float32(0) if symmetric else np.rint(-low / width)
        codes = np.rint(values / width) + zero
        codes = codes if symmetric else np.clip(codes, 0, 2**bits - 1)
        found[shared == number] = (codes - zero) * width
    return found


@_KINDS
@pytest.mark.parametrize("granularity", ["per_tensor", "per_channel", "per_group_3", "per_group_63"])
@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_onnxruntime_reads_the_very_weights_that_were_rounded(
    tmp_path: Path, kind: str, granularity: str, symmetric: bool, bits: int
):
    compressor = _of_kind(tmp_path, kind)
    plan, proto = _built(compressor, _plain(bits=bits, granularity=granularity, symmetric=symmetric))

    assert plan.layers[0].weights is not None, plan.layers[0].reason
    original = _original(compressor)
    expected = _rounded_one_by_one(original, _shared(kind, granularity), bits, symmetric=symmetric)
    assert np.array_equal(_weight_in(proto), expected)
    shape = original.shape
    (codes,) = [tensor for tensor in proto.graph.initializer if tuple(tensor.dims) == shape]
    kinds = {True: TensorProto.INT4, False: TensorProto.UINT4} if bits <= 4 else {
        True: TensorProto.INT8, False: TensorProto.UINT8,
    }  # fmt: skip
    assert codes.data_type == kinds[symmetric]
    assert len(codes.raw_data) == (-(-prod(shape) // 2) if bits <= 4 else prod(shape))


def test_onnx_itself_reads_the_codes_in_the_same_order(tmp_path: Path):
    compressor = _of_kind(tmp_path, "Gemm transposed")
    _, proto = _built(compressor, _plain(bits=4, granularity="per_tensor"))

    tensors = {tuple(tensor.dims): tensor for tensor in proto.graph.initializer}
    weight = _original(compressor)
    scale = numpy_helper.to_array(next(t for t in proto.graph.initializer if t.data_type == TensorProto.FLOAT))
    codes = np.rint(weight / scale).astype(np.int8)
    assert np.array_equal(numpy_helper.to_array(tensors[5, 7]).astype(np.int8), codes)
    # The first weight in the lower half of the first byte; 35 weights leave the upper half of the last one.
    packed = tensors[5, 7].raw_data
    assert (packed[0] & 15, packed[0] >> 4) == (codes[0, 0] & 15, codes[0, 1] & 15)
    assert (packed[17] & 15, packed[17] >> 4) == (codes[4, 6] & 15, 0)


@pytest.mark.parametrize("opset", [9, 13, 17, 21])
def test_four_bits_raise_the_model_and_the_plan_says_so(tmp_path: Path, opset: int):
    plan, proto = _built(_of_kind(tmp_path, "Conv", opset=opset), _plain(bits=4))

    assert (proto.opset_import[0].version, proto.ir_version) == (21, 10)
    notes = [note for note in plan.notes if "raised" in note]
    assert [note.partition(":")[0] for note in notes] == (
        [f"the model's opset is raised from {opset} to 21"] if opset < 21 else []
    )
    assert plan.layers[0].reason == ""


@pytest.mark.parametrize(("granularity", "needed"), [("per_tensor", 10), ("per_channel", 13), ("per_group_7", 21)])
def test_eight_bits_raise_the_model_as_far_as_their_scales_need(tmp_path: Path, granularity: str, needed: int):
    plan, proto = _built(_of_kind(tmp_path, "Conv 1x1", opset=9), _plain(bits=8, granularity=granularity))
    plan_wide, _ = _built(_of_kind(tmp_path, "Gemm", opset=9), _plain(bits=8, granularity="per_group_2"))

    # Seven weights a row: a group of seven is the whole of it.
    assert proto.opset_import[0].version == (13 if needed == 21 else needed)
    assert plan_wide.opset == 21
    assert any("raised from 9" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("bits", "reason"),
    [(2, "int4 container: no smaller than 4"), (3, "int4 container: no smaller than 4"), (4, ""),
     (5, "int8 container: no smaller than 8"), (7, "int8 container: no smaller than 8"), (8, "")],
)  # fmt: skip
def test_the_plan_says_where_the_container_has_more_bits(tmp_path: Path, bits: int, reason: str):
    plan = _of_kind(tmp_path, "Gemm").plan(_plain(bits=bits))

    assert plan.layers[0].reason.endswith(reason)
    assert bool(plan.layers[0].reason) == bool(reason)


def test_groups_over_several_axes_stay_float_and_the_plan_says_why(tmp_path: Path):
    plan = _of_kind(tmp_path, "Conv").plan(_plain(bits=4, granularity="per_group_32"))

    assert plan.layers[0].weights is None
    assert "groups of 32 run over several axes of its 5×7×3×3 weights" in plan.layers[0].reason


def _stuck(path: Path) -> Compressor:
    """A model of opset 13 with an operator that no converter knows, though runtimes once did."""
    text = "(float[3,7] x) => (float[3,5] y) { h = Affine<alpha = 1.0, beta = 0.0>(x) y = MatMul(h, w) }"
    return Compressor(load_model(_file(path, text, w=np.random.default_rng(2).normal(size=(7, 5)))))


def test_a_model_that_cannot_be_raised_keeps_four_bits_in_whole_bytes(tmp_path: Path):
    compressor = _stuck(tmp_path / "m.onnx")
    plan = compressor.plan(_plain(bits=4))

    proto = onnx.load_from_string(compressor.build(plan, encoding="plain"))

    assert plan.layers[0].reason == (
        "int4 containers need opset 21, and the model cannot be raised beyond 13: an int8 container, no smaller than 8"
    )
    assert proto.opset_import[0].version == 13
    assert {tensor.data_type for tensor in proto.graph.initializer} == {TensorProto.INT8, TensorProto.FLOAT}


def test_a_model_that_cannot_be_raised_has_no_groups(tmp_path: Path):
    compressor = _stuck(tmp_path / "m.onnx")
    plan = compressor.plan(_plain(bits=8, granularity="per_group_2"))

    assert plan.layers[0].weights is None
    assert "scales per group need opset 21" in plan.layers[0].reason
    assert compressor.build(plan, encoding="plain") == compressor.model.to_proto().SerializeToString(deterministic=True)


def test_layers_that_share_a_weight_read_one_container(tmp_path: Path):
    text = "(float[3,7] x) => (float[3,7] y) { h = MatMul(x, w) y = MatMul(h, w) }"
    path = _file(tmp_path / "m.onnx", text, w=np.random.default_rng(3).normal(size=(7, 7)))
    _, proto = _built(Compressor(load_model(path)), _plain(bits=4))

    assert [tensor.data_type for tensor in proto.graph.initializer].count(TensorProto.INT4) == 2  # codes, zero points
    assert [node.op_type for node in proto.graph.node] == ["DequantizeLinear", "MatMul", "MatMul"]


@_KINDS
def test_pruned_weights_are_zeros_of_the_container(tmp_path: Path, kind: str):
    compressor = _of_kind(tmp_path, kind)
    recipe = _plain(bits=4, symmetric=False).with_rule("*", prune=Prune("weights", sparsity=0.6))

    plan, proto = _built(compressor, recipe)

    weight = _weight_in(proto)
    threshold = plan.layers[0].threshold
    assert threshold is not None
    assert np.all(weight[np.abs(_original(compressor)) < threshold] == 0)
    assert np.any(weight != 0)


@pytest.mark.parametrize(
    "weights",
    [WeightRule(bits=4), WeightRule(bits=3, symmetric=False, granularity="per_tensor"),
     WeightRule(bits=4, granularity="per_group_2")],
    ids=["4 bit", "3 bit asymmetric", "by groups"],
)  # fmt: skip
def test_quantized_activations_go_with_int4_weights_in_float(shortcut_model, samples, tmp_path: Path, weights):
    compressor = shortcut_model()
    recipe = Recipe().with_rule("*", weights=weights, activations=ActivationRule(bits=8))
    recipe = replace(recipe, encoding="plain")
    plan = compressor.plan(recipe, has_samples=True)

    proto = onnx.load_from_string(compressor.build(plan, encoding="plain", samples=samples(compressor)))

    onnx.checker.check_model(proto, full_check=True)
    assert any("ONNX Runtime runs 3 layers in float" in note for note in plan.notes)
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    found = ort.InferenceSession(proto.SerializeToString(), options).run(None, {"x": x})[0]
    # Nothing fused and nothing optimized: what the operators mean.
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    meant = ort.InferenceSession(proto.SerializeToString(), options).run(None, {"x": x})[0]
    ran = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert ran.count("Conv") == 2
    assert "QLinearConv" not in ran
    step = max(float(numpy_helper.to_array(tensor)) for tensor in proto.graph.initializer if not tensor.dims and
               tensor.data_type == TensorProto.FLOAT)  # fmt: skip
    assert np.abs(found - meant).max() <= step


def test_ranges_at_run_time_keep_int8_codes(tmp_path: Path):
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=4), activations=ActivationRule(bits=8, range="dynamic"))
    compressor = _of_kind(tmp_path, "MatMul")
    plan, proto = _built(compressor, replace(recipe, encoding="plain"))

    (product,) = [node for node in proto.graph.node if node.op_type == "MatMulInteger"]
    codes = {tensor.name: tensor.data_type for tensor in proto.graph.initializer}
    assert codes[product.input[1]] == TensorProto.INT8
    assert "an int8 container, no smaller than 8" in plan.layers[0].reason
    ort.InferenceSession(proto.SerializeToString()).run(None, {"x": np.ones((3, 7), np.float32)})


@pytest.mark.parametrize(
    ("nodes", "second"),
    [("h = Conv(x, a) g = Conv(h, b) y = Conv(g, c)", (4, 4, 1, 1)), ("h = Conv(x, a) y = MatMul(h, b)", (4, 4))],
    ids=["Conv", "MatMul"],
)
def test_int8_codes_in_blocks_beside_quantized_tensors_have_scales_per_channel(
    tmp_path: Path, nodes: str, second: tuple[int, ...]
):
    # Of the second layer ONNX Runtime would make an integer kernel, which then fails on the shape of its scales.
    text = f"(float[N,4,4,4] x) => (float[N,4,4,4] y) {{ {nodes} }}"
    random = np.random.default_rng(4)
    weights = {"a": random.normal(size=(4, 4, 1, 1)), "b": random.normal(size=second)}
    weights |= {"c": random.normal(size=(4, 4, 1, 1))} if "c" in nodes else {}
    np.savez(tmp_path / "x.npz", x=random.normal(size=(12, 4, 4, 4)).astype(np.float32))
    session = Session()
    info = session.open_model(_file(tmp_path / "m.onnx", text, **weights))
    session.open_data(tmp_path / "x.npz", {"scale": 1.0, "mean": 0.0, "std": 1.0, "layout": "raw"})
    in_blocks = WeightRule(bits=8, granularity="per_group_2")
    recipe = Recipe().with_rule("*_[02]" if "c" in nodes else "Conv_0", activations=ActivationRule(bits=8))
    recipe = recipe.with_rule("Conv_*", weights=WeightRule(bits=8)).with_rule(info.layers[1].name, weights=in_blocks)

    report = session.export(replace(recipe, encoding="plain"), tmp_path / "out.onnx")

    entry = report.plan.layer(info.layers[1].name)
    assert entry is not None
    assert "per channel instead" in entry.reason
    assert report.verified.ok


def test_what_was_written_opens_again_and_takes_the_same_recipe(tmp_path: Path):
    session = Session()
    compressor = _of_kind(tmp_path, "Gemm")
    session.open_model(compressor.model.path)

    report = session.export(_plain(bits=4), tmp_path / "out.onnx")

    assert report.verified.ok
    assert report.verified.max_abs_difference == 0
    again = Session()
    info = again.open_model(tmp_path / "out.onnx")
    assert [layer.weight_shape for layer in info.layers] == [(7, 5)]
