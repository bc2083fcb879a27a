"""Which weights read a group's channels, by numbers that tell where they stood."""

from collections.abc import Callable

import numpy as np
import pytest

from workbench.engine.compress.structure.reader_parts import readers_of
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import unit_groups


@pytest.mark.parametrize(
    ("graph", "v"),
    [
        ("m (float[N,1] x) => (float[N,2] y) { h = Gemm(x, w) y = Gemm(h, v) }", [[1, 2], [3, 4], [5, 6]]),
        ("m (float[N,1] x) => (float[N,2] y) { h = Gemm(x, w) y = Gemm<transB=1>(h, v) }", [[1, 3, 5], [2, 4, 6]]),
        ("m (float[N,1] x) => (float[N,2] y) { h = MatMul(x, w) y = MatMul(h, v) }", [[1, 2], [3, 4], [5, 6]]),
    ],
    ids=["gemm", "transposed gemm", "matmul"],
)
def test_each_row_reads_one_channel(make_flow: Callable[..., Flow], graph: str, v: list[list[int]]):
    flow = make_flow(graph, w=[[1, 1, 1]], v=v)
    group = unit_groups(flow)[0]

    (part,) = readers_of(group, flow)

    assert part.rows.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert part.units.tolist() == group.units.tolist()


@pytest.mark.parametrize(
    ("op", "shape"), [("Conv", (2, 3, 1, 2)), ("ConvTranspose", (3, 2, 1, 2))], ids=["conv", "transposed"]
)
def test_convolutions_read_with_their_whole_kernel(make_flow: Callable[..., Flow], op: str, shape: tuple[int, ...]):
    v = np.arange(12).reshape(2, 3, 1, 2)
    graph = f"m (float[N,1,4,4] x) => (float[N,2,4,P] y) {{ h = Conv(x, w) y = {op}(h, v) }}"
    flow = make_flow(graph, w=np.ones((3, 1, 1, 1)), v=v if op == "Conv" else v.swapaxes(0, 1))

    (part,) = readers_of(unit_groups(flow)[0], flow)

    assert v.shape == (2, 3, 1, 2)
    assert part.rows.tolist() == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]


def test_a_convolution_in_blocks_reads_each_channel_in_its_own_block(make_flow: Callable[..., Flow]):
    graph = "m (float[N,1,4,4] x) => (float[N,4,4,4] y) { h = Conv(x, w) y = Conv<group=2>(h, v) }"
    # Filters (0, 1) and (2, 3) read channels 0 and 1, (4, 5) and (6, 7) channels 2 and 3.
    flow = make_flow(graph, w=np.ones((4, 1, 1, 1)), v=np.arange(8).reshape(4, 2, 1, 1))
    group = next(group for group in unit_groups(flow) if "h" in group.members)

    (part,) = readers_of(group, flow)

    assert part.rows.tolist() == [[0, 2], [1, 3], [4, 6], [5, 7]]


def test_a_depthwise_convolution_is_no_reader(make_flow: Callable[..., Flow]):
    graph = "m (float[N,1,4,4] x) => (float[N,1,4,4] y) { h = Conv(x, w) d = Conv<group=2>(h, k) y = Conv(d, v) }"
    flow = make_flow(graph, w=np.ones((2, 1, 1, 1)), k=np.ones((2, 1, 1, 1)), v=[[[[5]], [[7]]]])

    (part,) = readers_of(unit_groups(flow)[0], flow)

    assert part.rows.tolist() == [[5], [7]]
