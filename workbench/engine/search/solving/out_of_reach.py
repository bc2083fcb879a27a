"""Why limits are out of reach, in one line: what is least of what they limit, or what would have to be allowed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.engine.core.search_result import Lack
from workbench.engine.search.solving.exact_solver import ExactSolver, Solved
from workbench.engine.search.solving.search_space import BYTES, LATENCY, MACS, SearchSpace
from workbench.jobs import JobContext

_TEXTS = {
    Lack.CHANNELS: "no channel may go: that takes pruning, and a scan that tried fewer channels",
    Lack.INTEGERS: "nothing may compute on integers: that takes bits, and a scan that tried activations of 8 bits",
}
_NO_FIGURE = "there is no figure for any recipe on that device"
# Of ms, so that whoever asks for what is named gets it.
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """Why limits are.

    Args:
        text: in one line.
        lacks: what was not among the options.
    """

    text: str
    lacks: tuple[Lack, ...] = ()


def why_not(solver: ExactSolver, limits: Mapping[str, float], space: SearchSpace, ctx: JobContext) -> OutOfReach:
    """Why no solution keeps the limits.

    What is named as the least is accepted where it is asked for.

    Args:
        solver: of the space.
        limits: on bytes, multiply-adds and latency; out of reach.
        space: what could be chosen.
        ctx: asked before each step.

    Raises:
        Cancelled: somebody asked to stop.
    """
    for name in limits:
        alone = solver.least(name, {}, ctx)
        if alone is None or not alone.keeps({name: limits[name]}):
            lacks = _not_allowed(name, space)
            return OutOfReach("; ".join([*_least(name, alone, ""), *(_TEXTS[lack] for lack in lacks)]), lacks)
    # Each is in reach by itself.
    name = next(one for one in (BYTES, LATENCY, MACS) if one in limits)
    together = solver.least(name, limits, ctx)
    if together is None or not together.keeps({other: limits[other] for other in limits if other != name}):
        return OutOfReach("each of them is in reach, but not together")
    return OutOfReach("; ".join(_least(name, together, " with the other limits")))


def _least(name: str, solved: Solved | None, when: str) -> list[str]:
    if solved is None or math.isinf(solved.total(name)):
        return [_NO_FIGURE] if name == LATENCY else []
    if name == BYTES:
        return [f"the smallest file{when} has {solved.file_bytes:,} bytes"]
    if name == MACS:
        return [f"the fewest{when} are {solved.macs:,} multiply-adds"]
    return [f"the fastest{when} takes {_rounded_up(solved.total(name)):g} ms, estimated"]


def _not_allowed(name: str, space: SearchSpace) -> tuple[Lack, ...]:
    """What takes some of a total away, and is not among the options."""
    if name == BYTES:
        return ()
    has_integers = space.on_integers is not None and bool(space.on_integers.any())
    return (
        *([Lack.CHANNELS] if not space.groups else []),
        *([Lack.INTEGERS] if name == LATENCY and not has_integers else []),
    )


def _rounded_up(ms: float) -> float:
    step = 10.0 ** (math.floor(math.log10(ms)) - _DIGITS + 1) if ms > 0 else 1.0
    return math.ceil(ms / step - 1e-9) * step
