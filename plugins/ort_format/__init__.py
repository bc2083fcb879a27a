"""ONNX Runtime's `.ort` format: a flat buffer that its small builds for phones open without a parser.

Written by ONNX Runtime itself. Only its basic optimizations are applied, those that hold on every processor:
packed weights are unfolded by them, so the file is about as large as the dense model.
"""

import tempfile
from pathlib import Path

from workbench.plugin_api import Exporter, ExportError, hook


@hook
def exporters() -> list[Exporter]:
    """The `.ort` exporter."""
    return [
        Exporter(
            name="ort",
            summary="ONNX Runtime's format for its mobile builds; weights are stored unpacked",
            suffix=".ort",
            write=write_ort,
        )
    ]


def write_ort(model: bytes, path: Path) -> None:
    """Write a model in `.ort` format.

    Args:
        model: a serialized ONNX model without external data.
        path: the file to write; it appears whole or not at all.

    Raises:
        ExportError: ONNX Runtime cannot open the model, or the file cannot be written.

    Source: https://onnxruntime.ai/docs/performance/model-optimizations/ort-format-models.html
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_session_config_entry("session.save_model_format", "ORT")
    try:
        # In a folder of its own beside the target, so that the last step is a rename on the same disk.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".ort-") as folder:
            written = Path(folder) / "model.ort"
            options.optimized_model_filepath = str(written)
            onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            written.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from error
    except Exception as error:  # onnxruntime's own errors have no common base class
        raise ExportError(f"{path}: ONNX Runtime could not write this model: {error}") from error
