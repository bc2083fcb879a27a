"""The window's answers on a drag: size and latency after each move, a measured accuracy after each release."""

import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.core.format import format_bytes
from workbench.engine.core.measurement import Origin
from workbench.engine.core.recipe import WeightRule

pytestmark = [pytest.mark.bench, pytest.mark.qt_log_ignore("propagateSizeHints")]

_RELEASES = 24
_MOVES = 60
_NUM_LAYERS = 1000


def test_a_release_brings_a_measured_accuracy(bench, squeezenet, table):
    bench.open(*squeezenet)
    document = bench.document
    layers = [layer.name for layer in document.model.layers if layer.editable]
    times = []
    for number in range(_RELEASES):
        layer = layers[number % len(layers)]
        share = 0.2 + 0.6 * number / _RELEASES
        bench.press(layer, share / 2)
        bench.move(share)
        bench.application.processEvents()
        start = time.perf_counter()
        bench.release(share)
        digest = document.recipe.digest
        bench.wait(lambda digest=digest: document.figures.accuracy.recipe_digest == digest)
        times.append(time.perf_counter() - start)
        figure = document.figures.accuracy.figure
        assert figure.origin is Origin.MEASURED
        assert figure.n == document.figures.accuracy.done > 0
        assert figure.low <= figure.value <= figure.high
        # The next release meets a bench at rest, as after a person's look at the figure.
        bench.wait(lambda: document.figures.accuracy.done >= 64 and document.figures.exact_bytes is not None)

    assert len(times) == _RELEASES
    table("SqueezeNet, release to first measured accuracy", times, "p95 at most 400 ms")


def test_size_and_latency_follow_each_move_of_a_drag(bench, squeezenet, table):
    bench.open(*squeezenet)
    bench.document.edit(bench.document.recipe.with_rule("*", weights=WeightRule(bits=6)), "Bits")
    layer = max((layer for layer in bench.document.model.layers if layer.editable), key=lambda item: item.num_params)

    times, sizes = _drag(bench, layer.name)

    assert _follow(sizes)
    table("SqueezeNet, a move until size and latency are painted", times, "p95 at most 16 ms")


def test_size_and_latency_follow_each_move_with_a_thousand_layers(bench, table, tmp_path: Path):
    path = tmp_path / "long.onnx"
    onnx.save(_chain(_NUM_LAYERS), path)
    bench.open(path)

    times, one = _drag(bench, bench.document.model.layers[_NUM_LAYERS // 2].name)
    table("1,000 layers, a move of one until size and latency are painted", times, "p95 at most 16 ms")

    bench.window.layers.table.selectAll()
    bench.application.processEvents()
    times, all_layers = _drag(bench, bench.document.model.layers[_NUM_LAYERS // 2].name)
    assert _follow(one)
    assert _follow(all_layers)
    assert one[0] - one[-1] < all_layers[0] - all_layers[-1]
    table("1,000 layers, a move of all of them", times, "p95 at most 16 ms")


def _follow(sizes: list[int]) -> bool:
    """Whether the size shown follows the drag: most moves give another one, and pruning nearly all a smaller one."""
    return len(set(sizes)) > _MOVES // 2 and sizes[-1] < sizes[0]


def _drag(bench, layer: str) -> tuple[list[float], list[int]]:
    """Seconds from each mouse move until all that it changes is painted, and the sizes in bytes that it shows."""
    document, preview = bench.document, bench.window.preview
    bench.press(layer, 0.05)
    bench.application.processEvents()
    times, sizes = [], []
    for number in range(_MOVES):
        start = time.perf_counter()
        bench.move(0.1 + 0.8 * number / _MOVES)
        bench.application.processEvents()
        times.append(time.perf_counter() - start)
        shown = f"{preview.disk_size.value.text()} {preview.disk_size.unit.text()}"
        assert document.figures.exact_bytes is None
        assert shown == format_bytes(preview.sizes.total_bytes)
        assert preview.latency.value.text() != "–"
        sizes.append(preview.sizes.total_bytes)
    bench.release(0.9)
    return times, sizes


def _chain(count: int) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    weights = [random.normal(0, 32**-0.5, (32, 32, 1, 1)).astype(np.float32) for _ in range(count)]
    nodes = [
        helper.make_node("Conv", [f"t{number}", f"w{number}"], [f"t{number + 1}"], name=f"conv{number}")
        for number in range(count)
    ]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("t0", TensorProto.FLOAT, ["n", 32, 4, 4])],
        [helper.make_tensor_value_info(f"t{count}", TensorProto.FLOAT, ["n", 32, 4, 4])],
        [numpy_helper.from_array(weight, f"w{number}") for number, weight in enumerate(weights)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
