"""What is written of a graph that loses channels."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from workbench.engine.core.errors import ModelError
from workbench.engine.graph.channels.removal import remove_channels
from workbench.engine.graph.channels.walk import walk

_W = {"wa": np.arange(8, dtype=np.float32).reshape(4, 2, 1, 1), "wy": (3, 4, 1, 1)}
_GRAPH = "m (float[N,2,6,6] x) => (float[N,3,6,6] y) { a = Conv(x, wa) r = Relu(a) y = Conv(r, wy) }"


def _stored(proto: onnx.ModelProto, name: str) -> np.ndarray:
    return onnx.numpy_helper.to_array(next(tensor for tensor in proto.graph.initializer if tensor.name == name))


def test_the_rows_that_go_are_those_that_were_named(text_model):
    small = remove_channels(walk(text_model(_GRAPH, _W)), {1, 3})

    assert _stored(small, "wa").ravel().tolist() == [2, 3, 6, 7]


def test_the_model_that_is_cut_does_not_change(text_model):
    proto = text_model(_GRAPH, _W)
    before = proto.SerializeToString()

    remove_channels(walk(proto), {1, 3})

    assert proto.SerializeToString() == before


def test_without_channels_to_go_the_model_is_as_it_was(text_model):
    proto = text_model(_GRAPH, _W)

    small = remove_channels(walk(proto), set())

    assert [node.SerializeToString() for node in small.graph.node] == [
        node.SerializeToString() for node in proto.graph.node
    ]
    for tensor in proto.graph.initializer:
        assert np.array_equal(_stored(small, tensor.name), onnx.numpy_helper.to_array(tensor))


def test_names_metadata_and_functions_are_kept(text_model):
    proto = text_model(_GRAPH, _W)
    proto.producer_name, proto.model_version, proto.doc_string = "trainer", 7, "about digits"
    proto.metadata_props.add(key="author", value="somebody")
    proto.graph.doc_string = "the graph"

    small = remove_channels(walk(proto), {2})

    assert (small.producer_name, small.model_version, small.doc_string) == ("trainer", 7, "about digits")
    assert [(entry.key, entry.value) for entry in small.metadata_props] == [("author", "somebody")]
    assert (small.graph.name, small.graph.doc_string) == ("m", "the graph")


def test_parameters_that_nothing_reads_any_more_are_left_out(text_model):
    proto = text_model(_GRAPH, {**_W, "unused": (4,)})

    assert {tensor.name for tensor in remove_channels(walk(proto), {2}).graph.initializer} == {"wa", "wy"}


def test_initializers_that_were_listed_as_inputs_are_inputs_no_longer(text_model, prove):
    proto = text_model(_GRAPH, _W)
    proto.ir_version = 3
    proto.graph.input.extend(
        helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, list(tensor.dims))
        for tensor in proto.graph.initializer
    )
    onnx.checker.check_model(proto, full_check=True)

    small = prove(walk(proto), {2, 3})

    assert [info.name for info in small.graph.input] == ["x"]
    assert small.ir_version == 4


def test_constants_that_are_added_take_no_name_that_is_taken(text_model, prove):
    graph = "m (float[N,2,6,6] x) => (float[N,3] y) { a = Conv(x, wa) r = Reshape(a, r_shape) y = Gemm(r, wy) }"
    weights = {"wa": (4, 2, 1, 1), "wy": (144, 3), "r_shape": np.array([-1, 144])}
    proto = text_model(graph, weights)
    twice = text_model(
        graph.replace("y = ", "q = Neg(a) p = Reshape(q, r_shape) z = Gemm(p, wy) y = Add(z, y0) y0 = "), weights
    )

    small = prove(walk(proto), {1})
    other = prove(walk(_in_order(twice)), {1})

    for found, count in ((small, 1), (other, 2)):
        names = [tensor.name for tensor in found.graph.initializer]
        assert len(names) == len(set(names))
        assert sum(_stored(found, name).tolist() == [-1, 108] for name in names) == count


def _in_order(proto: onnx.ModelProto) -> onnx.ModelProto:
    nodes = sorted(proto.graph.node, key=lambda node: node.output[0] == "y")
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def test_a_sum_that_would_lose_half_of_its_channels_only_is_refused(text_model):
    proto = text_model(
        "m (float[N,2,6,6] x) => (float[N,3,6,6] y) { a = Conv(x, wa) b = Conv(x, wb) r = Add(a, b) y = Conv(r, wy) }",
        {**_W, "wb": (4, 2, 1, 1)},
    )
    flow = walk(proto)
    # As if the sum had not been understood.
    flow.params["wb"] = {}

    with pytest.raises(ModelError, match="without the channels"):
        remove_channels(flow, {1})


def test_a_layer_cannot_lose_all_of_its_channels(text_model):
    with pytest.raises(ModelError, match="a would be left without channels"):
        remove_channels(walk(text_model(_GRAPH, _W)), {1, 2, 3, 4})


def test_blocks_cannot_lose_unequal_numbers(text_model):
    graph = _GRAPH.replace("Conv(r, wy)", "Conv(g, wy)").replace("y = ", "g = Conv<group=2>(r, wg) y = ")
    flow = walk(text_model(graph, {**_W, "wg": (4, 2, 1, 1)}))

    with pytest.raises(ModelError, match="g: the blocks of its convolution would be left with unequal numbers"):
        remove_channels(flow, {1})


@pytest.mark.parametrize("dtype", [np.float16, np.float64], ids=["half", "double"])
def test_other_element_types_are_cut_alike(text_model, prove, dtype: type[np.generic]):
    name = {np.float16: "float16", np.float64: "double"}[dtype]
    # A runtime has no convolution of doubles.
    graph = f"m ({name}[N,2] x) => ({name}[N,3] y) {{ a = MatMul(x, wa) r = Sigmoid(a) y = MatMul(r, wy) }}"
    weights = {
        "wa": np.linspace(-1, 1, 8).reshape(2, 4).astype(dtype),
        "wy": np.linspace(1, 2, 12).reshape(4, 3).astype(dtype),
    }

    small = prove(walk(text_model(graph, weights)), {1, 2})

    assert _stored(small, "wy").shape == (2, 3)
    assert _stored(small, "wy").dtype == dtype
