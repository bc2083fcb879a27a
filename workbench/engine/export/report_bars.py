"""Bars of the layers' sizes, as a drawing inside the page."""

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

from workbench.engine.core.format import format_count
from workbench.engine.core.layer import Layer
from workbench.engine.core.plan import LayerPlan, Plan

# A page of bars is read by eye: more than this many, and only the largest are drawn.
_MAX_BARS = 60
_ROW_HEIGHT, _BAR_HEIGHT = 22, 14
_LABEL_WIDTH, _BAR_WIDTH, _VALUE_WIDTH = 260, 420, 220
_LABEL_CHARACTERS = 36
_WHOLE: Mapping[str, float] = MappingProxyType({})


def layer_bars(layers: Sequence[Layer], plan: Plan, shares: Mapping[str, float] = _WHOLE) -> str:
    """One bar a layer: its parameters, and the part of them that is kept drawn full.

    The part drawn full is the number of bits that the plan leaves, against 32 a weight: bits × kept weights.

    Args:
        layers: of the original model.
        plan: what is done to them.
        shares: what is left of each layer's weights where channels went.
    """
    if not layers:
        return '<p class="muted">The model has no layers with weights.</p>'
    shown = _largest(layers)
    most = max(1, *(layer.num_params for layer in shown))
    rows = "".join(
        _bar(row, layer, plan.layer(layer.name), shares.get(layer.name, 1.0), most) for row, layer in enumerate(shown)
    )
    width, height = _LABEL_WIDTH + _BAR_WIDTH + _VALUE_WIDTH, _ROW_HEIGHT * len(shown)
    left_out = len(layers) - len(shown)
    note = f" The {left_out} smallest of {len(layers)} layers are not drawn." if left_out else ""
    return (
        f'<div class="scroll"><svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="Parameters of each layer">{rows}</svg></div>'
        '<p class="muted">Whole bar: parameters as 32-bit floats. Full colour: the bits that the weights keep, '
        f"before the headers of the file.{note}</p>"
    )


def kept_fraction(layer: Layer, entry: LayerPlan | None, share: float = 1.0) -> float:
    """Bits that a layer keeps of its 32-bit floats, 0…1; bias counted as kept.

    A pruned weight costs no bits here, the mask that says where it was costs one bit a weight.

    Args:
        layer: of the original model.
        entry: what is done to it; None for nothing but channels.
        share: of its weights that are left when channels went, 0…1.
    """
    if not layer.num_params:
        return 1.0
    settings = entry.weights if entry is not None else None
    bits = settings.bits if settings is not None else 32
    num_weights = layer.num_weights * share
    dense = bits * num_weights
    # An asymmetric zero is a code like any other: no mask can stand for it.
    masked = bits * entry.num_kept + num_weights if entry is not None else dense
    can_mask = entry is not None and entry.is_pruned and (settings is None or settings.symmetric)
    weights = min(dense, masked) if can_mask else dense
    return min(1.0, (weights + 32 * (layer.num_params - layer.num_weights)) / (32 * layer.num_params))


def _largest(layers: Sequence[Layer]) -> list[Layer]:
    """The layers to draw, in graph order."""
    by_size = sorted(range(len(layers)), key=lambda index: -layers[index].num_params)
    return [layers[index] for index in sorted(by_size[:_MAX_BARS])]


def _bar(row: int, layer: Layer, entry: LayerPlan | None, share: float, most: int) -> str:
    top = row * _ROW_HEIGHT
    baseline = top + 15
    length = _BAR_WIDTH * layer.num_params / most
    count = format_count(layer.num_params)
    done = f" · {entry.done}" if entry is not None and entry.done else ""
    return (
        f"<g><title>{escape(layer.name + ': ' + count + done)}</title>"
        f'<text class="name" x="{_LABEL_WIDTH - 8}" y="{baseline}">{escape(_shortened(layer.name))}</text>'
        + _rectangle("whole", top, length)
        + _rectangle("kept", top, length * kept_fraction(layer, entry, share))
        + f'<text class="value" x="{_LABEL_WIDTH + length + 8:.1f}" y="{baseline}">{count}</text></g>'
    )


def _rectangle(style: str, top: float, length: float) -> str:
    y = top + (_ROW_HEIGHT - _BAR_HEIGHT) / 2
    return f'<rect class="{style}" x="{_LABEL_WIDTH}" y="{y:g}" width="{length:.1f}" height="{_BAR_HEIGHT}" rx="2"/>'


def _shortened(name: str) -> str:
    """The end of a long name: that is where the layers of one network differ."""
    return name if len(name) <= _LABEL_CHARACTERS else f"…{name[1 - _LABEL_CHARACTERS :]}"
