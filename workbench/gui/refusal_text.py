"""Why a search found nothing, and what of the window can be changed about that: a line each."""

from workbench.engine.core.search_result import Lack, SearchBudgets, SearchResult

_NOTHING = "no recipe is within the budgets"
_TRIED_BY = {
    Lack.CHANNELS: "“Fewer channels”",
    Lack.INTEGERS: "8 under “Bits of activations”",
}


def refusal_lines(result: SearchResult) -> tuple[str, ...]:
    """The reason first, then which budgets to loosen, then what to scan beside.

    >>> from workbench.engine.core.measurement import Figure, Origin
    >>> budgets = SearchBudgets(max_bytes=500, max_drop=1)
    >>> original = Figure(0.9, "fraction", Origin.MEASURED)
    >>> refusal_lines(SearchResult(budgets, "top1", original, refusal="the smallest file has 600 bytes"))
    ('the smallest file has 600 bytes', 'Loosen a budget in the preview: the limit on size or the floor of accuracy.')
    """
    lines = [result.refusal or _NOTHING]
    names = _budget_names(result.budgets)
    if names:
        which = "a budget" if len(names) > 1 else "the budget"
        lines.append(f"Loosen {which} in the preview: {' or '.join(names)}.")
    if result.lacks:
        tried = " and ".join(_TRIED_BY[lack] for lack in result.lacks)
        lines.append(f"Or choose {tried} in the settings of the page Sensitivity, measure, and search again.")
    return tuple(lines)


def _budget_names(budgets: SearchBudgets) -> list[str]:
    names = (
        (budgets.max_bytes, "the limit on size"),
        (budgets.max_latency_ms, "the limit on the latency on the device"),
        (budgets.max_drop, "the floor of accuracy"),
    )
    return [name for limit, name in names if limit is not None]
