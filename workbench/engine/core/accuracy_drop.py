"""What a model loses against the original it is paired with, in the unit in which people allow it."""

from workbench.engine.core.reports import EvaluationReport

_POINTS = 100


def drop_of(evaluation: EvaluationReport) -> float:
    """The point estimate: percentage points, or dB of a metric in dB; negative where the model is better."""
    difference = evaluation.difference
    return 0.0 if difference is None else -difference.value * _per_unit(evaluation)


def least_drop_of(evaluation: EvaluationReport) -> float:
    """The least that its 95 % interval allows for, in the same unit; the point estimate where there is no interval."""
    difference = evaluation.difference
    if difference is None or difference.high is None:
        return drop_of(evaluation)
    return -difference.high * _per_unit(evaluation)


def _per_unit(evaluation: EvaluationReport) -> int:
    return _POINTS if evaluation.difference is not None and evaluation.difference.unit == "fraction" else 1
