"""Verbs that find a recipe: scans, predictions, searches and rounds of pruning."""

import dataclasses
from collections import deque
from collections.abc import Iterator

from workbench.bench import Bench
from workbench.engine.core.accuracy_prediction import AccuracyPrediction
from workbench.engine.core.errors import DataError, RecipeError
from workbench.engine.core.pruning_round import PruningRound, PruningTarget
from workbench.engine.core.recipe import RECOVERIES, Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import SearchBudgets, SearchResult
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan
from workbench.engine.search.rounds.channel_ratios import with_channel_rules
from workbench.engine.search.rounds.pruning_rounds import prune_rounds
from workbench.engine.search.rounds.round_bench import RoundBench
from workbench.engine.search.solving.search_space import SearchMeans
from workbench.jobs import JobContext
from workbench.scanning import DEFAULT_SAMPLES, Scanning
from workbench.searching import DEFAULT_LIMIT, Makers, Searching
from workbench.session.on_bench import OnBench

# Of rounds without rules of their own, which have samples: at half of ResNet-20's multiply-adds, layers fitted on 256
# samples, it kept 64 % of 1,000 right, geometric_median 61 and l2 58.
_ROUNDS_CRITERION = "activation_magnitude"


class FindingVerbs(OnBench):
    """What recipe to take."""

    def scan(
        self,
        axes: ScanAxes | None = None,
        *,
        samples: int = DEFAULT_SAMPLES,
        early: bool = False,
        workers: int = 0,
        cluster: str | None = None,
        ctx: JobContext | None = None,
    ) -> Iterator[SensitivityScan]:
        """How sensitive each layer is to each setting, one at a time; more complete from one to the next.

        What was measured before, by whoever, is found in the store and not measured again.

        Args:
            axes: which settings; the usual ones if not given.
            samples: that each cell is measured on.
            early: whether there are to be first figures of all cells before any is measured in full.
            workers: processes that measure; 0 for threads of this one.
            cluster: address of a Dask scheduler whose workers measure instead.
            ctx: asked before each cell; told the progress.

        Raises:
            Cancelled: somebody asked to stop; what was measured is kept.
            DataError: there are no samples.
            RunError: the model does not run on the samples.
        """
        bench, ctx = self._bench, ctx or JobContext()
        scanning = self._scanning(bench)
        return scanning.run(axes or ScanAxes(), samples, ctx, early=early, workers=workers, cluster=cluster)

    def fit_accuracy(
        self,
        scan: SensitivityScan,
        recipe: Recipe | None = None,
        *,
        limit: int | None = DEFAULT_LIMIT,
        ctx: JobContext | None = None,
    ) -> Iterator[AccuracyPrediction]:
        """Learn to predict the accuracy of any mix of what was scanned, from some mixes that are measured.

        Args:
            scan: of the model and samples on the bench.
            recipe: whose encoding and calibration mixes are built with; its rules say nothing here.
            limit: samples that mixes are measured on; all of them if not given or larger.
            ctx: asked before each mix; told the progress.

        Raises:
            Cancelled: somebody asked to stop; what was measured is kept.
            DataError: the scan is of something else, or there are no samples.
        """
        return self._searching(self._bench, limit).fit(scan, ctx or JobContext(), base=recipe)

    def search(
        self,
        budgets: SearchBudgets,
        scan: SensitivityScan,
        prediction: AccuracyPrediction | None = None,
        recipe: Recipe | None = None,
        *,
        means: SearchMeans | None = None,
        limit: int | None = DEFAULT_LIMIT,
        ctx: JobContext | None = None,
    ) -> Iterator[SearchResult]:
        """The best recipe within budgets, measured, and the trade-off around it; more complete from one to the next.

        Args:
            budgets: to stay within; that on latency is of the device that they name.
            scan: of the model and samples on the bench.
            prediction: of accuracy; learned first if not given.
            recipe: whose encoding and calibration recipes keep; its rules are replaced.
            means: what may be done; all that was scanned if not given.
            limit: samples that recipes are measured on; all of them if not given or larger.
            ctx: asked before each step; told the progress.

        Raises:
            Cancelled: somebody asked to stop; what was measured is kept.
            DataError: the scan is of something else, or there are no samples.
            ProjectError: there is no such device.
            RecipeError: a budget cannot be checked.
        """
        searching, ctx, done = self._searching(self._bench, limit), ctx or JobContext(), 0.0
        library = self._devices.library
        searching.check(budgets, library, ctx)
        if prediction is None:
            done = 0.6
            *_, prediction = searching.fit(scan, ctx.part(0, done), base=recipe)
        yield from searching.search(
            prediction, scan, budgets, ctx.part(done, 1), base=recipe, means=means, library=library
        )

    def check_budgets(self, budgets: SearchBudgets, ctx: JobContext | None = None) -> None:
        """Whether a search can tell if recipes keep budgets: before anything is scanned for it.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: there are no samples.
            ProjectError: there is no such device.
            RecipeError: a budget cannot be checked.
        """
        self._searching(self._bench, None).check(budgets, self._devices.library, ctx or JobContext())

    def known_scan(self, axes: ScanAxes | None = None, ctx: JobContext | None = None) -> SensitivityScan:
        """What is known of such a scan from earlier ones, at once: nothing is measured.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: there are no samples.
        """
        return self._scanning(self._bench).known(axes or ScanAxes(), ctx or JobContext())

    def prune_rounds(
        self,
        recipe: Recipe,
        target: PruningTarget,
        *,
        max_drop: float | None = None,
        step: float = 0.1,
        criterion: str | None = None,
        recover: str | None = None,
        limit: int | None = None,
        ctx: JobContext | None = None,
    ) -> Iterator[PruningRound]:
        """Prune channels step by step, recover and measure, until the target or the allowed drop is reached.

        Each round comes when it is measured, with a recipe that gives its file again. What was measured in this
        session is not measured again.

        Args:
            recipe: its channel pruning rules are raised in proportion; without any, all layers are pruned.
            target: how much to remove.
            max_drop: percentage points of accuracy, or dB, that may be lost by the point estimate; None for no limit.
            step: share of the target's measure that each round removes.
            criterion: wins over that of the rules.
            recover: a word of RECOVERIES, wins over the recipe's.
            limit: samples that a round is measured on; all of them if not given or larger.
            ctx: asked before each step; told the progress.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: there are no samples.
            RecipeError: a setting is none, or no channel can go.
        """
        if not 0 < step <= 1:
            raise RecipeError(f"a step of {step:g} is none", "give a share between 0 and 1")
        if recover is not None and recover not in RECOVERIES:
            raise RecipeError(f"recovery {recover!r} is not known", f"take one of {', '.join(RECOVERIES)}")
        bench, dataset = self._bench, self._bench.samples
        recipe = with_channel_rules(recipe, criterion, _ROUNDS_CRITERION)
        if recover is not None:
            recipe = dataclasses.replace(recipe, recover=recover)

        def evaluated(recipe: Recipe, ctx: JobContext) -> EvaluationReport:
            made = (*bench.key(recipe), dataset.info.digest, limit)
            if made not in self._made.rounds:
                report = _last(self._made.evaluate(bench, recipe, limit, ctx))
                if report is None:
                    raise DataError(f"{dataset.info.path}: holds no samples", "give other data")
                self._made.rounds[made] = report
            return self._made.rounds[made]

        measuring = RoundBench(
            bench.compressor,
            lambda recipe: bench.calibration_set(recipe.calibration),
            lambda recipe, ctx: self._made.build(bench, recipe, ctx),
            evaluated,
        )
        return prune_rounds(recipe, target, measuring, ctx or JobContext(), max_drop=max_drop, step=step)

    def _scanning(self, bench: Bench) -> Scanning:
        return Scanning(bench, self._made.original_answers(bench), self._store)

    def _searching(self, bench: Bench, limit: int | None) -> Searching:
        makers = Makers(
            lambda recipe, ctx: self._made.build(bench, recipe, ctx),
            lambda recipe, count, skip, ctx: self._made.evaluate(bench, recipe, count, ctx, skip=skip),
            lambda axes, count, ctx: self._scanning(bench).run(axes, count, ctx),
        )
        return Searching(bench, makers, self._store, limit=limit)


def _last(reports: Iterator[EvaluationReport]) -> EvaluationReport | None:
    return next(iter(deque(reports, maxlen=1)), None)
