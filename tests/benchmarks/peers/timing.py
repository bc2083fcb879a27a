"""Times of things that run in turns, so that a slow spell of the machine meets all of them."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """Quartiles of one time over another, round by round."""

    low: float
    middle: float
    high: float
    num_rounds: int

    def __str__(self) -> str:
        return f"{self.middle:.2f}× (of {self.num_rounds} rounds: half from {self.low:.2f} to {self.high:.2f})"


def times_in_turns(works: Mapping[str, Callable[[], object]], *, rounds: int, runs: int = 1) -> dict[str, list[float]]:
    """Seconds of each work in each round, the fastest of a few runs; a round before the first warms up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    order = list(works)
    for number in range(rounds + 1):
        for name in order:
            seconds = min(_seconds(works[name]) for _ in range(runs))
            if number:
                times[name].append(seconds)
        # Whoever ran first runs last: what a work leaves in the caches helps each of the others as often.
        order = order[1:] + order[:1]
    return times


def ratio(of: list[float], over: list[float]) -> Ratio:
    """One work's times over another's."""
    low, middle, high = statistics.quantiles([one / other for one, other in zip(of, over, strict=True)], n=4)
    return Ratio(low, middle, high, len(of))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
