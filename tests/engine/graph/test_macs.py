"""Multiply-adds, counted by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.engine.graph.model import load_model


@pytest.mark.parametrize(
    ("given", "node", "weights", "macs"),
    [
        ("N, 3, 8, 8", "Conv(x, w)", {"w": (4, 3, 3, 3)}, 4 * 6 * 6 * 3 * 9),
        ("N, 3, 8, 8", "Conv<pads=[1,1,1,1], strides=[2,2]>(x, w)", {"w": (4, 3, 3, 3)}, 4 * 4 * 4 * 3 * 9),
        ("N, 6, 8, 8", "Conv<group=6>(x, w)", {"w": (6, 1, 3, 3)}, 6 * 6 * 6 * 9),
        ("N, 2, 10", "Conv(x, w)", {"w": (5, 2, 3)}, 5 * 8 * 2 * 3),
        ("N, 1, 4, 4, 4", "Conv(x, w)", {"w": (2, 1, 2, 2, 2)}, 2 * 27 * 8),
        ("N, 4, 5, 5", "ConvTranspose<group=2, strides=[2,2]>(x, w)", {"w": (4, 3, 2, 2)}, 4 * 25 * 3 * 4),
        ("N, 7", "Gemm(x, w)", {"w": (7, 3)}, 7 * 3),
        ("N, 7", "Gemm<transB=1>(x, w)", {"w": (3, 7)}, 7 * 3),
        ("N, 5, 7", "MatMul(x, w)", {"w": (7, 3)}, 5 * 7 * 3),
        ("7, 9", "MatMul(w, x)", {"w": (3, 7)}, 3 * 7 * 9),
        ("N, 7", "MatMul(x, w)", {"w": (7,)}, 7),
    ],
    ids=[
        "conv", "strided", "depthwise", "1d", "3d", "transposed", "gemm", "gemm-transposed",
        "matmul", "matmul-left", "vector",
    ],
)  # fmt: skip
def test_macs_at_batch_one(
    save_text_model: Callable[..., Path], given: str, node: str, weights: dict[str, tuple[int, ...]], macs: int
):
    info = load_model(save_text_model(f"g (float[{given}] x) => (float y) {{ y = {node} }}", weights)).info

    assert info.layers[0].macs == macs
    assert info.macs == macs


@pytest.mark.parametrize(
    ("given", "node", "num_steps"),
    [
        ("6, 1, 3", "LSTM<hidden_size=5>(x, w, r)", 6),
        ("6, N, 3", "LSTM<hidden_size=5>(x, w, r)", 6),
        ("N, 6, 3", "LSTM<hidden_size=5, layout=1>(x, w, r)", 6),
        # The first dimension counts as the batch where it is open: one step.
        ("T, 1, 3", "LSTM<hidden_size=5>(x, w, r)", 1),
        ("N, T, 3", "LSTM<hidden_size=5, layout=1>(x, w, r)", None),
    ],
    ids=["fixed", "open batch", "batch first", "open length", "open length, batch first"],
)
def test_macs_of_both_weights_of_a_recurrent_node(
    save_text_model: Callable[..., Path], given: str, node: str, num_steps: int | None
):
    header = 'ir_version: 8, opset_import: ["" : 14]'
    # W is 4·5 × 3 and R is 4·5 × 5.
    weights = {"w": (1, 20, 3), "r": (1, 20, 5)}
    info = load_model(save_text_model(f"g (float[{given}] x) => (float y) {{ y = {node} }}", weights, header)).info

    per_step = [60, 100]
    assert [layer.macs for layer in info.layers] == [num_steps and num_steps * macs for macs in per_step]


def test_macs_are_unknown_where_the_image_size_is(save_text_model: Callable[..., Path]):
    path = save_text_model("g (float[N, 3, H, W] x) => (float y) { y = Conv(x, w) }", {"w": (4, 3, 3, 3)})

    info = load_model(path).info

    assert info.macs is None
    assert any("multiply-adds are unknown" in warning for warning in info.warnings)


def test_macs_do_not_depend_on_the_order_of_nodes_in_the_file(save_text_model: Callable[..., Path]):
    path = save_text_model(
        "g (float[N, 3] x) => (float y) { y = MatMul(a, v) a = MatMul(x, w) }", {"w": (3, 4), "v": (4, 5)}
    )

    assert load_model(path).info.macs == 12 + 20


def test_a_constant_that_would_take_terabytes_is_not_made(save_text_model: Callable[..., Path]):
    path = save_text_model(
        "g (float[N, 3] x) => (float y) <int64[2] s = {4000000, 3000000}> { c = ConstantOfShape(s) y = MatMul(x, c) }"
    )

    assert load_model(path).info.layers[0].weight_shape == (4000000, 3000000)


def test_weights_for_other_channels_are_a_warning(save_text_model: Callable[..., Path]):
    path = save_text_model("g (float[N, 3, 8, 8] x) => (float y) { y = Conv(x, w) }", {"w": (4, 5, 3, 3)})

    assert any("5 channels but it gets 3" in warning for warning in load_model(path).info.warnings)
