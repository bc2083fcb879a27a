"""Recurrent nodes in the table: two layers each, with names that tell them apart and stay."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.core.weight_curves import build_weight_curves
from workbench.engine.graph.model import load_model

Save = Callable[..., Path]
_GRAPH = "g (float[6, N, 3] x) => (float y) { y = LSTM<hidden_size = 5, direction = 'bidirectional'>(x, w, r, b) }"
_TEXT = _GRAPH.replace("'", '"')
_WEIGHTS = {"w": (2, 20, 3), "r": (2, 20, 5), "b": (2, 40)}


def test_a_recurrent_node_is_two_layers_with_their_own_weights(save_text_model: Save):
    info = load_model(save_text_model(_TEXT, _WEIGHTS)).info

    assert [(layer.name, layer.weight_shape, layer.editable) for layer in info.layers] == [
        ("LSTM_0.W", (2, 20, 3), True),
        ("LSTM_0.R", (2, 20, 5), True),
    ]
    assert [layer.channel_axes for layer in info.layers] == [(0, 1)] * 2
    # The bias counts with the first; together they are all that is stored.
    assert [layer.num_params for layer in info.layers] == [120 + 80, 200]
    assert info.num_params == 400


def test_the_peephole_weights_of_an_lstm_are_parameters_too(save_text_model: Save):
    graph = "g (float[6, N, 3] x) => (float y) { y = LSTM<hidden_size = 5>(x, w, r, b, n, h, c, p) }"
    weights = {"w": (1, 20, 3), "r": (1, 20, 5), "b": (1, 40), "p": (1, 15)}
    weights |= {"n": np.array([6], np.int32), "h": (1, 1, 5), "c": (1, 1, 5)}

    info = load_model(save_text_model(graph, weights)).info

    assert sum(layer.num_params for layer in info.layers) == 60 + 100 + 40 + 15


@pytest.mark.parametrize(
    ("node_name", "weight", "names"),
    [
        ("/encoder/rnn/LSTM", "onnx::LSTM_12", ["encoder.rnn.W", "encoder.rnn.R"]),
        ("", "gate.weight", ["gate.W", "gate.R"]),
        ("cell", "w", ["cell.W", "cell.R"]),
    ],
    ids=["module path", "weight", "node"],
)
def test_both_layers_are_called_by_their_node(save_text_model: Save, node_name: str, weight: str, names: list[str]):
    path = save_text_model(_TEXT, _WEIGHTS)
    proto = onnx.load(path)
    proto.graph.node[0].name = node_name
    proto.graph.node[0].input[1] = proto.graph.initializer[0].name = weight
    path.write_bytes(proto.SerializeToString())

    assert [layer.name for layer in load_model(path).info.layers] == names


def test_unnamed_nodes_that_share_their_weights_have_four_names(save_text_model: Save):
    body = "a = RNN<hidden_size = 3>(x, w, r) s = ReduceSum<keepdims = 0>(a, one) y = RNN<hidden_size = 3>(s, w, r)"
    weights = {"w": (1, 3, 3), "r": (1, 3, 3), "one": np.array([1])}

    layers = load_model(save_text_model(_graph_with(body), weights)).info.layers

    assert [layer.name for layer in layers] == ["RNN_0.W", "RNN_0.R", "RNN_1.W", "RNN_1.R"]
    assert [layer.shares_weights_with for layer in layers] == [("RNN_1.W",), ("RNN_1.R",), ("RNN_0.W",), ("RNN_0.R",)]


def _graph_with(node: str) -> str:
    return f"g (float[6, N, 3] x) => (float y) {{ {node} }}"


def test_weights_that_are_computed_leave_the_other_of_the_node(save_text_model: Save):
    graph = "g (float[6, N, 3] x, float[1, 20, 3] w) => (float y) { y = LSTM<hidden_size = 5>(x, w, r, b) }"

    (layer,) = load_model(save_text_model(graph, {"r": (1, 20, 5), "b": (1, 40)})).info.layers

    assert (layer.name, layer.place, layer.num_params) == ("LSTM_0.R", 2, 100 + 40)


def test_weights_of_another_shape_than_onnx_has_are_left_alone(save_text_model: Save):
    info = load_model(
        save_text_model(_graph_with("y = GRU<hidden_size = 5>(x, w, r)"), {"w": (15, 3), "r": (15, 5)})
    ).info

    assert {layer.reason for layer in info.layers} == {"its weights have 2 axes, not directions, gates and inputs"}


def test_names_stay_when_the_weights_are_packed(save_text_model: Save, tmp_path: Path):
    compressor = Compressor(load_model(save_text_model(_TEXT, _WEIGHTS)))
    path = tmp_path / "small.onnx"
    path.write_bytes(compressor.build(compressor.plan(Recipe().with_rule("*", weights=WeightRule(bits=3)))))

    again = load_model(path).info

    assert [layer.name for layer in again.layers] == ["LSTM_0.W", "LSTM_0.R"]
    assert again.num_params == 400
    assert not any(layer.editable for layer in again.layers)
    assert [layer.macs for layer in again.layers] == [layer.macs for layer in compressor.model.info.layers]


def test_the_channels_that_are_drawn_are_those_of_both_directions(save_text_model: Save):
    w = np.arange(120, dtype=np.float32).reshape(2, 20, 3)
    compressor = Compressor(load_model(save_text_model(_TEXT, _WEIGHTS | {"w": w})))
    layer = compressor.model.info.layers[0]

    curves = build_weight_curves(compressor.model.weight(layer.name), layer.channel_axes)
    preview = compressor.preview(layer.name, Recipe().with_rule("*", weights=WeightRule(bits=8)))

    assert np.array_equal(curves.channel_high, np.arange(2, 120, 3))
    # Without clipping, the largest code of a channel stands for its largest weight.
    assert preview.channel_clip_high == pytest.approx(np.arange(2, 120, 3), rel=1e-6)
