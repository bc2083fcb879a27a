"""What the preview's banner says of the budgets: which are met, which are missed, and what is missing to know it."""

from collections.abc import Mapping
from dataclasses import dataclass

_COUNTS = {3: "three", 4: "four"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A banner's tone and its two texts."""

    tone: str
    headline: str
    detail: str


def budget_verdict(
    states: Mapping[str, bool | None],
    *,
    has_model: bool,
    has_data: bool,
    has_budgets: bool,
    is_final: bool,
    is_stopped: bool = False,
    is_predicted: bool = False,
) -> Verdict:
    """What to say.

    Args:
        states: by budget, whether it is met; None where there is none or nothing is known of it.
        has_model: whether a model is open.
        has_data: whether samples are.
        has_budgets: whether any limit is set.
        is_final: whether the accuracy was measured of this recipe on all samples.
        is_stopped: whether somebody has stopped that.
        is_predicted: whether the accuracy is one that a scan predicts.
    """
    if not has_model:
        return Verdict("accent", "Nothing open", "open a model to begin")
    missed = [name for name, met in states.items() if met is False]
    met = [name for name, met in states.items() if met]
    if missed:
        return Verdict("bad", "Over budget: " + ", ".join(missed), "keeps " + ", ".join(met) if met else "")
    if met and has_data:
        is_all = len(met) == len(states)
        headline = f"All {_COUNTS[len(met)]} budgets met" if is_all else f"Budget met: {', '.join(met)}"
        unfinished = "accuracy stopped before all samples" if is_stopped else "accuracy still being measured"
        if is_predicted:
            unfinished = "accuracy estimated from the scan"
        return Verdict("good", headline, "accuracy measured" if is_final else unfinished)
    if not has_data:
        return Verdict("accent", "No data yet", "open samples to measure accuracy")
    if has_budgets and is_stopped:
        return Verdict("accent", "Stopped", "measure again to hold the accuracy against its budget")
    if has_budgets:
        return Verdict("accent", "Measuring", "the budgets wait for figures of this recipe")
    return Verdict("accent", "No budgets set", "drag on a bar below to set one")
