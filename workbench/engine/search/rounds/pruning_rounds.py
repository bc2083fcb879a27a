"""Pruning in rounds: remove some more channels, recover, measure, until the target or the allowed drop is reached.

Each round's recipe is a whole one on the original model, with a higher ratio than the round before. Scores are those
of the original model in all rounds: taken anew on the model of the round before, as Molchanov et al. 2017
(arXiv:1611.06440) do between steps of training, they would depend on the way there, and a recipe that says only how
much to remove would not give the round's file again.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from workbench.engine.core.accuracy_drop import drop_of
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.pruning_round import (
    Measure,
    ModelSize,
    PruningRound,
    PruningTarget,
    StopReason,
)
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.search.rounds.channel_ratios import at_ratio
from workbench.jobs import JobContext

# Ratios are tried in thousandths, as a person would write them.
_LEVELS = 1000
_ROUNDING = 1e-9
# How often a round that missed the last target by its estimate is tried again, and by how much more than it missed.
_MOST_TRIES, _MARGIN = 5, 0.002


class Bench(Protocol):
    """The model that is pruned, and its samples."""

    def estimate(self, recipe: Recipe, ctx: JobContext) -> ModelSize:
        """How large the model without the recipe's channels is, and nothing else done to it; quick."""

    def build(self, recipe: Recipe, ctx: JobContext) -> ModelSize:
        """How large what the recipe gives is."""

    def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
        """How good what the recipe gives is, against the original."""

    def recovered_by(self, recipe: Recipe, ctx: JobContext) -> str:
        """What is fitted after channels went, in words."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One ratio, in thousandths, with the share of the measure that it removes by estimate."""

    level: int
    removed: float


def prune_rounds(
    recipe: Recipe, target: PruningTarget, bench: Bench, ctx: JobContext, *, max_drop: float | None, step: float
) -> Iterator[PruningRound]:
    """Rounds of rising ratios, each as it is measured; the last one says why it is the last.

    A round removes the least that brings the share removed to the next multiple of `step`, or to the target. Which
    round is within the allowed drop is decided by the point estimate of the paired difference: its interval says how
    sure that is, and with few samples its worse end would stop every search at once.

    Args:
        recipe: with rules that prune channels, whose ratios are raised in proportion, and whatever else is done.
        target: where to end.
        bench: measures recipes.
        ctx: asked before each step; told the progress. What was yielded stays valid when it is cancelled.
        max_drop: percentage points of accuracy, or dB of a metric in dB, that may be lost; None for no limit.
        step: share of the target's measure that a round removes, more than 0.

    Raises:
        Cancelled: somebody asked to stop.
        RecipeError: the target is none, is met before anything is removed, or no channel can go.
    """
    search = _Search(recipe, target, bench, ctx)
    number, reached = 0, 0.0
    while True:
        number += 1
        start = time.perf_counter()
        wanted = min(search.wanted, (int(reached / step + _ROUNDING) + 1) * step)
        part = ctx.part(min(1.0, reached / search.wanted), min(1.0, wanted / search.wanted), f"round {number}")
        level, size = search.next(wanted, part.part(0, 0.5))
        found = at_ratio(recipe, level / _LEVELS)
        evaluation = bench.evaluate(found, part.part(0.5, 1))
        reached = search.removed(size)
        is_allowed = max_drop is None or drop_of(evaluation) <= max_drop + _ROUNDING
        stop = None
        if not is_allowed:
            stop = StopReason.DROP
        elif reached >= search.wanted - _ROUNDING:
            stop = StopReason.TARGET
        elif search.is_most(level):
            stop = StopReason.EXHAUSTED
        seconds = time.perf_counter() - start
        recovered = bench.recovered_by(found, part)
        yield PruningRound(
            number, found, level / _LEVELS, reached, size, evaluation, seconds, recovered, is_allowed, stop
        )
        if stop is not None:
            return


class _Search:
    """Finds the ratios that remove what is wanted."""

    def __init__(self, recipe: Recipe, target: PruningTarget, bench: Bench, ctx: JobContext) -> None:
        self._recipe, self._measure, self._bench = recipe, target.measure, bench
        whole = at_ratio(recipe, 0.0)
        self._estimated = self._count(bench.estimate(whole, ctx))
        # Of a quantized file the bytes without pruning are not those of the original.
        is_bytes = target.measure is Measure.BYTES
        self._whole = self._count(bench.build(whole, ctx)) if is_bytes else self._estimated
        self.wanted = 1 - target.value / self._whole if is_bytes else target.value
        self._known: dict[int, float] = {}
        self._last = 0
        self._check(target, ctx)

    def removed(self, size: ModelSize) -> float:
        """Share of the measure that is gone from a model of this size."""
        return 1 - self._count(size) / self._whole

    def next(self, wanted: float, ctx: JobContext) -> tuple[int, ModelSize]:
        """The least level above the last one that removes so much, built."""
        aim = wanted
        for _ in range(_MOST_TRIES):
            found = self._least(aim, ctx)
            size = self._bench.build(at_ratio(self._recipe, found.level / _LEVELS), ctx)
            missed = wanted - self.removed(size)
            if missed <= _ROUNDING or wanted < self.wanted or self.is_most(found.level):
                break
            # What the file adds to the channels' numbers was not foreseen.
            aim = found.removed + missed + _MARGIN
        self._last = found.level
        return found.level, size

    def is_most(self, level: int) -> bool:
        """Whether nothing more goes at higher ratios."""
        return self._share(level, JobContext()) >= self._most - _ROUNDING

    def _least(self, wanted: float, ctx: JobContext) -> _Step:
        low, high = self._last, _LEVELS
        if self._share(high, ctx) < wanted:
            # As far as it goes, by the least ratio that goes so far.
            wanted = self._most
        while high - low > 1:
            ctx.checkpoint()
            middle = (low + high) // 2
            low, high = (low, middle) if self._share(middle, ctx) >= wanted - _ROUNDING else (middle, high)
        return _Step(high, self._share(high, ctx))

    def _share(self, level: int, ctx: JobContext) -> float:
        if level not in self._known:
            size = self._bench.estimate(at_ratio(self._recipe, level / _LEVELS), ctx)
            self._known[level] = 1 - self._count(size) / self._estimated
        return self._known[level]

    def _count(self, size: ModelSize) -> int:
        if self._measure is Measure.MACS and size.macs is None:
            raise RecipeError("the model's multiply-adds are not known", "take parameters or bytes as the target")
        counts = {Measure.MACS: size.macs or 0, Measure.PARAMS: size.num_params, Measure.BYTES: size.file_bytes}
        return max(1, counts[self._measure])

    def _check(self, target: PruningTarget, ctx: JobContext) -> None:
        if target.measure is Measure.BYTES and self.wanted <= 0:
            raise RecipeError(
                f"the file has {self._whole:,} bytes before any channel goes, no more than {target.value:,.0f}",
                "nothing has to be removed; give fewer bytes",
            )
        if not 0 < self.wanted < 1:
            raise RecipeError(f"a target of {target.value:g} is none", "give a share between 0 and 1, or some bytes")
        self._most = self._share(_LEVELS, ctx)
        if self._most <= _ROUNDING:
            raise RecipeError("no channel can go", "`workbench inspect` says why; take other layers or another model")
