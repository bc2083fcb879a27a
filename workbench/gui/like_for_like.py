"""Accuracies of different samples made comparable: by their differences to the original on the same samples."""

import math
from dataclasses import dataclass, replace

from workbench.engine.core.measurement import Figure


@dataclass(frozen=True, slots=True)
class Comparison:
    """An accuracy beside the original's.

    Args:
        figure: as it was measured or predicted; of other samples, the original's accuracy and the difference to it.
        is_apart: whether it is of other samples than the original's.
    """

    figure: Figure
    is_apart: bool = False


def like_for_like(
    accuracy: Figure, original: Figure | None, *, reference: Figure | None = None, difference: Figure | None = None
) -> Comparison | None:
    """What can be held against the original's accuracy; None where nothing can.

    Args:
        accuracy: on some samples.
        original: of the model as it is, perhaps on others; None where it is not known.
        reference: of the model as it is, on the same samples as `accuracy`.
        difference: of `accuracy` to `reference`, with its own interval.
    """
    if original is None or _is_of_same_samples(accuracy, original, reference):
        return Comparison(accuracy)
    if difference is None and reference is not None:
        shift = original.value - reference.value
        return Comparison(_shifted(accuracy, shift), is_apart=True)
    if difference is None:
        return None
    moved = replace(difference, origin=accuracy.origin, n=accuracy.n)
    return Comparison(_shifted(moved, original.value), is_apart=True)


def _is_of_same_samples(accuracy: Figure, original: Figure, reference: Figure | None) -> bool:
    if accuracy.n and original.n and accuracy.n != original.n:
        return False
    # Of as many samples, but others: the original has another accuracy there.
    return reference is None or math.isclose(reference.value, original.value, rel_tol=1e-9)


def _shifted(figure: Figure, by: float) -> Figure:
    ends = (None if end is None else end + by for end in (figure.low, figure.high))
    low, high = ends
    return replace(figure, value=figure.value + by, low=low, high=high)
