"""What a compressed model can be written as: ONNX, and the formats of plugins."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format, as a list offers it.

    Args:
        name: unique among all formats; lower case.
        summary: one line.
        suffix: of the written file, with its dot.
    """

    name: str
    summary: str
    suffix: str


# The one format whose file is opened again and compared with the preview.
ONNX_FORMAT = ExportFormat("onnx", "Opens in an unmodified ONNX Runtime; compared with the preview.", ".onnx")


@dataclass(frozen=True, slots=True)
class ExportFormats:
    """All formats, ONNX first, and one line for each plugin that could not be loaded."""

    formats: tuple[ExportFormat, ...] = (ONNX_FORMAT,)
    problems: tuple[str, ...] = ()
