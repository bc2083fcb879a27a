"""What stands beside the model's name without a pointer over it."""

from dataclasses import replace

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("warnings", "said"),
    [((), "1 layers"), (("no shapes",), "1 warning"), (("no shapes", "old opset"), "2 warnings")],
    ids=["none", "one", "two"],
)
def test_a_model_s_warnings_are_counted(warnings: tuple[str, ...], said: str, window, make_layer, make_model):
    model = replace(make_model(make_layer("a", np.ones((2, 2), np.float32))), warnings=warnings)

    window.title_bar.show_model(model)

    assert window.title_bar.pill.value.endswith(said)
    assert all(f"warning: {text}" in window.title_bar.pill.toolTip() for text in warnings)
