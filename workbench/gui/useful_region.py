"""Which part of the accuracies is worth looking at: points of hopeless accuracy would press all others together."""

from collections.abc import Sequence

# Three times what may be lost; without a floor, a tenth of what the original has.
_TIMES_BUDGET, _TENTH = 3, 0.1
# A view that would be hardly taller shows all.
_HARDLY = 1.5
_AT_LEAST = 2


def useful_from(values: Sequence[float], original: float | None, floor: float | None) -> float | None:
    """The least accuracy that is in sight; None where all are.

    The best two are always in sight, be they hopeless.

    Args:
        values: of the points, without the original's.
        original: the accuracy of the model as it is; None where it is not known.
        floor: the budget; None where there is none.

    >>> useful_from([98.5, 97.0, 10.0], 99.0, 98.0), useful_from([98.5, 97.0, 10.0], 99.0, None)
    (96.0, 89.1)
    >>> useful_from([98.5, 97.0], 99.0, 98.0) is None
    True
    """
    if original is None or len(values) < _AT_LEAST:
        return None
    is_limit = floor is not None and floor < original
    depth = _TIMES_BUDGET * (original - floor) if is_limit and floor is not None else _TENTH * abs(original)
    best = sorted(values, reverse=True)[_AT_LEAST - 1]
    least = min(original - depth, best)
    return least if original - min(values) > _HARDLY * (original - least) else None
