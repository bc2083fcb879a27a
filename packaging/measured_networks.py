"""Operator lists of published networks, as they stand beside the measurements, as operators of the engine."""

from collections.abc import Mapping, Sequence

from workbench.engine.latency.operator import Kind, Operator

_CLASSES = {
    "conv1x1": Kind.CONV, "conv3x3": Kind.CONV, "convgen": Kind.CONV, "matmul": Kind.CONV, "dw": Kind.DEPTHWISE,
    "gconv": Kind.GROUPED, "deconv": Kind.TRANSPOSED, "fc": Kind.FULLY_CONNECTED, "mha": Kind.ATTENTION,
    "pool": Kind.POOL, "gpool": Kind.GLOBAL_POOL, "det": Kind.ELEMENTWISE,
}  # fmt: skip
_TYPES = {
    **dict.fromkeys(("Softmax", "LayerNorm", "GELU", "Erf"), Kind.NORM),
    **dict.fromkeys(("Swish", "Sigmoid"), Kind.EXPONENTIAL),
    # Neither has vector code in the runtime that was measured.
    **dict.fromkeys(("Reduction", "LRN"), Kind.REDUCTION),
    **dict.fromkeys(
        ("Concat", "Slice", "ShuffleChannel", "Permute", "Interp", "Padding", "Crop", "DepthToSpace", "PriorBox"),
        Kind.MOVE,
    ),
}


def operators_of(network: Mapping[str, object]) -> tuple[Operator, ...]:
    """The operators of one entry of `networks`, without those that cost nothing."""
    records = network["ops"]
    assert isinstance(records, Sequence)
    return tuple(_operator(record, number) for number, record in enumerate(records) if record["cls"] != "free")


def _operator(record: Mapping[str, object], number: int) -> Operator:
    kind = _CLASSES.get(str(record["cls"])) or _TYPES.get(str(record["type"]), Kind.ELEMENTWISE)
    if record["type"] == "PriorBox":
        kind = Kind.MOVE
    kernel, stride = record.get("kernel", (1, 1)), record.get("stride", (1, 1))
    if kind is Kind.GLOBAL_POOL:
        kernel = (1, 1)
    return Operator(
        name=f"{record['type']}_{number}",
        op_type=str(record["type"]),
        kind=kind,
        inputs=tuple(tuple(shape) for shape in record["in"]),
        outputs=tuple(tuple(shape) for shape in record["out"]),
        kernel=(int(kernel[0]), int(kernel[1])),
        stride=(int(stride[0]), int(stride[1])),
        groups=int(record.get("groups", 1)),
        macs=int(record.get("macs", 0)),
        num_params=int(record.get("params", 0)),
        is_int8=bool(record.get("int8", False)),
    )
