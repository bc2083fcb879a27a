"""Pruning in rounds, as plain values: what is aimed at, and what each round gave."""

from dataclasses import dataclass
from enum import StrEnum

from workbench.engine.core.accuracy_drop import drop_of
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport


class Measure(StrEnum):
    """What there is to be less of."""

    MACS = "macs"
    PARAMS = "params"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class PruningTarget:
    """Where the rounds are to end.

    Args:
        measure: what is counted.
        value: the share of it to remove, 0…1; of bytes, the most that the file may have.
    """

    measure: Measure
    value: float


class StopReason(StrEnum):
    """Why a round was the last one."""

    TARGET = "the target is met"
    DROP = "more accuracy is lost than is allowed"
    EXHAUSTED = "no more channels can go"


@dataclass(frozen=True, slots=True)
class ModelSize:
    """How large a model is; `macs` is None where a shape is unknown."""

    macs: int | None
    num_params: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class PruningRound:
    """One round: a recipe on the original model, and what it gives.

    Args:
        number: from 1.
        recipe: gives this round's very file from the original model, in whatever session.
        ratio: of the channels removed; of the rule that asks most where rules differ.
        removed: share of the target's measure that is gone, 0…1.
        size: of the file that the recipe gives.
        evaluation: of that file, paired with the original.
        seconds: that the round took in all.
        recovered_by: what was fitted after channels went, in words; empty if nothing was.
        is_allowed: whether no more accuracy is lost than is allowed.
        stop: why this is the last round; None if it is not.
    """

    number: int
    recipe: Recipe
    ratio: float
    removed: float
    size: ModelSize
    evaluation: EvaluationReport
    seconds: float
    recovered_by: str = ""
    is_allowed: bool = True
    stop: StopReason | None = None

    @property
    def difference(self) -> Figure | None:
        """This minus the original, paired on the same samples."""
        return self.evaluation.difference

    @property
    def drop(self) -> float:
        """What is lost: percentage points, or dB; the point estimate, negative where the pruned model is better."""
        return drop_of(self.evaluation)
