"""Models written as ONNX text."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper

_HEADER = 'ir_version: 8, opset_import: ["" : 13, "com.microsoft" : 1, "my.company" : 1]'


@pytest.fixture
def save_text_model(tmp_path: Path) -> Callable[..., Path]:
    """Save a graph given as text, with initializers from arrays or shapes, and return the file's path."""

    def save(
        graph: str,
        weights: Mapping[str, npt.NDArray[np.generic] | tuple[int, ...]] | None = None,
        header: str = _HEADER,
    ) -> Path:
        proto = onnx.parser.parse_model(f"<{header}> {graph}")
        for name, value in (weights or {}).items():
            array = np.ones(value, np.float32) if isinstance(value, tuple) else value
            proto.graph.initializer.append(numpy_helper.from_array(array, name))
        path = tmp_path / "model.onnx"
        path.write_bytes(proto.SerializeToString())
        return path

    return save
