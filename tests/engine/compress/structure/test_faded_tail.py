"""What lies behind gates, and when it may be run on what reaches it."""

from collections.abc import Callable

import numpy as np
import onnx

from workbench.engine.compress.structure.faded_tail import faded_tail, has_rows, tail_model
from workbench.engine.compress.structure.gated_graph import gated_graph
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import unit_groups
from workbench.engine.runtime.session import RuntimeSession
from workbench.engine.runtime.tapped import tapped_session

_CHAIN = """
m (float[N,2] x) => (float[N,2] y) {
  a = Gemm<transB=1>(x, w1)
  b = Relu(a)
  c = Gemm<transB=1>(b, w2)
  y = Gemm<transB=1>(c, w3)
}
"""
_WEIGHTS = {"w1": [[1, 2], [3, 4], [5, 6]], "w2": [[1, -1, 1], [2, 0, 1]], "w3": [[1, 1], [1, -2]]}


def test_only_what_a_gate_reaches_lies_behind_it(make_flow: Callable[..., Flow]):
    flow = make_flow(_CHAIN, **_WEIGHTS)
    first, second = unit_groups(flow)[:2]

    tails = [faded_tail(gated_graph(flow, [group])) for group in (first, second)]

    assert [[node.op_type for node in tail.nodes] for tail in tails] == [["Mul", "Gemm", "Gemm"], ["Mul", "Gemm"]]
    assert [tail.sources for tail in tails] == [("b",), ("c",)]


def test_the_tail_computes_what_the_whole_graph_does(make_flow: Callable[..., Flow]):
    flow = make_flow(_CHAIN, **_WEIGHTS)
    graph = gated_graph(flow, [unit_groups(flow)[1]])
    tail, gate = faded_tail(graph), graph.gates[0]
    front = tapped_session(flow.proto, tail.sources)
    x = np.array([[1.0, 2.0]], np.float32)
    feeds = {gate.name: gate.values([(int(gate.units[0]), 0.5)], 1)}

    found = RuntimeSession(tail_model(graph, tail, front)).run(
        {tail.reads[0]: front.run({"x": x})[0], **feeds}
    )  # fmt: skip

    whole = RuntimeSession(graph.proto.SerializeToString()).run({"x": x, **feeds})
    np.testing.assert_array_equal(found[0], whole[0])
    # By hand: b = (5, 11, 17), c = (11, 27), of which the first is halved: y = (32.5, −48.5).
    assert found[0].tolist() == [[32.5, -48.5]]


def test_outputs_that_are_not_behind_the_gates_leave_the_graph_whole(make_flow: Callable[..., Flow]):
    flow = make_flow(_CHAIN.replace("float[N,2] y)", "float[N,2] y, float[N,3] b)"), **_WEIGHTS)

    assert faded_tail(gated_graph(flow, [unit_groups(flow)[1]])) is None


def test_rows_are_trusted_only_where_they_have_the_name_of_the_batch():
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> m (float[N,1,3] x) => (float[N,1,3] y) '
        "{ a = Relu(x) t = Transpose<perm=[1,0,2]>(a) y = Transpose<perm=[1,0,2]>(t) }"
    )
    front = tapped_session(model, ["a", "t"])

    assert has_rows(front, ["a"])
    assert not has_rows(front, ["a", "t"])
