"""A channel is judged by the weights that read it."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from workbench.engine.compress.structure.importance import UnitScores, unit_scores
from workbench.engine.graph.channels.unit_groups import unit_groups
from workbench.engine.graph.channels.walk import walk
from workbench.plugin_loader import load_plugins

_READ_TWICE = """
m (float[N,1] x) => (float[N,1] y, float[N,2] z) {
  h = Gemm<transB=1>(x, w)
  y = Gemm<transB=1>(h, u)
  z = Gemm<transB=1>(h, v)
}
"""


def _scores(graph: str, **weights: object) -> UnitScores:
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 13]> {graph}')
    for name, value in weights.items():
        proto.graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
    flow = walk(proto)
    return unit_scores(load_plugins().criterion("next_layer"), unit_groups(flow)[0], flow)


def test_each_layer_that_reads_a_channel_counts_alike() -> None:
    # u reads with 1 and 3, of mean 2; v with 10 + 10 and 0, of mean 10.
    found = _scores(_READ_TWICE, w=[[5], [5]], u=[[1, -3]], v=[[10, 0], [-10, 0]])

    assert found.values.tolist() == pytest.approx([(0.5 + 2) / 2, (1.5 + 0) / 2])
    assert found.reason == ""


def test_where_no_weights_read_a_channel_its_filter_is_judged_and_it_is_said() -> None:
    unread = "m (float[N,1] x) => (float[N,1] y) { h = Gemm<transB=1>(x, w) y = Relu(x) }"

    found = _scores(unread, w=[[1], [-3]])

    assert found.values.tolist() == [0.5, 1.5]
    assert found.reason == "no weights read these channels: those that make them instead"
