"""The smallest file within an allowed drop: nearer to it from round to round, then smaller step by step."""

import math
from collections.abc import Iterator

from workbench.engine.core.search_result import ParetoPoint
from workbench.engine.search.prediction.accuracy_fit import lost
from workbench.engine.search.search_run import Found, SearchRun
from workbench.engine.search.solving.exact_solver import PLAIN, Way
from workbench.engine.search.solving.search_space import BYTES, KL
from workbench.jobs import JobContext

# A round goes back by at least so much where too much was lost, on where so little was, and by no more than so much.
_BACK, _ONWARD = 0.8, 0.7
_FAR = 4.0
# Smaller files than the first that is allowed: by which share each, the least one, and how many are measured.
_STEP, _LEAST_STEP, _NUM_SMALLER = 0.06, 0.007, 10
_WAYS = (PLAIN, Way(1.25), Way(0.8, prunes_weights=False))


def smallest_file(run: SearchRun, count: int, ctx: JobContext) -> Iterator[None]:
    """Find the smallest file within the allowed drop.

    Args:
        run: holds what is found; at each step something is.
        count: recipes that are measured at most on the way to the first one that is allowed.
        ctx: asked before each step; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
    """
    yield from _nearer(run, count, ctx.part(0, 0.4))
    run.finish(ctx.part(0.4, 0.5))
    yield from _step_by_step(run, _NUM_SMALLER, ctx.part(0.5, 1))


def larger_files(run: SearchRun, ctx: JobContext) -> Iterator[ParetoPoint]:
    """The best recipes of larger and larger files than the smallest, each by twice the last step, that are allowed."""
    assert run.best is not None
    size, step = float(run.best.point.file_bytes), _STEP
    while True:
        size, step = size * (1 + step), 2 * step
        solved = run.solver.solve(KL, {**run.limits, BYTES: size}, ctx)
        if solved is None:
            return
        point = run.measured(solved, ctx)
        if point is not None and run.is_allowed(point):
            yield point


def _nearer(run: SearchRun, count: int, ctx: JobContext) -> Iterator[None]:
    """Recipes at the divergence at which about so much is lost, corrected by what the last one lost."""
    allowed = run.allowed_drop
    kl, most = run.kl_at(allowed), math.inf
    tried: set[str] = set()
    for number in range(count):
        part = ctx.part(number / count, (number + 1) / count)
        part.checkpoint()
        picks = run.solver.settled(BYTES, {**run.limits, KL: kl})
        if picks is None:
            break
        solved = run.solver.exactly(picks, part)
        point = run.measured(solved, part)
        if point is None:
            kl *= _BACK
            continue
        if not run.is_allowed(point):
            # What loses too much may lose less with what makes up for it, and is smaller than what comes next.
            point = run.made_up_for(Found(solved, point), part)
        if not run.is_allowed(point):
            run.nearest, most = Found(solved, point), min(most, solved.kl)
        elif run.best is None or point.file_bytes < run.best.point.file_bytes:
            run.best = Found(solved, point)
        yield
        drop = lost(point.measured) if point.measured is not None else 0.0
        # Within an infinite divergence there is no smaller file.
        is_enough = 0 < _ONWARD * allowed < drop or solved.recipe.digest in tried or math.isinf(kl)
        if run.is_allowed(point) and is_enough:
            break
        tried.add(solved.recipe.digest)
        least = 0.0 if run.best is None else run.best.solved.kl
        kl = _next_kl(run, solved.kl or kl, drop, is_allowed=run.is_allowed(point))
        # Between what is known to be allowed and what is known to lose too much.
        if not least < kl < most:
            kl = (least + most) / 2 if math.isfinite(most) else max(kl, least / _BACK)


def _next_kl(run: SearchRun, kl: float, drop: float, *, is_allowed: bool) -> float:
    """The divergence to try after one that lost so much: the curve as if it went through that point.

    Steps of a secant do the same. Never a number too far from the last one, and never none.
    """
    aimed, reached = run.kl_at(run.allowed_drop), run.prediction.kl_for(drop)
    if math.isinf(reached):
        aim = 0.0
    elif math.isinf(aimed):
        aim = math.inf
    else:
        aim = kl * aimed / max(reached, 1e-12)
    return min(max(aim, kl / _BACK), _FAR * kl) if is_allowed else max(min(aim, _BACK * kl), kl / _FAR)


def _step_by_step(run: SearchRun, count: int, ctx: JobContext) -> Iterator[None]:
    """Ask for less and less than the best file has: other ways to weigh the scan may keep what was lost.

    Among many recipes one is within the allowed drop by chance: these have to be so by their divergence, too.
    """
    step, num_measured, tried = _STEP, 0, {point.recipe.digest for point in run.points if point.measured}
    while run.best is not None and step >= _LEAST_STEP and num_measured < count:
        size = (1 - step) * run.best.point.file_bytes
        is_smaller = False
        for way in _WAYS:
            ctx.checkpoint()
            solved = run.solver.solve(KL, {**run.limits, BYTES: size}, ctx, way)
            if solved is None or solved.recipe.digest in tried or num_measured >= count:
                continue
            tried.add(solved.recipe.digest)
            part = ctx.part(num_measured / count, (num_measured + 1) / count)
            point = run.measured(solved, part)
            num_measured += 1
            if point is None:
                continue
            if not run.is_surely_allowed(point):
                point = run.made_up_for(Found(solved, point), part)
            # Corrected biases may take bytes where there were none.
            if run.is_surely_allowed(point) and point.file_bytes < run.best.point.file_bytes:
                run.best, is_smaller = Found(solved, point), True
            yield
            if is_smaller:
                break
        if not is_smaller:
            step /= 2
