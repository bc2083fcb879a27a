"""A small network with a shortcut, and samples for it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.recipe import Calibration
from workbench.engine.data.dataset import open_dataset
from workbench.engine.graph.model import load_model

_BLOCK = """
  c1 = Conv<pads = [1,1,1,1]>(x, w1, b1)
  r1 = Relu(c1)
  c2 = Conv<pads = [1,1,1,1]>(r1, w2, b2)
  s = Add(c2, r1)
  r2 = Relu(s)
  p = GlobalAveragePool(r2)
  f = Flatten(p)
  y = Gemm<transB = 1>(f, w3, b3)
"""
NUM_SAMPLES = 40


def _weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(4)
    return {
        "w1": random.normal(size=(8, 3, 3, 3)) / 3,
        "b1": random.normal(size=8) / 2,
        "w2": random.normal(size=(8, 8, 3, 3)) / 6,
        "b2": random.normal(size=8) / 2,
        "w3": random.normal(size=(5, 8)),
        "b3": random.normal(size=5),
    }


@pytest.fixture
def shortcut_model(tmp_path: Path) -> Callable[..., Compressor]:
    """Opens the network, with other weights where they are given."""

    def make(body: str = _BLOCK, output: str = "float[N,5] y", **changed: np.ndarray) -> Compressor:
        proto = onnx.parser.parse_model(
            f'<ir_version: 8, opset_import: ["" : 13]> m (float[N,3,8,8] x) => ({output}) {{ {body} }}'
        )
        read = {name for node in proto.graph.node for name in node.input}
        for name, value in {**_weights(), **changed}.items():
            if name in read:
                proto.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
        path = tmp_path / "shortcut.onnx"
        path.write_bytes(proto.SerializeToString())
        return Compressor(load_model(path))

    return make


@pytest.fixture
def samples(tmp_path: Path) -> Callable[..., CalibrationSet]:
    """Forty seeded pictures of 8×8 pixels, as floats."""

    def make(bench: Compressor, count: int = NUM_SAMPLES, seed: int = 0) -> CalibrationSet:
        path = tmp_path / "x.npz"
        np.savez(path, x=np.random.default_rng(9).normal(size=(NUM_SAMPLES, 3, 8, 8)).astype(np.float32))
        dataset = open_dataset(path, {"scale": 1.0, "mean": 0.0, "std": 1.0}, bench.model.info.inputs)
        return CalibrationSet(dataset, Calibration(count, seed))

    return make
