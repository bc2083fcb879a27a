"""One time that a user measured."""

from dataclasses import dataclass

from workbench.engine.latency.operator import Operator


@dataclass(frozen=True, slots=True)
class OwnMeasurement:
    """A model's time on a user's device.

    Args:
        operators: of the model.
        ms: of one inference at batch 1.
        name: what the model is called; may be empty.
    """

    operators: tuple[Operator, ...]
    ms: float
    name: str = ""
