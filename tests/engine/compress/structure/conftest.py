"""Flows of small models written as text."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.recipe import Calibration
from workbench.engine.data.dataset import open_dataset
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.walk import walk
from workbench.engine.graph.fold_constants import fold_constants


@pytest.fixture
def make_flow() -> Callable[..., Flow]:
    """Walks a graph given as text, with its weights by name."""

    def make(graph: str, opset: int = 13, **weights: object) -> Flow:
        proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> {graph}')
        for name, value in weights.items():
            proto.graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        fold_constants(proto)
        return walk(proto)

    return make


@pytest.fixture
def make_samples(tmp_path: Path) -> Callable[..., CalibrationSet]:
    """Samples of one input `x` from an array, with labels where they are given, taken as they are."""

    def make(x: np.ndarray, labels: list[int] | None = None, count: int = 100) -> CalibrationSet:
        path = tmp_path / "samples.npz"
        arrays = {"x": x.astype(np.float32)} | ({} if labels is None else {"y": np.array(labels)})
        np.savez(path, **arrays)
        settings = {"scale": 1.0, "mean": 0.0, "std": 1.0, "layout": "raw"}
        inputs = [TensorInfo("x", "float", ("N", *x.shape[1:]))]
        return CalibrationSet(open_dataset(path, settings, inputs), Calibration(count, 0))

    return make
