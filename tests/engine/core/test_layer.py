import pickle
from dataclasses import replace

import pytest

from workbench.engine.core.layer import Layer, ModelInfo


def _info(*names: str) -> ModelInfo:
    layers = tuple(Layer(name, "Gemm", f"{name}.w", f"{name}.y", (3, 2), 6, None, axis=0) for name in names)
    return ModelInfo("m.onnx", "", "", 17, 8, "", 0, 0, None, (), (), layers)


def test_layers_are_found_by_name_in_a_changed_copy_too():
    info = _info("a", "b")

    changed = replace(info, layers=info.layers[:1])

    assert info.layer("b") is info.layers[1]
    with pytest.raises(KeyError):
        changed.layer("b")


def test_layers_are_found_by_name_on_the_other_side_of_the_pipe():
    info = _info("a", "b")

    received = pickle.loads(pickle.dumps(info))

    assert received == info
    assert received.layer("b") is received.layers[1]


@pytest.mark.parametrize(("axis", "is_stacked", "axes"), [(0, False, (0,)), (1, True, (0, 1)), (None, False, ())])
def test_a_stacked_weight_lists_its_channels_along_all_axes_up_to_its_own(
    axis: int | None, is_stacked: bool, axes: tuple[int, ...]
):
    layer = replace(_info("a").layers[0], axis=axis, is_stacked=is_stacked)

    assert layer.channel_axes == axes
