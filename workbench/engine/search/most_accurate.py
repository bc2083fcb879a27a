"""The best accuracy within limits on bytes, multiply-adds and latency."""

from collections.abc import Iterator

from workbench.engine.search.search_run import Found, SearchRun
from workbench.engine.search.solving.exact_solver import PLAIN, Way
from workbench.engine.search.solving.out_of_reach import why_not
from workbench.engine.search.solving.search_space import KL
from workbench.jobs import JobContext

# The solver takes what the scan happens to underrate, the more the more it may choose from. Where the sum is off,
# one of these is nearer.
# Ways as such, and the limits on all but bytes as shares of what is asked: channels go by coarse steps, of which a
# tighter limit may give the better ones.
_WAYS = (
    (PLAIN, 1.0),
    (Way(by_divergence=True), 1.0),
    (Way(prunes_weights=False), 1.0),
    (Way(0.8), 1.0),
    (Way(0.8, prunes_weights=False), 1.0),
    (Way(1.25), 1.0),
    (Way(0.65, prunes_weights=False), 1.0),
)
_TIGHTER = ((PLAIN, 0.97), (PLAIN, 0.94))


def most_accurate(run: SearchRun, count: int, ctx: JobContext) -> Iterator[None]:
    """Of several ways to weigh the same scan, find the one that measures best.

    Args:
        run: holds what is found; at each step something is.
        count: ways that are tried at most, besides what makes up for losses and what keeps tighter limits.
        ctx: asked before each step; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
    """
    limits = run.limits_with_bytes
    ways = (*_WAYS[:count], *(_TIGHTER if run.limits else ()))
    tried: set[str] = set()
    for number, (way, share) in enumerate(ways):
        part = ctx.part(number / len(ways), (number + 1) / len(ways))
        part.checkpoint()
        tighter = {name: share * limit for name, limit in run.limits.items()}
        solved = run.solver.solve(KL, {**limits, **tighter}, part, way)
        if solved is None and (way, share) == (PLAIN, 1.0):
            why = why_not(run.solver, limits, run.space, part)
            run.refusal, run.lacks = f"out of reach: {run.budgets_text}; {why.text}", why.lacks
            return
        if solved is None or solved.recipe.digest in tried:
            continue
        tried.add(solved.recipe.digest)
        point = run.measured(solved, part)
        if point is None:
            continue
        found = Found(solved, point)
        if run.is_allowed(found.point):
            run.best = run.better(run.best, found)
        run.nearest = run.better(run.nearest, found)
        yield
    run.finish(ctx)
