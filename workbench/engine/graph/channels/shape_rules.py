"""Operators that move entries about: reshaping, transposing, cutting, joining, padding."""

import math

import numpy as np
import onnx

from workbench.engine.graph.channels.flow import Flow, NotFollowed, Shuffle, attribute, integer, integers_of
from workbench.engine.graph.channels.units import Labels, on_axis, squeezed, unlabelled, varying_axes


def reshape(node: onnx.NodeProto, flow: Flow) -> None:
    """Reshape, Flatten, Squeeze, Unsqueeze: the same entries in the same order."""
    labels = flow.of(node.input[0])
    if not varying_axes(labels):
        return
    before, after = flow.whole_shape(node.input[0]), flow.whole_shape(node.output[0])
    if 0 in before:
        raise NotFollowed("its tensors are empty")
    flow.put(node.output[0], reshaped(labels, before, after))
    _find_shuffle(node, flow)


def reshaped(labels: Labels, before: tuple[int, ...], after: tuple[int, ...]) -> Labels:
    """Labels after a reshape. Runs of axes that hold the same entries are taken apart, so that no whole tensor is made.

    >>> reshaped(np.arange(4).reshape(1, 4, 1, 1), (1, 4, 2, 2), (1, 16)).ravel().tolist()
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
    """
    fits = all(size in (1, whole) for size, whole in zip(labels.shape, before, strict=True))
    if math.prod(before) != math.prod(after) or not fits:
        raise NotFollowed("its shape is not known")
    runs = _runs(before, after)
    sizes: list[int] = []
    shape: list[int] = []
    for (start, stop), (new_start, new_stop) in runs:
        varies = any(labels.shape[axis] > 1 for axis in range(start, stop))
        sizes += before[start:stop] if varies else (1,) * (stop - start)
        shape += after[new_start:new_stop] if varies else (1,) * (new_stop - new_start)
    return squeezed(np.broadcast_to(labels, tuple(sizes)).reshape(tuple(shape)))


def _runs(before: tuple[int, ...], after: tuple[int, ...]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The shortest runs of axes, old and new, with the same number of entries, in order."""
    runs = []
    old = new = 0
    while old < len(before) or new < len(after):
        start, new_start = old, new
        one, other = 1, 1
        is_first = True
        while is_first or one != other:
            if (one <= other and old < len(before)) or new == len(after):
                one *= before[old]
                old += 1
            else:
                other *= after[new]
                new += 1
            is_first = False
        runs.append(((start, old), (new_start, new)))
    return runs


def _find_shuffle(node: onnx.NodeProto, flow: Flow) -> None:
    """If Reshape, Transpose and Reshape reorder one axis, whatever shape that is given then, remember the order."""
    turn = flow.links.only_reader(node.output[0])
    back = flow.links.only_reader(turn.output[0]) if turn is not None and turn.op_type == "Transpose" else None
    axes = varying_axes(flow.of(node.input[0]))
    if turn is None or back is None or back.op_type not in ("Reshape", "Flatten") or len(axes) != 1:
        return
    if back.input[0] != turn.output[0] or not _is_known(turn.output[0], flow) or not _is_known(back.output[0], flow):
        return
    before = flow.whole_shape(node.input[0])
    places = on_axis(np.arange(before[axes[0]], dtype=np.int64), axes[0], len(before))
    split = reshaped(places, before, flow.whole_shape(node.output[0]))
    if len(varying_axes(split)) < 2:
        return
    order = reshaped(_turned(split, turn), flow.whole_shape(turn.output[0]), before)
    if varying_axes(order) == axes:
        inner = (node.output[0], turn.output[0])
        is_reshaped = before != flow.whole_shape(back.output[0])
        if is_reshaped and not _gives_the_same(back, flow.whole_shape(turn.output[0]), before, flow):
            return
        flow.shuffles.append(
            Shuffle(node.input[0], back.output[0], axes[0], order.reshape(-1), inner, is_reshaped=is_reshaped)
        )


def _is_known(name: str, flow: Flow) -> bool:
    return None not in (flow.shapes.by_name.get(name) or (None,))


def _gives_the_same(node: onnx.NodeProto, shape: tuple[int, ...], other: tuple[int, ...], flow: Flow) -> bool:
    """Whether a Reshape or Flatten gives the same shape for an input of another shape and as many entries."""
    if node.op_type == "Flatten":
        axis = integer(node, "axis", 1)
        return math.prod(shape[: axis % (len(shape) + 1)]) == math.prod(other[: axis % (len(other) + 1)])
    target = integers_of(node, "shape") or flow.integers(node.input[1])
    return all(shape[place : place + 1] == other[place : place + 1] for place, size in enumerate(target) if size == 0)


def transpose(node: onnx.NodeProto, flow: Flow) -> None:
    """Axes in another order."""
    flow.put(node.output[0], _turned(flow.of(node.input[0]), node))


def _turned(labels: Labels, node: onnx.NodeProto) -> Labels:
    return labels.transpose(integers_of(node, "perm") or range(labels.ndim)[::-1])


def concat(node: onnx.NodeProto, flow: Flow) -> None:
    """One after the other along an axis; along the others they are joined."""
    ndim = len(flow.shape(node.output[0]))
    axis = integer(node, "axis", 1) % ndim
    sizes = [flow.shape(name)[axis] for name in node.input]
    parts = [unlabelled(ndim) if flow.is_param(name) else flow.of(name) for name in node.input]
    if not any(varying_axes(labels) for labels in parts):
        return
    if any(size is None for size in sizes):
        raise NotFollowed("the shapes around it are not known")
    others = {other for labels in parts for other in varying_axes(labels)} - {axis}
    if others:
        _join_others(node, parts, others, flow)
    shape = [max(labels.shape[other] for labels in parts) for other in range(ndim)]
    cells = []
    for labels, size in zip(parts, sizes, strict=True):
        shape[axis] = size or 0
        cells.append(np.broadcast_to(labels, shape))
    joined = np.concatenate(cells, axis=axis)
    # Where channels were joined across the joint, one label stands for all of them.
    flow.put(node.output[0], squeezed(flow.units.resolved(joined) if others else joined))


def _join_others(node: onnx.NodeProto, parts: list[Labels], others: set[int], flow: Flow) -> None:
    """Across the joint, what lies side by side goes together."""
    for name, labels in zip(node.input, parts, strict=True):
        is_whole = any(labels.shape[other] == 1 and flow.shape(name)[other] != 1 for other in others)
        first = parts[0].take([0], axis=integer(node, "axis", 1) % labels.ndim)
        flow.units.join(first, labels, "they are joined with channels that stay")
        if is_whole:
            for part in parts:
                flow.units.fix(part, "they are joined with a tensor whose channels all stay")


def split(node: onnx.NodeProto, flow: Flow) -> None:
    """Parts along an axis, of equal size unless sizes are given."""
    labels = flow.of(node.input[0])
    axis = integer(node, "axis", 0) % labels.ndim
    if labels.shape[axis] == 1:
        for name in node.output:
            flow.put(name, labels)
        return
    sizes = [flow.shape(name)[axis] for name in node.output]
    known = [size for size in sizes if size]
    if len(known) < len(sizes):
        raise NotFollowed("the sizes of its parts are not known, or one is empty")
    starts = np.cumsum([0, *known])
    for name, start, size in zip(node.output, starts, known, strict=False):
        flow.put(name, squeezed(labels.take(range(start, start + size), axis=axis)))


def slice_(node: onnx.NodeProto, flow: Flow) -> None:
    """A part along some axes; channels can be followed through steps of one."""
    labels = flow.of(node.input[0])
    if not varying_axes(labels):
        return
    for axis, start, stop, step in slices(node, flow):
        if labels.shape[axis] == 1:
            continue
        if step != 1:
            raise NotFollowed("it takes every other channel, or turns them round")
        places = range(*slice(start, stop).indices(labels.shape[axis]))
        if not places:
            raise NotFollowed("nothing is left of what it cuts")
        labels = labels.take(places, axis=axis)
    flow.put(node.output[0], squeezed(labels))


def slices(node: onnx.NodeProto, flow: Flow) -> list[tuple[int, int, int, int]]:
    """Axis, start, stop and step of each axis that a Slice cuts, as its arguments say."""
    ndim = len(flow.shape(node.input[0]))
    if attribute(node, "starts") is not None:
        starts, stops = integers_of(node, "starts") or [], integers_of(node, "ends") or []
        axes, steps = integers_of(node, "axes") or list(range(len(starts))), [1] * len(starts)
    else:
        starts, stops = flow.integers(node.input[1]), flow.integers(node.input[2])
        axes = flow.integers(node.input[3]) if len(node.input) > 3 and node.input[3] else list(range(len(starts)))
        steps = flow.integers(node.input[4]) if len(node.input) > 4 and node.input[4] else [1] * len(starts)
    return [
        (axis % ndim, start, stop, step) for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True)
    ]


def gather(node: onnx.NodeProto, flow: Flow) -> None:
    """Chosen entries along an axis. A single channel that is chosen stays."""
    labels = flow.of(node.input[0])
    if not varying_axes(labels):
        return
    axis = integer(node, "axis", 0) % labels.ndim
    indices = flow.value(node.input[1])
    index_ndim = len(flow.shape(node.input[1]))
    if labels.shape[axis] == 1:
        shape = labels.shape[:axis] + (1,) * index_ndim + labels.shape[axis + 1 :]
        flow.put(node.output[0], labels.reshape(shape))
        return
    if indices is None or not flow.is_param(node.input[1]):
        raise NotFollowed("which channels it takes is computed while the model runs")
    taken = labels.take(np.asarray(indices, np.int64), axis=axis)
    if index_ndim == 0 and not varying_axes(labels)[1:]:
        flow.units.fix(taken, "a channel is taken out alone")
        flow.put(node.output[0], unlabelled(labels.ndim - 1))
        return
    if index_ndim > 1:
        raise NotFollowed("it takes channels into more than one axis")
    flow.put(node.output[0], squeezed(taken))


def pad(node: onnx.NodeProto, flow: Flow) -> None:
    """Zeros before and after; those along the channels' axis can go like channels."""
    labels = flow.of(node.input[0])
    ndim = labels.ndim
    if not varying_axes(labels):
        return
    before, after = paddings(node, ndim, flow)
    mode = attribute(node, "mode")
    for axis in varying_axes(labels):
        if not (before[axis] or after[axis]):
            continue
        if mode not in (None, b"constant") or min(before[axis], after[axis]) < 0 or len(varying_axes(labels)) > 1:
            raise NotFollowed("it pads channels with other than constants")
        vector = [flow.units.fresh(before[axis]), labels.reshape(-1), flow.units.fresh(after[axis])]
        labels = on_axis(np.concatenate(vector), axis, ndim)
    flow.put(node.output[0], labels)


def paddings(node: onnx.NodeProto, ndim: int, flow: Flow) -> tuple[list[int], list[int]]:
    """How much a Pad adds before and after each axis."""
    given = integers_of(node, "pads") or integers_of(node, "paddings")
    if given is None:
        given = flow.integers(node.input[1])
    before, after = [0] * ndim, [0] * ndim
    axes = list(range(ndim))
    if len(node.input) > 3 and node.input[3]:
        axes = [axis % ndim for axis in flow.integers(node.input[3])]
    for place, axis in enumerate(axes):
        before[axis], after[axis] = given[place], given[place + len(axes)]
    return before, after


def depth_to_space(node: onnx.NodeProto, flow: Flow) -> None:
    """Channels become pixels: those that make one channel go together."""
    labels, vector = flow.of(node.input[0]), flow.vector(node.input[0], 1)
    if not varying_axes(labels):
        return
    area = integer(node, "blocksize", 1) ** 2
    is_dcr = attribute(node, "mode") in (None, b"DCR")
    blocks = vector.reshape(area, -1) if is_dcr else vector.reshape(-1, area).T
    flow.units.join(blocks, blocks[:1], "they make pixels with channels that stay")
    flow.put(node.output[0], on_axis(blocks[0], 1, 4))


def space_to_depth(node: onnx.NodeProto, flow: Flow) -> None:
    """Pixels become channels: block offset first, then channel."""
    vector = flow.vector(node.input[0], 1)
    if len(np.unique(vector)) > 1:
        flow.put(node.output[0], on_axis(np.tile(vector, integer(node, "blocksize", 1) ** 2), 1, 4))


def expand(node: onnx.NodeProto, flow: Flow) -> None:
    """Repeats along axes of size 1; channels stay where they are."""
    labels = flow.of(node.input[0])
    if not varying_axes(labels):
        return
    ndim = len(flow.shape(node.output[0]))
    flow.put(node.output[0], labels.reshape((1,) * (ndim - labels.ndim) + labels.shape))


def spatial(node: onnx.NodeProto, flow: Flow) -> None:
    """Pooling and resizing: every channel by itself."""
    labels = flow.of(node.input[0])
    varying = varying_axes(labels)
    if any(axis > 1 for axis in varying):
        raise NotFollowed("it works on an axis that holds channels")
    if len([name for name in node.output if name]) > 1:
        raise NotFollowed("it gives places, which number the channels")
    before, after = flow.shape(node.input[0]), flow.shape(node.output[0])
    if any(before[axis] != after[axis] for axis in varying):
        raise NotFollowed("it resizes the axis that holds channels")
    flow.put(node.output[0], labels)


def reduce(node: onnx.NodeProto, flow: Flow) -> None:
    """Sums, means and the like over axes; over channels, each would change the others' result."""
    labels = flow.of(node.input[0])
    if not varying_axes(labels):
        return
    axes = integers_of(node, "axes")
    if axes is None and len(node.input) > 1 and node.input[1]:
        axes = flow.integers(node.input[1])
    if not axes:
        axes = [] if integer(node, "noop_with_empty_axes", 0) else list(range(labels.ndim))
    over = {axis % labels.ndim for axis in axes}
    if over & set(varying_axes(labels)):
        raise NotFollowed("it is taken over the channels")
    if integer(node, "keepdims", 1):
        flow.put(node.output[0], labels)
    else:
        flow.put(node.output[0], labels.reshape([size for axis, size in enumerate(labels.shape) if axis not in over]))
