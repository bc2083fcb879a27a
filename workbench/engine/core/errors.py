"""Errors meant for people. Anything else that is raised is a fault of the program.

WorkbenchError
├── ModelError          a model file cannot be read, or cannot be used as it is
├── DataError           samples cannot be read, or do not fit the model
├── RecipeError         a recipe is malformed, or asks what no layer has
├── RangeError          a quantization range is NaN, infinite or inverted
├── RunError            the runtime refused or failed to run a model
├── ExportError         a file could not be written
├── VerificationError   a written file is not what was previewed
├── ProjectError        a project file cannot be read, or a store of measurements used
├── PluginError         a plugin is malformed or failed
└── WorkerError         the engine's process ended, or answered nonsense
"""


class WorkbenchError(Exception):
    """A problem to show to a person: what happened and where, and what to do about it.

    Args:
        message: one sentence, what and where; without a full stop at the end.
        hint: one sentence, what to do; empty if there is nothing to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message and the hint on one line."""
        text = f"{self.message}; {self.hint}" if self.hint else self.message
        return " ".join(text.split())


class ModelError(WorkbenchError):
    """A model file cannot be read, or cannot be used as it is."""


class DataError(WorkbenchError):
    """Samples cannot be read, or do not fit the model."""


class RecipeError(WorkbenchError):
    """A recipe is malformed, or asks what no layer has."""


class RangeError(WorkbenchError):
    """A quantization range is NaN, infinite or inverted."""


class RunError(WorkbenchError):
    """The runtime refused or failed to run a model."""


class ExportError(WorkbenchError):
    """A file could not be written."""


class VerificationError(WorkbenchError):
    """A written file is not what was previewed."""


class ProjectError(WorkbenchError):
    """A project file cannot be read, or a store of measurements used."""


class PluginError(WorkbenchError):
    """A plugin is malformed or failed."""


class WorkerError(WorkbenchError):
    """The engine's process ended, or answered nonsense."""
