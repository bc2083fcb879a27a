"""Small models as ONNX text, and samples for them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx.parser
import pytest

from workbench.engine.data.dataset import Dataset, open_dataset
from workbench.engine.runtime.session import RuntimeSession


@pytest.fixture
def model() -> Callable[[str], bytes]:
    """Makes a model's bytes from its graph in ONNX text."""

    def make(graph: str) -> bytes:
        head = '<ir_version: 8, opset_import: ["" : 13]>\n'
        return onnx.parser.parse_model(head + graph).SerializeToString()

    return make


@pytest.fixture
def same(model) -> bytes:
    """Gives its three inputs back as scores."""
    return model("m (float[N,3] x) => (float[N,3] y) { y = Identity(x) }")


@pytest.fixture
def reversed_scores(model) -> bytes:
    """Gives its inputs with the sign turned: another best class for most samples."""
    return model("m (float[N,3] x) => (float[N,3] y) { y = Neg(x) }")


@pytest.fixture
def scores(tmp_path: Path) -> Callable[..., Dataset]:
    """Makes a data set of 300 seeded rows of three scores; a quarter of the labels is wrong by design."""

    def make(session: bytes, *, labels: bool = True, **given: object) -> Dataset:
        x = np.random.default_rng(5).normal(size=(300, 3)).astype(np.float32)
        y = x.argmax(axis=1)
        y[::4] = (y[::4] + 1) % 3
        path = tmp_path / f"scores_{labels}.npz"
        np.savez(path, x=x, **({"y": y} if labels else {}))
        return open_dataset(path, given, RuntimeSession(session).inputs)

    return make
