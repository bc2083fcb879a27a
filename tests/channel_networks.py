"""Small networks with channels to prune, as ONNX text with seeded weights; each couples channels in another way."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

_PICTURES = "float[N,3,8,8] x"


@dataclass(frozen=True, slots=True)
class Network:
    """A graph as text.

    Args:
        body: its nodes.
        shapes: of its weights by name, which are drawn by the name; integers are values.
        input: what goes in.
        output: what comes out.
    """

    body: str
    shapes: dict[str, tuple[int, ...] | list[int]]
    input: str = _PICTURES
    output: str = "float[N,5] y"

    def proto(self, seed: int = 0) -> onnx.ModelProto:
        """The model."""
        proto = onnx.parser.parse_model(
            f'<ir_version: 8, opset_import: ["" : 13]> m ({self.input}) => ({self.output}) {{ {self.body} }}'
        )
        for node in proto.graph.node:
            node.name = node.output[0]
        random = np.random.default_rng(seed)
        for name, shape in self.shapes.items():
            proto.graph.initializer.append(numpy_helper.from_array(_value(name, shape, random), name))
        return proto

    def write(self, path: Path, seed: int = 0) -> Path:
        """The model as a file."""
        path.write_bytes(self.proto(seed).SerializeToString())
        return path


def _value(name: str, shape: tuple[int, ...] | list[int], random: np.random.Generator) -> np.ndarray:
    if isinstance(shape, list):
        return np.array(shape, np.int64)
    if name.startswith(("scale", "var")):
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    fan_in = max(1, int(np.prod(shape[1:])))
    return (random.normal(size=shape) / fan_in**0.5).astype(np.float32)


# A normalization, a bias, and a head of whole averages.
CHAIN = Network(
    """
    c1 = Conv<pads = [1,1,1,1]>(x, w1)
    n1 = BatchNormalization(c1, scale1, shift1, mean1, var1)
    r1 = Relu(n1)
    c2 = Conv<pads = [1,1,1,1]>(r1, w2, b2)
    r2 = Relu(c2)
    p = GlobalAveragePool(r2)
    f = Flatten(p)
    y = Gemm<transB = 1>(f, w3, b3)
    """,
    {
        "w1": (8, 3, 3, 3), "scale1": (8,), "shift1": (8,), "mean1": (8,), "var1": (8,),
        "w2": (16, 8, 3, 3), "b2": (16,), "w3": (5, 16), "b3": (5,),
    },
)  # fmt: skip

# A shortcut padded with zeros on both sides, as in ResNet-20: channels of one layer are of two classes.
SHORTCUT = Network(
    """
    c1 = Conv<pads = [1,1,1,1]>(x, w1, b1)
    r1 = Relu(c1)
    c2 = Conv<pads = [1,1,1,1]>(r1, w2, b2)
    r2 = Relu(c2)
    wide = Pad(r1, pads)
    c3 = Conv<pads = [1,1,1,1]>(r2, w3, b3)
    s = Add(c3, wide)
    r3 = Relu(s)
    p = GlobalAveragePool(r3)
    f = Flatten(p)
    y = Gemm<transB = 1>(f, w4, b4)
    """,
    {
        "w1": (8, 3, 3, 3), "b1": (8,), "w2": (12, 8, 3, 3), "b2": (12,), "pads": [0, 4, 0, 0, 0, 4, 0, 0],
        "w3": (16, 12, 3, 3), "b3": (16,), "w4": (5, 16), "b4": (5,),
    },
)  # fmt: skip

# Two branches side by side, one of them with a depthwise convolution.
BRANCHES = Network(
    """
    c1 = Conv<pads = [1,1,1,1]>(x, w1, b1)
    r1 = Relu(c1)
    c2 = Conv<pads = [1,1,1,1], group = 8>(r1, w2, b2)
    c3 = Conv(r1, w3, b3)
    both = Concat<axis = 1>(c2, c3)
    r2 = Relu(both)
    c4 = Conv(r2, w4, b4)
    p = GlobalAveragePool(c4)
    f = Flatten(p)
    y = Gemm<transB = 1>(f, w5, b5)
    """,
    {
        "w1": (8, 3, 3, 3), "b1": (8,), "w2": (8, 1, 3, 3), "b2": (8,), "w3": (6, 8, 1, 1), "b3": (6,),
        "w4": (10, 14, 1, 1), "b4": (10,), "w5": (5, 10), "b5": (5,),
    },
)  # fmt: skip

# Convolutions in two blocks with a shuffle between, as in ShuffleNet.
BLOCKS = Network(
    """
    c1 = Conv<pads = [1,1,1,1]>(x, w1, b1)
    r1 = Relu(c1)
    c2 = Conv<group = 2>(r1, w2, b2)
    apart = Reshape(c2, split)
    turned = Transpose<perm = [0,2,1,3,4]>(apart)
    mixed = Reshape(turned, joined)
    c3 = Conv<group = 2, pads = [1,1,1,1]>(mixed, w3, b3)
    r3 = Relu(c3)
    p = GlobalAveragePool(r3)
    f = Flatten(p)
    y = Gemm<transB = 1>(f, w4, b4)
    """,
    {
        "w1": (8, 3, 3, 3), "b1": (8,), "w2": (12, 4, 1, 1), "b2": (12,), "split": [0, 2, 6, 8, 8],
        "joined": [0, 12, 8, 8], "w3": (12, 6, 3, 3), "b3": (12,), "w4": (5, 12), "b4": (5,),
    },
)  # fmt: skip

# Channels that become runs of features, and neurons after them.
FLATTENED = Network(
    """
    c1 = Conv<pads = [1,1,1,1], strides = [2,2]>(x, w1, b1)
    r1 = Relu(c1)
    f = Flatten(r1)
    g1 = Gemm<transB = 1>(f, w2, b2)
    r2 = Relu(g1)
    m = MatMul(r2, w3)
    a = Add(m, b3)
    r3 = Relu(a)
    y = Gemm<transB = 1>(r3, w4, b4)
    """,
    {
        "w1": (6, 3, 3, 3), "b1": (6,), "w2": (20, 96), "b2": (20,), "w3": (20, 10), "b3": (10,),
        "w4": (5, 10), "b4": (5,),
    },
)  # fmt: skip

# Two heads of attention of four channels each, and a block of two layers behind them.
ATTENTION = Network(
    """
    q = MatMul(x, wq)
    k = MatMul(x, wk)
    v = MatMul(x, wv)
    q1 = Reshape(q, split)
    k1 = Reshape(k, split)
    v1 = Reshape(v, split)
    q2 = Transpose<perm = [0,2,1,3]>(q1)
    k2 = Transpose<perm = [0,2,3,1]>(k1)
    v2 = Transpose<perm = [0,2,1,3]>(v1)
    scores = MatMul(q2, k2)
    shares = Softmax<axis = -1>(scores)
    mixed = MatMul(shares, v2)
    back = Transpose<perm = [0,2,1,3]>(mixed)
    rows = Reshape(back, joined)
    o = MatMul(rows, wo)
    s = Add(o, x)
    h = MatMul(s, w1)
    hb = Add(h, b1)
    r = Relu(hb)
    y = MatMul(r, w2)
    """,
    {
        "wq": (12, 12), "wk": (12, 12), "wv": (12, 12), "split": [0, 6, 3, 4], "joined": [0, 6, 12],
        "wo": (12, 12), "w1": (12, 24), "b1": (24,), "w2": (24, 5),
    },
    "float[N,6,12] x", "float[N,6,5] y",
)  # fmt: skip

NETWORKS = {
    "chain": CHAIN,
    "shortcut": SHORTCUT,
    "branches": BRANCHES,
    "blocks": BLOCKS,
    "flattened": FLATTENED,
    "attention": ATTENTION,
}
