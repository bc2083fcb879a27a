import math
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from workbench.engine.core.device_profile import Backend
from workbench.engine.core.errors import RunError
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.operator_times import OperatorTime, OperatorTimes
from workbench.engine.graph.model import Model, model_of_bytes
from workbench.engine.latency.onnx_operators import model_operators
from workbench.engine.latency.profiled_operators import times_of_operators
from workbench.engine.latency.times_here import measure_operators
from workbench.engine.runtime.profiled_nodes import ProfiledNode, profile_nodes
from workbench.jobs import Cancelled, JobContext
from workbench.project.device_store import shipped_library


def _ms(value: float, half: float = 0.0) -> Figure:
    return Figure(value, "ms", Origin.MEASURED, value - half, value + half, 9)


@pytest.fixture
def block() -> Model:
    """A wide convolution, a narrow one of its sum with the input, and a classifier."""
    proto = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 13]>
        block (float[1,8,32,32] x) => (float[1,4] y) {
            wide = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x, w0)
            wide_relu = Relu(wide)
            back = Conv <kernel_shape = [1, 1]> (wide_relu, w1)
            sum = Add(back, x)
            sum_relu = Relu(sum)
            pooled = GlobalAveragePool(sum_relu)
            flat = Flatten(pooled)
            y = Gemm(flat, w2)
        }
    """)
    for node in proto.graph.node:
        node.name = node.output[0]
    generator = np.random.default_rng(0)
    for name, shape in {"w0": (128, 8, 3, 3), "w1": (8, 128, 1, 1), "w2": (8, 4)}.items():
        values = generator.normal(size=shape).astype(np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(values, name))
    return model_of_bytes(proto.SerializeToString(), Path("block.onnx"))


def test_nodes_count_for_the_operators_they_were_made_of(block):
    nodes = [
        # In the processor's layout they are named after the last tensor they give, here with its activation…
        ProfiledNode("wide_relu_nchwc", "Conv", _ms(5, 0.3)),
        # … and here after the sum that the convolution computes too.
        ProfiledNode("sum_relu_nchwc", "Conv", _ms(2)),
        ProfiledNode("ReorderInput", "ReorderInput", _ms(0.5)),
        ProfiledNode("#pooled_token_3", "GlobalAveragePool", _ms(0.25)),
        ProfiledNode("fused #y", "FusedGemm", _ms(1)),
        ProfiledNode("#y/MatMulAddFusion", "Gemm", _ms(1)),
        ProfiledNode("#flat", "Flatten", _ms(0.125)),
    ]

    found, other_ms = times_of_operators(block.proto.graph, model_operators(block), nodes)

    assert {name: figure.value for name, figure in found.items()} == {"wide": 5, "back": 2, "pooled": 0.25, "y": 2}
    assert (found["wide"].low, found["wide"].high) == (4.7, 5.3)
    assert other_ms == 0.625


def test_intervals_of_an_operator_in_two_nodes_add_up_by_their_squares(block):
    nodes = [ProfiledNode("#y", "Gemm", _ms(1, 0.3)), ProfiledNode("#y/more", "Gemm", _ms(2, 0.4))]

    found, _ = times_of_operators(block.proto.graph, model_operators(block), nodes)

    assert found["y"].value == 3
    assert (found["y"].low, found["y"].high) == pytest.approx((2.5, 3.5))


def test_every_operator_is_timed_here_or_runs_with_another(block):
    found = measure_operators(block, shipped_library().knowledge[Backend.CPU], JobContext())

    times = {one.name: one for one in found.operators}
    assert set(times) == {"wide", "back", "sum", "pooled", "y"}
    assert all(times[name].measured.value > 0 for name in ("wide", "back", "pooled", "y"))
    # Nine times the multiply-adds of the other one.
    assert times["wide"].measured.value > times["back"].measured.value
    assert found.whole.origin is Origin.MEASURED
    # The estimate is scaled to what the operators took.
    estimated = sum(one.estimated_ms for one in found.operators)
    assert math.isclose(estimated, found.sum_ms - found.other_ms)
    assert 0 <= found.misplaced <= 1


def test_a_model_without_operators_has_a_time_and_no_estimate():
    proto = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 13]>
        same (float[1,4] x) => (float[1,4] y) { y = Identity(x) }
    """)
    model = model_of_bytes(proto.SerializeToString(), Path("same.onnx"))

    found = measure_operators(model, shipped_library().knowledge[Backend.CPU], JobContext())

    assert found.operators == ()
    assert found.misplaced is None
    assert found.whole.value > 0


def test_a_model_that_does_not_run_is_said_in_one_line():
    with pytest.raises(RunError, match="onnxruntime does not open the model"):
        profile_nodes(b"no model", JobContext())


def test_timing_stops_when_it_is_asked_to(block):
    ctx = JobContext()
    ctx.cancel()

    with pytest.raises(Cancelled):
        profile_nodes(block.to_proto().SerializeToString(), ctx)


def test_what_the_estimate_misplaces_is_half_of_what_the_shares_differ_by():
    operators = (
        OperatorTime("a", "Conv", _ms(3), 1.0),
        OperatorTime("b", "Conv", _ms(1), 1.0),
        # Of neither is there a pair.
        OperatorTime("c", "Add", None, 5.0),
        OperatorTime("d", "Odd", _ms(7), None),
    )

    # 3/4 and 1/4 measured, 1/2 and 1/2 estimated.
    assert OperatorTimes("here", _ms(11), operators).misplaced == 0.25
    assert OperatorTimes("here", _ms(11), operators, other_ms=0.5).sum_ms == 11.5
