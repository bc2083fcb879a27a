"""Inputs of one sample that most models take."""

import numpy as np
import onnx.parser
import pytest

from workbench.engine.core.errors import RunError
from workbench.engine.runtime.random_inputs import random_inputs
from workbench.engine.runtime.session import RuntimeSession


def _session(graph: str) -> RuntimeSession:
    return RuntimeSession(
        onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 13]>\n{graph}').SerializeToString()
    )


@pytest.mark.parametrize(
    ("wanted", "shape"),
    [("N,3,H,W", (1, 3, 224, 224)), ("N,H,W,3", (1, 224, 224, 3)), ("N,T", (1, 1)), ("2,3,5,7", (2, 3, 5, 7)),
     ("N,3,H,64", (1, 3, 224, 64))],
)  # fmt: skip
def test_open_sizes_are_one_sample_and_an_image_s(wanted: str, shape: tuple[int, ...]):
    session = _session(f"m (float[{wanted}] x) => (float[{wanted}] y) {{ y = Relu(x) }}")

    found = random_inputs(session)["x"]

    assert found.shape == shape
    assert 0 <= found.min() <= found.max() < 1


def test_whole_numbers_are_zeros_and_ones_and_the_same_for_a_seed():
    session = _session("m (int64[50] i, bool[50] b) => (int64[50] y, bool[50] z) { y = Abs(i) z = Not(b) }")

    first, again, other = (random_inputs(session, seed=seed) for seed in (1, 1, 2))

    assert set(first["i"].tolist()) == {0, 1}
    assert set(first["b"].tolist()) == {False, True}
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["i"], other["i"])


def test_texts_have_no_random_samples():
    session = _session("m (string[1] x) => (string[1] y) { y = Identity(x) }")

    with pytest.raises(RunError, match="'x' takes string"):
        random_inputs(session)
