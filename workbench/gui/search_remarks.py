"""What is to be known of a search's result beside its figures, as the window says it: a line each."""

from workbench.engine.core.format import format_with_interval
from workbench.engine.core.search_result import SearchResult


def search_remarks(result: SearchResult) -> str:
    """The winner on other samples or what flatters it, and what the search noted; "" where there is nothing to say.

    >>> from workbench.engine.core.measurement import Figure, Origin
    >>> from workbench.engine.core.search_result import SearchBudgets
    >>> original = Figure(0.9, "fraction", Origin.MEASURED)
    >>> search_remarks(SearchResult(SearchBudgets(max_bytes=9), "top1", original, notes=("this", "that"))).split()
    ['this', 'that']
    """
    lines = []
    confirmed = result.confirmed
    if confirmed is not None:
        parts = [format_with_interval(confirmed.figure)]
        if confirmed.difference is not None:
            parts.append(format_with_interval(confirmed.difference, difference=True))
        lines.append(f"On {confirmed.done:,} other samples: {', '.join(parts)}")
    elif result.note and result.is_final:
        note = result.note
        lines.append(f"{note[0].upper()}{note[1:]}: others may lose more")
    return "\n".join([*lines, *result.notes])
