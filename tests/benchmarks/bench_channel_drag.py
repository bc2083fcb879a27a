"""A drag of a channel group's ratio in the real window: size, MACs and the marks follow each move."""

from pathlib import Path

import pytest

from workbench.engine.core.recipe import WeightRule

pytestmark = [pytest.mark.bench, pytest.mark.qt_log_ignore("propagateSizeHints")]

_MOVES = 60


@pytest.mark.parametrize("bits", [None, 6], ids=["float weights", "6-bit weights"])
@pytest.mark.parametrize("layer", ["layer1.0.conv1", "conv1"], ids=["group of 1 layer", "group of 28 layers"])
def test_a_move_of_a_group_of_resnet56(bench, shared_data: Path, table, bits: int | None, layer: str):
    bench.open(shared_data / "models/cifar10/resnet56_cifar10_opset13.onnx")
    document, preview = bench.document, bench.window.preview
    bench.wait(lambda: document.channels.now.channels is not None)
    if bits is not None:
        document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=bits)), "Bits")
    before = preview.sizes
    shown = []
    document.recipe_changed.connect(lambda old, new: shown.append((preview.sizes.total_bytes, preview.sizes.macs)))

    times = bench.drag_channels(layer, [0.05 + 0.85 * number / _MOVES for number in range(_MOVES)])

    sizes, macs = zip(*shown, strict=True)
    assert sizes[-1] < before.total_bytes
    assert macs[-1] < before.macs
    assert preview.totals.cell("MACs", "now") != preview.totals.cell("MACs", "original")
    left = document.channels.now.of_layer(layer)
    assert left.left < left.whole
    assert int(bench.window.channels.strip.kept.sum()) == left.left
    kind = "float" if bits is None else f"{bits}-bit"
    count = len(document.channels.now.group_of(layer).members)
    table(f"ResNet-56, {kind} weights, a move of a group of {count} until all is painted", times, "p95 at most 16 ms")
