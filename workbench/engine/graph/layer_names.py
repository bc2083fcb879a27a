"""Names of layers: the module path where the exporter left one, so that a recipe fits several exports."""

from collections import Counter
from collections.abc import Sequence

_SPLIT = ".for."


def layer_name(node_name: str, op_type: str, weight_names: Sequence[str], index: int) -> str:
    """The name of one layer, not yet made unique.

    A weight called `<path>.weight` gives the path; a node name like `/layer1/layer1.0/conv1/Conv`, as
    torch's exporter writes it, gives `layer1.0.conv1`; then the node's own name; then type and index.

    Args:
        node_name: of the layer's node; may be empty.
        op_type: of the layer's node.
        weight_names: the tensor that the node reads, then the one that it comes from.
        index: how many nodes of this type come before it in its graph, those aside that depend on constants alone.

    >>> layer_name("/layer1/layer1.0/conv1/Conv", "Conv", ["onnx::Conv_287"], 3)
    'layer1.0.conv1'
    >>> layer_name("Gemm_7", "Gemm", ["fc.weight.transposed", "fc.weight"], 7)
    'fc'
    """
    for weight_name in map(_split_from, weight_names):
        stem = weight_name.removesuffix(".weight")
        if stem and stem != weight_name and "::" not in weight_name:
            return stem
    if node_name.startswith("/") and node_name.count("/") > 1:
        path = _module_path([part for part in node_name.split("/")[1:-1] if part])
        if path:
            return path
    return node_name or f"{op_type}_{index}"


def split_name(weight_name: str, reader: str) -> str:
    """The name of a tensor that compressing splits off from one that several layers read.

    Args:
        weight_name: of the tensor that the others go on reading.
        reader: first output of the node that is to read the new one.

    >>> layer_name("", "Gemm", [split_name("fc.weight", "y")], 0)
    'fc'
    """
    return f"{weight_name}{_SPLIT}{reader}"


def _split_from(weight_name: str) -> str:
    """The tensor that another was split off from. Layers that wanted one name still do, and get what they got then."""
    before, split, _ = weight_name.partition(_SPLIT)
    return before if split and before.endswith(".weight") else weight_name


def unique_names(wanted: Sequence[str], fallback: Sequence[str]) -> list[str]:
    """The wanted names where they are unique; otherwise the fallback, with a number if that is taken too."""
    counts = Counter(wanted)
    used: set[str] = set()
    names = []
    for name, other in zip(wanted, fallback, strict=True):
        chosen = name if counts[name] == 1 else other or name
        base, number = chosen, 2
        while chosen in used:
            chosen = f"{base}#{number}"
            number += 1
        used.add(chosen)
        names.append(chosen)
    return names


def _module_path(parts: Sequence[str]) -> str:
    path: list[str] = []
    for part in parts:
        # A scope repeats its parent: layer1, layer1.0 is one step down from layer1.
        if path and part.startswith(path[-1] + "."):
            path[-1] = part
        else:
            path.append(part)
    return ".".join(path)
