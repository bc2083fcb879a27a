"""`workbench inspect`: what is in a model."""

from pathlib import Path

import click

from workbench.cli.output import print_json, print_table
from workbench.engine.core.channel_group import ChannelGroup, ModelChannels
from workbench.engine.core.format import format_bytes, format_count, format_fraction
from workbench.engine.core.layer import Layer, ModelInfo


@click.command("inspect")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(model: Path, as_json: bool) -> int:
    """Show what is in MODEL: its layers, shapes, parameters and multiply-adds.

    Example: workbench inspect resnet20.onnx --json
    """
    from workbench.session import Session

    session = Session()
    info = session.open_model(model)
    channels = session.channels()
    if as_json:
        print_json(_json(info, channels))
        return 0
    macs = f"{format_count(info.macs)} MACs" if info.macs is not None else "MACs unknown"
    print(
        f"{info.path}: opset {info.opset}, {format_bytes(info.file_bytes)}, "
        f"{format_count(info.num_params)} parameters, {macs}, {len(info.layers)} layers"
    )
    for word, tensors in (("input", info.inputs), ("output", info.outputs)):
        for item in tensors:
            print(f"{word} {item.name}: {item.dtype} {'×'.join(map(str, item.shape)) or 'a single number'}")
    print_table(
        [_row(layer, channels) for layer in info.layers],
        ("layer", "type", "shape", "params", "MACs", "min", "max", "zeros", "group"),
    )
    for group in channels.groups:
        print(_group_line(group))
    for warning in info.warnings:
        print(f"note: {warning}")
    return 0


def _group_line(group: ChannelGroup) -> str:
    """Which layers lose channels together, or why they cannot."""
    what = "heads" if group.has_heads else group.kind
    text = f"group {group.name}: {len(group.members)} layer{'s' if len(group.members) > 1 else ''}, "
    if group.num_units and not group.most_gone:
        return f"{text}nothing can go ({group.reason or 'no layer may vanish'})"
    text += f"up to {group.most_gone} of {group.num_units} {what} can go" if group.num_units else "nothing can go"
    return f"{text} ({group.reason})" if group.reason else text


def _row(layer: Layer, channels: ModelChannels) -> tuple[str, ...]:
    statistics = layer.statistics
    numbers = ("–", "–", "–")
    if statistics is not None:
        numbers = (f"{statistics.minimum:.4g}", f"{statistics.maximum:.4g}", format_fraction(statistics.sparsity))
    shape = "×".join(str(size) for size in layer.weight_shape)
    macs = format_count(layer.macs) if layer.macs is not None else "–"
    return (
        layer.name,
        layer.op_type,
        shape,
        format_count(layer.num_params),
        macs,
        *numbers,
        channels.group_of.get(layer.name, "–"),
    )


def _json(info: ModelInfo, channels: ModelChannels) -> dict[str, object]:
    tensors = {
        "inputs": [{"name": item.name, "dtype": item.dtype, "shape": list(item.shape)} for item in info.inputs],
        "outputs": [{"name": item.name, "dtype": item.dtype, "shape": list(item.shape)} for item in info.outputs],
    }
    model = {
        "path": info.path,
        "sha256": info.sha256,
        "opset": info.opset,
        "ir_version": info.ir_version,
        "producer": info.producer,
        "num_params": info.num_params,
        "file_bytes": info.file_bytes,
        "macs": info.macs,
        **tensors,
    }
    return {
        "model": model,
        "layers": [_layer_json(layer, channels) for layer in info.layers],
        "groups": [_group_json(group) for group in channels.groups],
        "warnings": list(info.warnings),
    }


def _group_json(group: ChannelGroup) -> dict[str, object]:
    return {
        "group_id": group.name,
        "kind": "heads" if group.has_heads else group.kind,
        "members": list(group.members),
        "num_units": group.num_units,
        "most_gone": group.most_gone,
        "channels_per_unit": group.channels_per_unit,
        "num_fixed": group.num_fixed,
        "reason": group.reason,
    }


def _layer_json(layer: Layer, channels: ModelChannels) -> dict[str, object]:
    statistics = layer.statistics
    return {
        "name": layer.name,
        "op_type": layer.op_type,
        "weight_shape": list(layer.weight_shape),
        "num_params": layer.num_params,
        "macs": layer.macs,
        "min": statistics.minimum if statistics else None,
        "max": statistics.maximum if statistics else None,
        "mean": statistics.mean if statistics else None,
        "std": statistics.std if statistics else None,
        "sparsity": statistics.sparsity if statistics else None,
        "group_id": channels.group_of.get(layer.name),
        "prunable": layer.prunable,
        "quantizable": layer.quantizable,
        "reason": layer.reason,
        "shares_weights_with": list(layer.shares_weights_with),
    }
