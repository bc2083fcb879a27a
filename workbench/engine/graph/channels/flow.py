"""What is known of a graph's channels while its nodes are walked in the order of running."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from workbench.engine.graph.channels.units import Labels, Units, unlabelled, varying_axes
from workbench.engine.graph.links import Links
from workbench.engine.graph.shapes import Shape, Shapes, infer_shapes, without_weights


class NotFollowed(Exception):  # noqa: N818  # not an error: the walk fixes the node's channels and goes on
    """Why channels cannot be followed through a node."""


@dataclass(frozen=True, slots=True, eq=False)
class Producer:
    """A node whose weights make channels.

    Args:
        node_output: its first output.
        op_type: "Conv", "Gemm", …
        labels: of the channels that it gives, shape (C,).
        is_depthwise: whether it passes on the channels that it reads instead of making new ones.
        axis: on which they lie, counted from the last axis of its output, which is −1.
    """

    node_output: str
    op_type: str
    labels: Labels
    is_depthwise: bool = False
    axis: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class GroupedConv:
    """A convolution in blocks, each of which must keep as many channels as the others.

    Args:
        node_output: its first output.
        inputs: labels that it reads, shape (blocks, channels of one block).
        outputs: labels that it gives, the same.
    """

    node_output: str
    inputs: Labels
    outputs: Labels


@dataclass(frozen=True, slots=True, eq=False)
class Shuffle:
    """Nodes that do nothing but reorder the channels along one axis.

    Args:
        source: the tensor that is reordered.
        output: what comes of it.
        axis: of the channels.
        order: place in `source` of each channel of `output`.
        inner: outputs of the nodes between.
        is_reshaped: whether the last of them gives the result another shape as well.
    """

    source: str
    output: str
    axis: int
    order: npt.NDArray[np.int64]
    inner: tuple[str, ...]
    is_reshaped: bool = False


@dataclass(eq=False)
class Flow:
    """The labels of all tensors and stored parameters that were met so far.

    Args:
        graph: nodes in the order of running, constants stored.
        shapes: of its tensors at batch 1.
        opset: of the default operators.
        proto: the model that the graph is of.
        params: labels along each axis that is cut, by initializer.
        kept_params: initializers that some node reads whole.
        touched: those that the node being looked at cuts.
        heads: labels of what goes only as a whole head of attention.
        stopped: why channels are not followed through a node, by its first output.
    """

    graph: onnx.GraphProto
    shapes: Shapes
    links: Links
    opset: int
    proto: onnx.ModelProto
    units: Units = field(default_factory=Units)
    labels: dict[str, Labels] = field(default_factory=dict)
    params: dict[str, dict[int, Labels]] = field(default_factory=dict)
    kept_params: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    producers: list[Producer] = field(default_factory=list)
    grouped: list[GroupedConv] = field(default_factory=list)
    shuffles: list[Shuffle] = field(default_factory=list)
    heads: list[Labels] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stored = {tensor.name: tensor for tensor in self.graph.initializer}

    @cached_property
    def shapes_at_batch_2(self) -> Shapes:
        """Shapes of the same tensors where the batch is two: what differs depends on the batch."""
        return infer_shapes(without_weights(self.proto), batch=2)

    def is_param(self, name: str) -> bool:
        """Whether the tensor is stored in the graph."""
        return name in self.stored

    def shape(self, name: str) -> Shape:
        """Shape of a tensor at batch 1. Raises NotFollowed if its rank is unknown."""
        if name in self.stored:
            return tuple(self.stored[name].dims)
        shape = self.shapes.by_name.get(name)
        if shape is None:
            raise NotFollowed("the shapes around it are not known")
        return shape

    def whole_shape(self, name: str) -> tuple[int, ...]:
        """The same where every size is needed. Raises NotFollowed if one is unknown."""
        shape = self.shape(name)
        if any(size is None for size in shape):
            raise NotFollowed("the shapes around it are not known")
        return tuple(size for size in shape if size is not None)

    def of(self, name: str) -> Labels:
        """Labels of a tensor that is no parameter. Raises NotFollowed if its rank is unknown."""
        found = self.labels.get(name)
        return found if found is not None else unlabelled(len(self.shape(name)))

    def vector(self, name: str, axis: int) -> Labels:
        """Labels along one axis, shape (C,). Raises NotFollowed where they vary along others, or C is unknown."""
        labels = self.of(name)
        if not -labels.ndim <= axis < labels.ndim:
            raise NotFollowed("it reads a tensor with fewer axes than it should")
        size = self.shape(name)[axis]
        if size is None:
            raise NotFollowed("the number of its channels is not known")
        others = [other for other in varying_axes(labels) if other != axis % labels.ndim]
        if others:
            raise NotFollowed("its channels lie on more than one axis there")
        return np.broadcast_to(labels.reshape(-1), (size,))

    def put(self, name: str, labels: Labels) -> None:
        """Remember the labels of a tensor."""
        self.labels[name] = labels

    def cut_param(self, name: str, axis: int, vector: Labels) -> None:
        """Remember that a parameter's entries along an axis belong to channels; all readers of it must agree.

        Args:
            name: of the initializer.
            axis: of the parameter, from 0.
            vector: labels along the axis, shape (C,).
        """
        self.touched.add(name)
        known = self.params.setdefault(name, {}).setdefault(axis, vector)
        if known is not vector:
            self.units.join(known, vector, "a parameter is shared with channels that stay")
        if name in self.kept_params:
            self.units.fix(vector, "a parameter is read whole elsewhere")

    def keep_param(self, name: str, why: str = "a parameter is read whole elsewhere") -> None:
        """Remember that a node reads the parameter whole."""
        self.kept_params.add(name)
        for vector in self.params.get(name, {}).values():
            self.units.fix(vector, why)

    def value(self, name: str) -> npt.NDArray[np.generic] | None:
        """A stored small tensor, or one that follows from shapes at batch 1; None if it is not known."""
        if name in self.stored:
            return np.asarray(numpy_helper.to_array(self.stored[name]))
        return self.shapes.constants.get(name)

    def integers(self, name: str) -> list[int]:
        """The same as a list of integers. Raises NotFollowed if it is not known."""
        found = self.value(name)
        if found is None:
            raise NotFollowed("an argument is computed while the model runs")
        return [int(entry) for entry in np.ravel(found)]


def attribute(node: onnx.NodeProto, name: str) -> object | None:
    """A node's attribute as a plain value; None if it is not given."""
    found = next((item for item in node.attribute if item.name == name), None)
    return None if found is None else helper.get_attribute_value(found)


def integer(node: onnx.NodeProto, name: str, default: int) -> int:
    """An integer attribute, or its default."""
    found = attribute(node, name)
    return int(found) if isinstance(found, int) else default


def integers_of(node: onnx.NodeProto, name: str) -> list[int] | None:
    """A list attribute; None if it is not given."""
    found = attribute(node, name)
    return [int(entry) for entry in found] if isinstance(found, Sequence) else None
