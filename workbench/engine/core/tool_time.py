"""One time that a tool measured."""

import re
from dataclasses import dataclass
from pathlib import PurePath

_ENDING = re.compile(r"\.(onnx|ort|tflite|lite|param|bin|dlc|mnn|pb)$")


@dataclass(frozen=True, slots=True)
class ToolTime:
    """A network's time.

    Args:
        tool: that printed it.
        ms: average of one inference.
        n: number of runs; 0 if the tool does not say.
        network: its name; empty if the tool does not say.
        min_ms, max_ms: None if the tool does not say.
    """

    tool: str
    ms: float
    n: int = 0
    network: str = ""
    min_ms: float | None = None
    max_ms: float | None = None

    def names_other(self, model: PurePath) -> bool:
        """Whether the tool names a network that is not called as a model's file; not if it names none.

        Folders, the file's ending, and how words are joined or written do not count.

        >>> time = ToolTime("benchmark_model", 31.2, network="/data/local/tmp/MobileNet-v2.tflite")
        >>> time.names_other(PurePath("mobilenet_v2.onnx")), time.names_other(PurePath("mobilenet_v3.onnx"))
        (False, True)
        """
        return bool(self.network) and _plain(self.network) != _plain(model.name)


def _plain(name: str) -> str:
    last = re.split(r"[/\\]", name)[-1].lower()
    return re.sub(r"[\W_]+", "", _ENDING.sub("", last))
