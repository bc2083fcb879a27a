"""The best accuracy within limits on bytes, multiply-adds and latency."""

from collections.abc import Iterator

from workbench.engine.search.search_run import Found, SearchRun
from workbench.engine.search.solving.exact_solver import PLAIN, Way
from workbench.engine.search.solving.out_of_reach import why_not
from workbench.engine.search.solving.search_space import KL
from workbench.jobs import JobContext

# The solver takes what the scan happens to underrate, the more the more it may choose from. Where the sum is off,
# one of these is nearer.
_WAYS = (
    PLAIN,
    Way(prunes_weights=False),
    Way(0.8),
    Way(0.8, prunes_weights=False),
    Way(1.25),
    Way(0.65, prunes_weights=False),
)


def most_accurate(run: SearchRun, count: int, ctx: JobContext) -> Iterator[None]:
    """Of several ways to weigh the same scan, find the one that measures best.

    Args:
        run: holds what is found; at each step something is.
        count: recipes that are measured at most, besides those that make up for losses.
        ctx: asked before each step; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
    """
    limits = run.limits_with_bytes
    tried: set[str] = set()
    for number, way in enumerate(_WAYS[:count]):
        part = ctx.part(number / count, (number + 1) / count)
        part.checkpoint()
        solved = run.solver.solve(KL, limits, part, way)
        if solved is None and way == PLAIN:
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
