"""A whole graph: what channels meet on their way, and where they have to stay."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.graph.channels.unit_groups import unit_groups
from workbench.engine.graph.channels.walk import walk

_W = {"wa": (4, 2, 1, 1), "wy": (3, 4, 1, 1)}


def _graph(body: str, end: str = "y = Conv(r, wy)") -> str:
    return f"m (float[N,2,6,6] x) => (float[N,3,6,6] y) {{ a = Conv(x, wa) {body} {end} }}"


def test_an_unknown_operator_fixes_what_it_reads_and_names_itself(channels):
    found = channels(_graph("r = my.company.Mystery(a)"), _W)

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a") == "Mystery r: channels are not followed through it"


def test_a_reason_names_the_node_where_it_has_a_name(text_model):
    proto = text_model(_graph("r = LRN<size=3>(a)"), _W)
    proto.graph.node[1].name = "contrast"
    flow = walk(proto)

    assert flow.units.why_fixed(1) == "LRN contrast: channels are not followed through it"


def test_channels_before_an_unknown_operator_are_free_further_up(channels, prove):
    found = channels(_graph("b = Conv(a, wb) r = LRN<size=3>(b)"), {**_W, "wb": (4, 4, 1, 1)})

    assert found.of("a") == [1, 2, 3, 4]
    assert found.of("b") == [0, 0, 0, 0]
    prove(found.flow, {2, 4})


def test_a_tensor_that_is_also_an_output_stays(channels):
    graph = _graph("r = Relu(a)").replace("y)", "y, float[N,4,6,6] r)", 1)
    found = channels(graph, _W)

    assert found.why("a") == "they are the model's output r"


def test_a_parameter_that_is_an_output_stays(channels):
    graph = _graph("r = Add(a, k)").replace("y)", "y, float[4,1,1] k)", 1)
    found = channels(graph, {**_W, "k": (4, 1, 1)})

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a") == "a parameter is an output of the model"


def _with_branches(text_model, captured: str) -> onnx.ModelProto:
    """A model with an If at its end whose branches read a tensor of the graph around them."""
    proto = text_model(_graph("r = Add(a, k)").replace("x)", "x, bool choice)", 1), {**_W, "k": (4, 1, 1)})
    info = helper.make_tensor_value_info("inside", TensorProto.FLOAT, None)
    branches = [
        helper.make_graph([helper.make_node(op_type, [captured], ["inside"])], op_type, [], [info])
        for op_type in ("Relu", "Neg")
    ]
    node = helper.make_node("If", ["choice"], ["z"], "choose", then_branch=branches[0], else_branch=branches[1])
    proto.graph.node.append(node)
    proto.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    return proto


def test_what_the_body_of_an_if_reads_stays(text_model):
    flow = walk(_with_branches(text_model, "r"))

    assert flow.units.is_fixed(flow.of("a")).all()
    assert flow.units.why_fixed(1) == "If choose: channels are not followed through it"


def test_a_parameter_that_the_body_of_an_if_reads_stays(text_model):
    flow = walk(_with_branches(text_model, "k"))

    assert flow.units.is_fixed(flow.of("a")).all()
    assert "a parameter is read whole elsewhere" in flow.units.why_fixed(1)


def test_a_tensor_without_known_rank_is_not_followed(channels):
    found = channels(_graph("m1 = my.company.Mystery(x) r = Add(a, m1)"), _W)

    assert found.of("a") == [0, 0, 0, 0]
    assert found.why("a") == "Add r: the shapes around it are not known"


def test_a_convolution_of_an_input_without_axes_is_left_alone(channels):
    found = channels("m (float x) => (float[N,3,6,6] y) { a = Conv(x, wa) y = Conv(a, wy) }", _W)

    assert found.flow.producers == []


def test_empty_tensors_are_left_alone(channels):
    graph = "m (float[N,2,0,6] x) => (float[N,M] y) { a = Conv(x, wa) y = Reshape<allowzero=1>(a, shape) }"
    found = channels(graph, {**_W, "shape": np.array([1, 0])}, opset=14)

    assert found.why("a").startswith("Reshape y: ")


def test_a_model_that_contradicts_itself_is_fixed_and_not_followed(text_model):
    # A bias of five numbers for four channels, which the checker lets pass.
    proto = text_model(_graph("r = Add(a, k)"), {**_W, "k": (5, 1, 1)})
    flow = walk(proto)

    assert not any(len(group.units) for group in unit_groups(flow))


@pytest.mark.parametrize("opset", range(7, 22))
def test_a_small_network_is_followed_in_every_opset(channels, prove, opset: int):
    body = "n = BatchNormalization(a, s, b, m0, v) u = Relu(n) p = MaxPool<kernel_shape=[2,2], strides=[2,2]>(u)"
    graph = f"m (float[N,2,6,6] x) => (float[N,3] y) {{ a = Conv(x, wa) {body} f = Flatten(p) y = Gemm(f, wy, by) }}"
    weights = {"wa": (4, 2, 1, 1), "s": (4,), "b": (4,), "m0": (4,), "v": (4,), "wy": (36, 3), "by": (3,)}
    found = channels(graph, weights, opset=opset)

    assert found.of("p") == [1, 2, 3, 4]
    prove(found.flow, {1, 3}, batch=3)


@pytest.mark.parametrize("batch", ["N", "2"])
def test_another_batch_than_one_is_computed_alike(channels, prove, batch: str):
    body = (
        "s = Shape(a) n = Gather<axis=0>(s, zero) n1 = Unsqueeze(n, at) t = Concat<axis=0>(n1, rest) r = Reshape(a, t)"
    )
    zero, at = np.array(0, np.int64), np.array([0])
    weights = {**_W, "zero": zero, "at": at, "rest": np.array([4, 6, 6])}
    found = channels(_graph(body).replace("[N", f"[{batch}"), weights)

    assert found.of("r") == [1, 2, 3, 4]
    prove(found.flow, {1, 3}, batch=2)


def test_unknown_height_and_width_do_no_harm(channels, prove):
    body = """p = MaxPool<kernel_shape=[2,2]>(a) b = Add(p, k) d = Conv<group=4>(b, wd) u, v = Split<axis=1>(d)
        c = Concat<axis=1>(v, u) r = Slice(c, one, four, one)"""
    graph = f"m (float[N,2,H,W] x) => (float[N,3,P,Q] y) {{ a = Conv(x, wa) {body} y = Conv(r, wy) }}"
    weights = {**_W, "k": (4, 1, 1), "wd": (4, 1, 3, 3), "one": np.array([1]), "four": np.array([4])}
    found = channels(graph, weights | {"wy": (3, 3, 1, 1)})

    assert found.of("r") == [4, 1, 2]
    prove(found.flow, {2, 3}, size=9)


def test_a_flatten_of_unknown_height_fixes_the_channels(channels):
    graph = "m (float[N,2,H,W] x) => (float[N,M] y) { a = Conv(x, wa) y = Flatten(a) }"
    found = channels(graph, _W)

    assert found.why("a").startswith("Flatten y: the shapes around it are not known")


def test_a_quantized_model_stays_as_it_is_and_says_why(text_model):
    body = """xq = QuantizeLinear(x, s, z) xd = DequantizeLinear(xq, s, z) w1 = DequantizeLinear(wq, s, z8)
        a = Conv(xd, w1) aq = QuantizeLinear(a, s, z) ad = DequantizeLinear(aq, s, z) w2 = DequantizeLinear(vq, s, z8)
        y = Conv(ad, w2)"""
    weights = {"s": np.array(0.1, np.float32), "z": np.array(0, np.uint8), "z8": np.array(0, np.int8)}
    weights |= {"wq": np.ones((4, 2, 1, 1), np.int8), "vq": np.ones((3, 4, 1, 1), np.int8)}
    flow = walk(text_model(f"m (float[N,2,6,6] x) => (float[N,3,6,6] y) {{ {body} }}", weights))

    assert flow.stopped["a"] == "Conv a: its weights are quantized already"
    assert flow.stopped["y"] == "Conv y: its weights are quantized already"
    assert not any(len(group.units) for group in unit_groups(flow))
    assert all(flow.units.is_fixed(labels).all() for labels in flow.labels.values())


def test_weights_that_are_stored_in_another_form_are_left_alone(text_model):
    proto = text_model(_graph("r = Relu(a)"), _W)
    del proto.graph.initializer[1]
    values = numpy_helper.from_array(np.ones(3, np.float32), "wy")
    places = numpy_helper.from_array(np.array([0, 5, 9], np.int64), "wy_places")
    proto.graph.sparse_initializer.add(values=values, indices=places, dims=[3, 4, 1, 1])
    flow = walk(proto)

    assert flow.units.is_fixed(flow.of("a")).all()
