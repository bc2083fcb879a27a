"""Predicting and searching on what lies on the bench: what is measured on the way is kept from day to day."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench.bench import Bench
from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.core.accuracy_prediction import AccuracyPrediction
from workbench.engine.core.channel_wishes import KIND_OF
from workbench.engine.core.errors import DataError, ProjectError, RecipeError
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import SearchBudgets, SearchResult
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan
from workbench.engine.data.dataset import seeded_subset
from workbench.engine.evaluate.positions import num_classes
from workbench.engine.latency.device_library import DeviceLibrary
from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.search.prediction.accuracy_fit import NUM_MIXES, fit_accuracy, guessing
from workbench.engine.search.prediction.closer_look import closer_look
from workbench.engine.search.recipe_search import search_recipe
from workbench.engine.search.scan.scan_pool import pool_reach
from workbench.engine.search.solving.device_latency import DeviceLatency
from workbench.engine.search.solving.file_sizes import FileSizes
from workbench.engine.search.solving.search_space import SearchMeans, search_space
from workbench.estimating import KnownOperators
from workbench.jobs import JobContext
from workbench.project.measurement_store import MeasurementKey, MeasurementStore
from workbench.project.report_json import evaluation_from_json, evaluation_to_json
from workbench.project.tool_version import tool_version

_log = logging.getLogger(__name__)

# A thousand samples tell a drop of one point from none; mixes of a large data set need not run on all of it.
DEFAULT_LIMIT = 1000
_ON_INTEGERS = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8))
# Of the progress of a prediction: until all cells are looked at more closely.
_LOOKED = 0.5
# Of the progress of a search with a latency budget: learning which shapes cuts leave.
_SHAPES = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Makers:
    """Gives files and evaluations of recipes, and scans.

    Args:
        build: a recipe's file.
        evaluate: a recipe on so many samples after so many others, paired with the original; more complete from one to
            the next.
        scan: of some settings on so many samples, more complete from one to the next.
    """

    build: Callable[[Recipe, JobContext], bytes]
    evaluate: Callable[[Recipe, int, int, JobContext], Iterator[EvaluationReport]]
    scan: Callable[[ScanAxes, int, JobContext], Iterator[SensitivityScan]]


class Searching:
    """What predictions and searches of one bench have in common.

    Args:
        bench: has the model and the samples.
        makers: give files and evaluations.
        store: of all measurements; None to remember nothing.
        limit: samples that recipes are measured on; None for all.

    Raises:
        DataError: there are no samples.
    """

    def __init__(
        self, bench: Bench, makers: Makers, store: MeasurementStore | None, *, limit: int | None = DEFAULT_LIMIT
    ) -> None:
        self._bench, self._makers, self._store = bench, makers, store
        self._count = len(bench.samples) if limit is None else min(limit, len(bench.samples))
        self._sizes = FileSizes(
            bench.compressor, lambda recipe: bench.calibration_set(recipe.calibration), makers.build
        )
        info = bench.model.info
        self._kinds = {layer.name: KIND_OF[layer.op_type] for layer in info.layers if layer.op_type in KIND_OF}
        self._looked_at = self._count
        self._seen: dict[str, EvaluationReport] = {}
        self._macs: dict[str, int] = {}

    @cached_property
    def _known_operators(self) -> KnownOperators:
        return KnownOperators(self._bench.compressor)

    def fit(
        self, scan: SensitivityScan, ctx: JobContext, *, base: Recipe | None = None, num_mixes: int = NUM_MIXES
    ) -> Iterator[AccuracyPrediction]:
        """Predictions of more and more measured mixes, from a closer look at the cells of the scan.

        Raises:
            Cancelled: somebody asked to stop; what was measured is kept.
            DataError: the scan is of something else, or knows nothing.
        """
        self._check(scan)
        # Which metric it is decides what guessing gives; the original answers that, and every pair needs it anyway.
        original = self.evaluate(Recipe(), ctx.part(0, 0.05, "the original"))
        classes = num_classes(self._bench.model.info.outputs[0].shape)
        if classes is None and original.metric != "agreement":
            # Labels say nothing of positions, of which agreement may be the share.
            classes = self._bench.samples.info.num_classes
        if (count := closer_look(scan, num_mixes * self._count)) is not None:
            *_, scan = self._makers.scan(scan.axes, count, ctx.part(0.05, _LOOKED))
        return fit_accuracy(
            scan,
            self.evaluate,
            ctx.part(_LOOKED, 1),
            chance=guessing(original, classes),
            kinds=self._kinds,
            base=base,
            num_mixes=num_mixes,
        )

    def search(
        self,
        prediction: AccuracyPrediction,
        scan: SensitivityScan,
        budgets: SearchBudgets,
        ctx: JobContext,
        *,
        base: Recipe | None = None,
        means: SearchMeans | None = None,
        library: DeviceLibrary | None = None,
    ) -> Iterator[SearchResult]:
        """Recipes within budgets.

        Args:
            prediction: of accuracy.
            scan: of the model and samples on the bench.
            budgets: to stay within.
            ctx: asked before each step; told the progress.
            base: whose encoding and calibration recipes keep.
            means: what may be done.
            library: has the device of the budgets.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: the scan or the prediction is of something else.
            ProjectError: there is no such device.
            RecipeError: a budget cannot be checked.
        """
        self._check(scan)
        if not prediction.is_of(scan):
            raise DataError("the prediction was learned from another scan", "learn it from this one")
        latency = self.check(budgets, library, ctx)
        space = search_space(
            scan,
            prediction.table,
            self._sizes,
            self._bench.compressor,
            base=base or Recipe(),
            means=means or SearchMeans(),
            kinds=self._kinds,
            latency=latency,
            ctx=ctx.part(0, _SHAPES),
        )
        part = ctx.part(_SHAPES if latency is not None else 0, 1)
        figure = None if latency is None else latency.figure
        macs = self._num_macs if space.groups else None
        results = search_recipe(space, prediction, budgets, self, part, latency=figure, macs=macs)
        # Whatever was looked at on the way to a recipe flatters it a little.
        total, scanned = len(self._bench.samples), max((cell.num_samples for cell in scan.cells), default=0)
        self._looked_at = max(self._count, prediction.num_samples, pool_reach(total, scanned))
        return (self._with_notes(result, latency) for result in results)

    def check(self, budgets: SearchBudgets, library: DeviceLibrary | None, ctx: JobContext) -> DeviceLatency | None:
        """Whether budgets can be checked at all; what estimates on their device, where latency is limited.

        Raises:
            Cancelled: somebody asked to stop.
            ProjectError: there is no such device.
            RecipeError: a budget cannot be checked.
        """
        if budgets.max_macs is not None and self._bench.model.info.macs is None:
            raise RecipeError("the model's multiply-adds are not known", "give another budget")
        if budgets.max_latency_ms is None:
            return None
        if not budgets.device or library is None:
            raise RecipeError("a latency budget needs a device", "name one whose profile is known")
        profile = library.find(budgets.device)
        latency = DeviceLatency(profile, library.knowledge[profile.backend], self._operators)
        as_it_is = latency.estimate(Recipe(), ctx)
        # Of some devices nothing in float is known: what is quantized as a whole has a figure there.
        if as_it_is.figure is None and latency.estimate(_ON_INTEGERS, ctx).figure is None:
            raise RecipeError(f"device {profile.id}: {as_it_is.notes[0]}", "choose another one")
        return latency

    def _operators(self, recipe: Recipe, ctx: JobContext) -> ModelOperators:
        _, operators, _ = self._known_operators.of_recipe(self._bench, recipe, ctx)
        return operators

    def _num_macs(self, recipe: Recipe, ctx: JobContext) -> int | None:
        """Multiply-adds that a recipe leaves at batch 1, by the very channels that stay; None where they are unknown.

        How many of a group stay in each of the tensors that are joined there depends on which ones.
        """
        info, compressor = self._bench.model.info, self._bench.compressor
        if info.macs is None:
            return None
        if recipe.digest not in self._macs:
            plan = self._bench.plan(recipe, ctx)
            shares = compressor.pruning.channels.layer_shares({group.group: group.kept for group in plan.groups})
            gone = sum((layer.macs or 0) * (1 - shares.get(layer.name, 1.0)) for layer in info.layers)
            self._macs[recipe.digest] = round(info.macs - gone)
        return self._macs[recipe.digest]

    def file_bytes(self, recipe: Recipe, ctx: JobContext) -> int:
        """The exact size of what a recipe gives."""
        return self._sizes.file_bytes(recipe, ctx)

    def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
        """How good what a recipe gives is; found in the store where it was measured before, by whoever.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: it does not run.
        """
        found = self._seen.get(recipe.digest) or self._evaluated(recipe, self._count, 0, ctx)
        self._seen[recipe.digest] = found
        return found

    def confirm(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport | None:
        """The same on as many samples that no recipe was measured on, or as are left; None where none are.

        Those that set ranges are no such samples either, nor those that the scan drew from, unless hardly any are left.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: it does not run.
        """
        others = self._others(recipe)
        return self._evaluated(recipe, len(others), others.start, ctx) if others else None

    def _others(self, recipe: Recipe) -> range:
        """Places in the order of the samples that confirm a recipe."""
        end = len(self._bench.samples) - self._num_calibrating(recipe)
        begin = self._looked_at if 2 * (end - self._looked_at) >= self._count else self._count
        return range(begin, max(begin, min(begin + self._count, end)))

    def _num_calibrating(self, recipe: Recipe) -> int:
        """Samples at the end of the order, of which some set ranges or have layers fitted on them."""
        samples = self._calibrating(recipe)
        return 0 if samples is None else samples.reach

    def _num_shared(self, recipe: Recipe) -> int:
        """Samples that recipes are measured on and that calibrate as well."""
        samples = self._calibrating(recipe)
        measured = seeded_subset(len(self._bench.samples), self._count)
        return 0 if samples is None else int(np.isin(samples.indices, measured).sum())

    def _calibrating(self, recipe: Recipe) -> CalibrationSet | None:
        """The samples that calibrate, if they are of those that recipes are measured on."""
        samples = self._bench.calibration_set(recipe.calibration)
        is_same = samples is not None and samples.dataset.info.digest == self._bench.samples.info.digest
        return samples if is_same else None

    def _with_notes(self, result: SearchResult, latency: DeviceLatency | None) -> SearchResult:
        """The final result with what is to be known of the figures of what it takes."""
        if result.best is None or not result.is_final:
            return result
        recipe, notes = result.best.recipe, list(result.notes)
        if latency is not None:
            notes += latency.notes(recipe, JobContext())
        if result.confirmed is not None and self._others(recipe).start < self._looked_at:
            notes.append("the scan drew its samples from those, too, that confirm: there are no more")
        shared = self._num_shared(recipe)
        if shared and self._bench.plan(recipe).needs_samples:
            notes.append(
                f"{shared:,} of the samples that it was measured on also set its ranges, rounding or channels: "
                "others for that, calibration samples, give a fair figure"
            )
        return replace(result, notes=tuple(notes))

    def _evaluated(self, recipe: Recipe, count: int, skip: int, ctx: JobContext) -> EvaluationReport:
        key = self._key(recipe.digest, count, skip)
        found = self._find(key, count)
        if found is None:
            *_, found = self._makers.evaluate(recipe, count, skip, ctx)
            found = replace(found, recipe_digest=recipe.digest, changed=())
            self._keep(key, found)
        return found

    def _check(self, scan: SensitivityScan) -> None:
        if scan.model_digest != self._bench.model.info.digest:
            raise DataError("the scan is of another model", "scan this one")
        if scan.dataset_digest != self._bench.samples.info.digest:
            raise DataError("the scan is of other samples", "scan on these")
        ranges = self._bench.ranges_digest
        axes, pruning = scan.axes, self._bench.compressor.pruning
        calibrates = axes.activation_bits or (axes.ratios and pruning.needs_samples(axes.criterion))
        if calibrates and scan.ranges_digest and ranges and scan.ranges_digest != ranges:
            raise DataError("the scan was calibrated on other samples", "scan with these")

    def _key(self, digest: str, count: int, skip: int) -> MeasurementKey:
        bench, data = self._bench, self._bench.samples.info.digest
        is_same = bench.calibration is None or digest == Recipe().digest
        ranges = "" if bench.calibration is None else bench.calibration.info.digest
        # Whoever looks for an evaluation on all samples must not find one on some of them.
        kind = "evaluation" if count == len(bench.samples) else f"evaluation on {count}"
        if skip:
            kind += f" after {skip}"
        return MeasurementKey(
            kind,
            bench.model.info.digest,
            data if is_same else f"{data}+{ranges}",
            recipe_digest=digest,
            tool=tool_version(),
        )

    def _find(self, key: MeasurementKey, count: int) -> EvaluationReport | None:
        if self._store is None:
            return None
        try:
            values = self._store.find(key)
        except ProjectError as error:
            self._give_up(error)
            return None
        if values is None:
            return None
        try:
            report = evaluation_from_json(values)
        except (KeyError, TypeError, ValueError):
            return None
        # The window keeps one that was stopped, too, and the original's without a pair.
        is_paired = report.difference is not None or key.recipe_digest == Recipe().digest
        return report if report.done >= count and is_paired else None

    def _keep(self, key: MeasurementKey, report: EvaluationReport) -> None:
        if self._store is None:
            return
        try:
            self._store.keep(key, evaluation_to_json(report), report.done)
        except ProjectError as error:
            self._give_up(error)

    def _give_up(self, error: ProjectError) -> None:
        _log.warning("evaluations are not kept: %s", error)
        self._store = None
