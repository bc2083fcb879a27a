"""Random graphs of all operators that channels are followed through: what is cut computes what is silenced."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import onnx
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from workbench.engine.graph.channels.walk import walk

_BATCH = 2
_OPSETS = (7, 8, 9, 11, 13, 17, 18, 21)
# Larger tensors are pooled before more is done with them.
_MOST = 600


@dataclass
class _Builder:
    """A graph that grows node by node; every tensor has a batch on its first axis, unless it says otherwise.

    Args:
        draw: an integer from 0 up to, but without, its argument.
        rng: weights.
        opset: of the default operators.
    """

    draw: Callable[[int], int]
    rng: np.random.Generator
    opset: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    stored: list[onnx.TensorProto] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def pick(self, *choices):
        return choices[self.draw(len(choices))]

    def name(self, prefix: str) -> str:
        return f"{prefix}{len(self.nodes)}_{len(self.stored)}_{len(self.shapes)}"

    def weight(self, *shape: int, low: float | None = None) -> str:
        if low is None:
            fan = max(1, int(np.prod(shape[1:])))
            values = self.rng.normal(0, (1.5 / fan) ** 0.5, shape)
        else:
            values = self.rng.uniform(low, low + 1, shape)
        return self.store(values.astype(np.float32))

    def store(self, values: np.ndarray) -> str:
        name = self.name("w")
        self.stored.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def ints(self, *values: int) -> str:
        return self.store(np.array(values, np.int64))

    def add(self, op_type: str, inputs: list[str], shape: tuple[int, ...], **attributes) -> str:
        name = self.name(op_type.lower())
        self.nodes.append(helper.make_node(op_type, inputs, [name], **attributes))
        self.shapes[name] = tuple(shape)
        return name

    def several(self, op_type: str, inputs: list[str], shapes: list[tuple[int, ...]], **attributes) -> list[str]:
        names = [self.name(f"{op_type.lower()}{place}_") for place in range(len(shapes))]
        self.nodes.append(helper.make_node(op_type, inputs, names, **attributes))
        self.shapes |= dict(zip(names, shapes, strict=True))
        return names

    # Pieces of a graph: each takes a tensor and gives another.

    def conv(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        # As many as the input has, or as fit into squares, more often than others.
        out, k = self.pick(1, 2, 3, 3, 4, 4, 6, 8), self.pick(1, 3)
        inputs = [x, self.weight(out, c, k, k)] + ([self.weight(out, low=-0.5)] if self.draw(2) else [])
        return self.add("Conv", inputs, (n, out, h, w), kernel_shape=[k, k], pads=[k // 2] * 4)

    def depthwise(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        out = c * self.pick(1, 2)
        inputs = [x, self.weight(out, 1, 3, 3)] + ([self.weight(out, low=-0.5)] if self.draw(2) else [])
        return self.add("Conv", inputs, (n, out, h, w), group=c, pads=[1] * 4)

    def grouped(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        groups = next((g for g in (self.pick(2, 3), 2) if c % g == 0), 1)
        out = groups * self.pick(1, 2, 3)
        inputs = [x, self.weight(out, c // groups, 1, 1)] + ([self.weight(out, low=-0.5)] if self.draw(2) else [])
        return self.add("Conv", inputs, (n, out, h, w), group=groups)

    def transposed(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        groups = self.pick(1, 1, 2, c)
        groups = groups if c % groups == 0 else 1
        each = self.pick(1, 2, 3)
        inputs = [x, self.weight(c, each, 1, 1)] + ([self.weight(each * groups, low=-0.5)] if self.draw(2) else [])
        return self.add("ConvTranspose", inputs, (n, each * groups, h, w), group=groups)

    def tied(self, x: str) -> str:
        """One weight for two convolutions in a row."""
        n, c, h, w = self.shapes[x]
        weight = self.weight(c, c, 1, 1)
        middle = self.add("Conv", [x, weight], (n, c, h, w))
        return self.add("Conv", [self.activation(middle), weight], (n, c, h, w))

    def batch_norm(self, x: str) -> str:
        c = self.shapes[x][1]
        if self.draw(3) == 0:
            return self.add(
                "InstanceNormalization",
                [x, self.weight(c, low=0.5), self.weight(c, low=-0.5)],
                self.shapes[x],
                epsilon=0.1,
            )
        inputs = [x, self.weight(c, low=0.5), self.weight(c, low=-0.5), self.weight(c, low=-0.5)]
        return self.add("BatchNormalization", [*inputs, self.weight(c, low=0.5)], self.shapes[x])

    def activation(self, x: str) -> str:
        return self.add(self.pick("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Abs"), [x], self.shapes[x])

    def prelu(self, x: str) -> str:
        shape = self.shapes[x]
        slope = self.weight(*self.pick((shape[1], *(1,) * (len(shape) - 2)), (1,)), low=0.0)
        return self.add("PRelu", [x, slope], shape)

    def with_stored(self, x: str) -> str:
        """Add or Mul of a stored tensor that broadcasts in some way."""
        shape = self.shapes[x]
        own = [size if place and self.draw(2) else 1 for place, size in enumerate(shape)]
        own = own[self.pick(0, 1) :] if len(own) > 1 else own
        inputs = [x, self.weight(*own, low=0.5)]
        op_type = self.pick("Add", "Mul", "Sub", "Max" if self.opset >= 8 else "Add")
        return self.add(op_type, inputs[:: self.pick(1, -1)], shape)

    def combined(self, x: str) -> str:
        """With another tensor of the same shape, or one that broadcasts."""
        shape = self.shapes[x]
        fitting = [name for name, other in self.shapes.items() if self._fits(other, shape)]
        other = fitting[self.draw(len(fitting))]
        op_type = self.pick("Add", "Mul", "Sub", "Add")
        if self.draw(4) == 0 and self.opset >= 9:
            is_more = self.several_of("Greater", [x, other], shape)
            return self.add("Where", [is_more, x, other], shape)
        return self.add(op_type, [x, other][:: self.pick(1, -1)], shape)

    def several_of(self, op_type: str, inputs: list[str], shape: tuple[int, ...]) -> str:
        name = self.add(op_type, inputs, shape)
        del self.shapes[name]
        return name

    def _fits(self, other: tuple[int, ...], shape: tuple[int, ...]) -> bool:
        if len(other) != len(shape) or other[0] != shape[0]:
            return False
        return all(one in (1, size) for one, size in zip(other, shape, strict=True))

    def gate(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        pooled = self.add("GlobalAveragePool", [x], (n, c, 1, 1))
        small = self.add("Relu", [self.add("Conv", [pooled, self.weight(3, c, 1, 1)], (n, 3, 1, 1))], (n, 3, 1, 1))
        back = self.add("Conv", [small, self.weight(c, 3, 1, 1)], (n, c, 1, 1))
        return self.add("Mul", [x, self.add("Sigmoid", [back], (n, c, 1, 1))], (n, c, h, w))

    def concat(self, x: str) -> str:
        shape = self.shapes[x]
        axis = 1 + self.draw(len(shape) - 1)
        fitting = [
            name
            for name, other in self.shapes.items()
            if len(other) == len(shape)
            and all(o == s for p, (o, s) in enumerate(zip(other, shape, strict=True)) if p != axis)
        ]
        parts = [x, *(fitting[self.draw(len(fitting))] for _ in range(1 + self.draw(2)))]
        parts = parts[:: self.pick(1, -1)]
        size = sum(self.shapes[name][axis] for name in parts)
        return self.add(
            "Concat",
            parts,
            (*shape[:axis], size, *shape[axis + 1 :]),
            axis=self.pick(axis, axis - len(shape)) if self.opset >= 11 else axis,
        )

    def split(self, x: str) -> str:
        shape = self.shapes[x]
        axis = 1 + self.draw(len(shape) - 1)
        size = shape[axis]
        if size < 2:
            return x
        sizes = [size // 2, size // 2] if size % 2 == 0 and self.draw(2) else [1 + self.draw(size - 1)]
        is_given = len(sizes) == 1
        sizes = [sizes[0], size - sizes[0]]
        shapes = [(*shape[:axis], part, *shape[axis + 1 :]) for part in sizes]
        attributes, inputs = {"axis": axis}, [x]
        if is_given and self.opset < 13:
            attributes["split"] = sizes
        elif is_given:
            inputs.append(self.ints(*sizes))
        elif self.opset >= 18:
            attributes["num_outputs"] = 2
        return self.several("Split", inputs, shapes, **attributes)[self.draw(2)]

    def slice(self, x: str) -> str:
        shape = self.shapes[x]
        axis = 1 + self.draw(len(shape) - 1)
        start = self.draw(shape[axis])
        stop = start + 1 + self.draw(shape[axis] - start)
        new = (*shape[:axis], stop - start, *shape[axis + 1 :])
        if stop == shape[axis] and self.draw(2):
            stop = 2**31 - 1
        start = start - shape[axis] if self.draw(2) else start
        if self.opset < 10:
            return self.add("Slice", [x], new, starts=[start], ends=[stop], axes=[axis])
        return self.add("Slice", [x, self.ints(start), self.ints(stop), self.ints(axis)], new)

    def shuffle(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        groups = self.pick(2, 3)
        if c % groups:
            return x
        target = self.pick((0, groups, c // groups, h, w), (-1, groups, c // groups, h, w))
        cut = self.add("Reshape", [x, self.ints(*target)], (n, groups, c // groups, h, w))
        turned = self.add("Transpose", [cut], (n, c // groups, groups, h, w), perm=[0, 2, 1, 3, 4])
        if self.draw(4) == 0:
            return self.add("Flatten", [turned], (n, c * h * w), axis=1)
        return self.add("Reshape", [turned, self.ints(*self.pick((0, -1, h, w), (-1, c, h, w)))], (n, c, h, w))

    def reshaped(self, x: str) -> str:
        shape = self.shapes[x]
        rest = int(np.prod(shape[1:]))
        divisor = self.pick(2, 3, shape[1])
        if self.draw(3) and len(shape) > 2:
            # Two neighbouring axes become one.
            axis = 1 + self.draw(len(shape) - 2)
            new = (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :])
        elif rest % divisor == 0:
            new = (shape[0], divisor, rest // divisor)
        else:
            return x
        target = list(new)
        target[0] = 0
        if self.draw(2):
            target[1 + self.draw(len(new) - 1)] = -1
        return self.add("Reshape", [x, self.ints(*target)], new)

    def computed_reshape(self, x: str) -> str:
        """As exporters write it: the sizes are taken from the tensor while the model runs."""
        shape = self.shapes[x]
        entries = [self._size_of(x, axis) for axis in range(2)]
        if self.draw(2):
            entries[1] = self._size_of(self.activation(x), 1)
        sizes = self.several_of("Concat", [*entries, self.ints(-1)], (3,))
        self.nodes[-1].attribute.append(helper.make_attribute("axis", 0))
        return self.add("Reshape", [x, sizes], (*shape[:2], int(np.prod(shape[2:]))))

    def _size_of(self, x: str, axis: int) -> str:
        shape = self.several_of("Shape", [x], ())
        one = self.several_of("Gather", [shape, self.store(np.array(axis, np.int64))], ())
        if self.opset >= 13:
            return self.several_of("Unsqueeze", [one, self.ints(0)], ())
        name = self.several_of("Unsqueeze", [one], ())
        self.nodes[-1].attribute.append(helper.make_attribute("axes", [0]))
        return name

    def transpose(self, x: str) -> str:
        shape = self.shapes[x]
        order = [0, *(1 + self.rng.permutation(len(shape) - 1))]
        return self.add("Transpose", [x], tuple(shape[place] for place in order), perm=[int(one) for one in order])

    def pad(self, x: str) -> str:
        shape = self.shapes[x]
        before = [0, *(self.pick(0, 0, 1) for _ in shape[1:])]
        after = [0, *(self.pick(0, 0, 2) for _ in shape[1:])]
        new = tuple(size + b + a for size, b, a in zip(shape, before, after, strict=True))
        value = float(self.pick(0, 1))
        if self.opset < 11:
            return self.add("Pad", [x], new, pads=[*before, *after], value=value)
        return self.add("Pad", [x, self.ints(*before, *after), self.store(np.array(value, np.float32))], new)

    def depth_to_space(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        if c % 4:
            return x
        attributes = {"mode": self.pick("DCR", "CRD")} if self.opset >= 11 else {}
        return self.add("DepthToSpace", [x], (n, c // 4, h * 2, w * 2), blocksize=2, **attributes)

    def space_to_depth(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        if h % 2 or w % 2:
            return x
        return self.add("SpaceToDepth", [x], (n, c * 4, h // 2, w // 2), blocksize=2)

    def resize(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        scales = self.store(np.array([1, 1, 2, 1], np.float32))
        if self.opset < 9:
            return self.add("Upsample", [x], (n, c, h * 2, w), scales=[1.0, 1.0, 2.0, 1.0])
        if self.opset < 11:
            return self.add("Upsample" if self.opset < 10 else "Resize", [x, scales], (n, c, h * 2, w))
        if self.opset >= 18 and self.draw(2):
            return self.add("Resize", [x, "", "", self.ints(c, h * 2)], (n, c, h * 2, w), axes=[1, 2])
        if self.draw(2):
            return self.add(
                "Resize",
                [x, "", "", self.ints(n, c, h * 2, w)]
                if self.opset >= 13
                else [
                    x,
                    self.store(np.zeros(0, np.float32)),
                    self.store(np.zeros(0, np.float32)),
                    self.ints(n, c, h * 2, w),
                ],
                (n, c, h * 2, w),
            )
        return self.add(
            "Resize", [x, "" if self.opset >= 13 else self.store(np.zeros(0, np.float32)), scales], (n, c, h * 2, w)
        )

    def pool(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        if self.draw(3) == 0 or h < 2 or w < 2:
            return self.add(self.pick("GlobalAveragePool", "GlobalMaxPool"), [x], (n, c, 1, 1))
        op_type = self.pick("MaxPool", "AveragePool")
        return self.add(op_type, [x], (n, c, h // 2, w // 2), kernel_shape=[2, 2], strides=[2, 2])

    def reduced(self, x: str) -> str:
        shape = self.shapes[x]
        axis, keepdims = 1 + self.draw(len(shape) - 1), self.draw(2)
        new = (*shape[:axis], *([1] if keepdims else []), *shape[axis + 1 :])
        if self.opset >= 18:
            return self.add("ReduceMean", [x, self.ints(axis)], new, keepdims=keepdims)
        return self.add(self.pick("ReduceMean", "ReduceMax", "ReduceL2"), [x], new, axes=[axis], keepdims=keepdims)

    def softmax(self, x: str) -> str:
        shape = self.shapes[x]
        return self.add("Softmax", [x], shape, axis=1 + self.draw(len(shape) - 1))

    def lrn(self, x: str) -> str:
        return self.add("LRN", [x], self.shapes[x], size=3)

    def unknown(self, x: str) -> str:
        if self.opset < 11:
            return self.softmax(x)
        return self.add("CumSum", [x, self.store(np.array(1, np.int64))], self.shapes[x])

    def layer_norm(self, x: str) -> str:
        shape = self.shapes[x]
        if self.opset < 17:
            return self.softmax(x)
        return self.add("LayerNormalization", [x, self.weight(shape[-1], low=0.5), self.weight(shape[-1])], shape)

    def gather(self, x: str) -> str:
        shape = self.shapes[x]
        axis = 1 + self.draw(len(shape) - 1)
        if self.draw(3) == 0 and len(shape) > 2:
            index = self.store(np.array(self.draw(shape[axis]), np.int64))
            return self.add("Gather", [x, index], (*shape[:axis], *shape[axis + 1 :]), axis=axis)
        indices = [
            self.draw(shape[axis]) - (shape[axis] if self.opset >= 11 and self.draw(2) else 0)
            for _ in range(1 + self.draw(4))
        ]
        return self.add(
            "Gather", [x, self.ints(*indices)], (*shape[:axis], len(indices), *shape[axis + 1 :]), axis=axis
        )

    def unsqueezed(self, x: str) -> str:
        shape = self.shapes[x]
        axis = 1 + self.draw(len(shape))
        op_type, new = "Unsqueeze", (*shape[:axis], 1, *shape[axis:])
        if axis < len(shape) and shape[axis] == 1 and len(shape) > 2:
            op_type, new = "Squeeze", (*shape[:axis], *shape[axis + 1 :])
        elif len(shape) > 4:
            return x
        if self.opset >= 13:
            return self.add(op_type, [x, self.ints(axis)], new)
        return self.add(op_type, [x], new, axes=[axis])

    def expand(self, x: str) -> str:
        shape = self.shapes[x]
        if self.opset < 8 or len(shape) < 3:
            return x
        new = (*shape[:1], *(size if size > 1 else self.pick(1, 2) for size in shape[1:]))
        asked = (1, *new[1:])[self.draw(2) :]
        return self.add("Expand", [x, self.ints(*asked)], new)

    def flatten(self, x: str) -> str:
        shape = self.shapes[x]
        return self.add("Flatten", [x], (shape[0], int(np.prod(shape[1:]))), axis=1)

    def gemm(self, x: str) -> str:
        shape = self.shapes[x]
        if len(shape) != 2:
            x = self.flatten(x)
            shape = self.shapes[x]
        out, turned = self.pick(1, 3, 4, 6), self.draw(2)
        weight = self.weight(*((out, shape[1]) if turned else (shape[1], out)))
        bias = (
            []
            if self.draw(3) == 0 and self.opset >= 11
            else [self.weight(*self.pick((out,), (1, out), (1,)), low=-0.5)]
        )
        return self.add("Gemm", [x, weight, *bias], (shape[0], out), transB=turned)

    def matmul(self, x: str) -> str:
        shape = self.shapes[x]
        out = self.pick(1, 3, 4, 6)
        if self.draw(3) == 0 and len(shape) > 2:
            return self.add("MatMul", [self.weight(out, shape[-2]), x], (*shape[:-2], out, shape[-1]))
        y = self.add("MatMul", [x, self.weight(shape[-1], out)], (*shape[:-1], out))
        return self.add("Add", [y, self.weight(out, low=-0.5)], self.shapes[y]) if self.draw(2) else y

    def attention(self, x: str) -> str:
        """Queries, keys and values of one matrix, or of three."""
        n, t, e = self.shapes[x]
        heads, each = self.pick(1, 2, 3), 2
        width = heads * each
        if self.draw(2):
            fused = self.add("MatMul", [x, self.weight(e, 3 * width)], (n, t, 3 * width))
            fused = self.add("Add", [fused, self.weight(3 * width, low=-0.5)], (n, t, 3 * width))
            if self.draw(2):
                cut = self.add("Reshape", [fused, self.ints(0, t, 3, heads, each)], (n, t, 3, heads, each))
                turned = self.add("Transpose", [cut], (3, n, heads, t, each), perm=[2, 0, 3, 1, 4])
                del self.shapes[turned]
                q, k, v = (
                    self.add("Gather", [turned, self.store(np.array(place, np.int64))], (n, heads, t, each), axis=0)
                    for place in range(3)
                )
            else:
                inputs = [fused] if self.opset < 13 else [fused, self.ints(*[width] * 3)]
                attributes = {"split": [width] * 3} if self.opset < 13 else {}
                parts = self.several("Split", inputs, [(n, t, width)] * 3, axis=2, **attributes)
                q, k, v = (self._heads(part, heads) for part in parts)
        else:
            q, k, v = (
                self._heads(self.add("MatMul", [x, self.weight(e, width)], (n, t, width)), heads) for _ in range(3)
            )
        turned = self.add("Transpose", [k], (n, heads, each, t), perm=[0, 1, 3, 2])
        weights = self.add("Softmax", [self.add("MatMul", [q, turned], (n, heads, t, t))], (n, heads, t, t), axis=3)
        mixed = self.add("MatMul", [weights, v], (n, heads, t, each))
        back = self.add("Transpose", [mixed], (n, t, heads, each), perm=[0, 2, 1, 3])
        joined = self.add("Reshape", [back, self.ints(0, self.pick(0, t), self.pick(-1, width))], (n, t, width))
        return self.add("MatMul", [joined, self.weight(width, e)], (n, t, e))

    def _heads(self, x: str, heads: int) -> str:
        n, t, width = self.shapes[x]
        cut = self.add("Reshape", [x, self.ints(0, t, heads, width // heads)], (n, t, heads, width // heads))
        return self.add("Transpose", [cut], (n, heads, t, width // heads), perm=[0, 2, 1, 3])


_OF_IMAGES = (
    "conv", "conv", "conv", "depthwise", "depthwise", "grouped", "grouped", "transposed", "transposed", "tied", "gate",
    "shuffle", "shuffle", "depth_to_space", "depth_to_space", "space_to_depth", "resize", "resize", "pool",
    "batch_norm", "batch_norm",
)  # fmt: skip
_OF_ALL = (
    "activation", "activation", "prelu", "with_stored", "combined", "combined", "combined", "concat", "concat",
    "concat", "split", "split", "slice", "reshaped", "transpose", "pad", "reduced", "gather", "unsqueezed", "expand",
    "gemm", "matmul",
)  # fmt: skip
# After these, whatever has met in them stays: only now and then, lest nothing is left to go.
_FIXING = ("softmax", "layer_norm", "unknown", "lrn")


def _grow(build: _Builder, x: str) -> str:
    shape = build.shapes[x]
    if np.prod(shape) > _MOST:
        return build.pool(x) if len(shape) == 4 else build.reduced(x)
    pieces = _OF_ALL + (_OF_IMAGES if len(shape) == 4 else ())
    if len(shape) == 3:
        pieces += ("attention",) * 4 + ("matmul",) * 4
    if len(shape) > 2:
        pieces += ("computed_reshape",)
    if build.draw(20) == 0:
        pieces = _FIXING[: 4 if len(shape) == 4 else 3]
    return getattr(build, build.pick(*pieces))(x)


def _random_model(seed: int, num_steps: int) -> onnx.ModelProto:
    rng = np.random.default_rng(seed)
    build = _Builder(lambda count: int(rng.integers(count)), rng, _OPSETS[rng.integers(len(_OPSETS))])
    build.shapes["x"] = (_BATCH, 3, 4, 4)
    made = build.conv("x")
    if build.draw(4) == 0:
        n, c, h, w = build.shapes[made]
        rows = build.add("Reshape", [made, build.ints(0, c, -1)], (n, c, h * w))
        build.matmul(build.add("Transpose", [rows], (n, h * w, c), perm=[0, 2, 1]))
    for _ in range(num_steps):
        names = [name for name in build.shapes if len(build.shapes[name]) > 1]
        # Most often the newest, now and then an older one, so that graphs branch.
        _grow(build, names[-1] if build.draw(4) else build.pick(*names))
    # A layer at the end, so that what it reads need not stay for being the output; now and then, what lies before.
    last = list(build.shapes)[-1]
    outputs = [build.gemm(last)] if build.draw(8) else [last]
    if build.draw(6) == 0:
        outputs.append(build.pick(*[name for name in list(build.shapes)[1:] if name not in outputs] or outputs))
    batch = build.pick("N", _BATCH)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 4, 4])]
    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *build.shapes[name][1:]])
        for name in dict.fromkeys(outputs)
    ]
    graph = helper.make_graph(build.nodes, "random", inputs, infos, build.stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", build.opset)], ir_version=8)


# The structure follows from the seed, so that a graph that fails shrinks to its first nodes.
_MODELS = st.builds(_random_model, st.integers(0, 2**32 - 1), st.integers(1, 12))


@settings(
    max_examples=600,
    database=None,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(proto=_MODELS, seed=st.integers(0, 2**16), ratio=st.sampled_from((0.25, 0.5, 0.75)))
def test_what_is_cut_computes_what_is_silenced(prove, choose_gone, proto: onnx.ModelProto, seed: int, ratio: float):
    onnx.checker.check_model(proto, full_check=True)
    flow = walk(proto)
    gone = choose_gone(flow, ratio, np.random.default_rng(seed))
    # The six hundred are those of which something can go.
    assume(gone)

    prove(flow, gone, batch=_BATCH, size=4)
