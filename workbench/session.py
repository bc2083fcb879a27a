"""The bench: a model, samples and a recipe, and the verbs that window, command line and scripts call."""

import dataclasses
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from workbench.bench import Bench
from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.structure.criterion import Criterion
from workbench.engine.core.accuracy_prediction import AccuracyPrediction
from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.channel_importance import ChannelImportance, CriterionInfo
from workbench.engine.core.cpu_rules import CpuComparison, CpuRules, EmulatedReport
from workbench.engine.core.device_fit import DeviceFit
from workbench.engine.core.device_profile import Backend, DeviceProfile
from workbench.engine.core.digest import digest_of_file
from workbench.engine.core.errors import DataError, ModelError, RecipeError, RunError, WorkbenchError
from workbench.engine.core.export_formats import ONNX_FORMAT, ExportFormat, ExportFormats
from workbench.engine.core.first_look import FirstLook
from workbench.engine.core.latency_estimate import LatencyEstimate
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.measurement import Figure
from workbench.engine.core.operator_times import OperatorTimes
from workbench.engine.core.plan import Plan
from workbench.engine.core.pruning_round import PruningRound, PruningTarget
from workbench.engine.core.quantization_reports import FloatSuggestion, LayerActivations, SqnrReport
from workbench.engine.core.recipe import RECOVERIES, Calibration, Recipe
from workbench.engine.core.reports import (
    ApplyReport,
    ChannelProof,
    DataInfo,
    EvaluationReport,
    FormatReport,
    LatencyReport,
    LayerPreview,
    ModelFootprint,
    OpenedBench,
)
from workbench.engine.core.search_result import SearchBudgets, SearchResult
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan
from workbench.engine.core.tensor_statistics import TensorStatistics
from workbench.engine.core.tool_time import ToolTime
from workbench.engine.core.weight_curves import WeightCurves, build_weight_curves
from workbench.engine.core.whole_file import make_whole
from workbench.engine.data.dataset import open_dataset
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.fitting import check_same_inputs
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.export.before_and_after import compared_accuracy, shares_left, summary_of
from workbench.engine.export.channel_proof import prove_pruning
from workbench.engine.export.write_verified import write_verified
from workbench.engine.graph.model import load_model, model_of_bytes
from workbench.engine.graph.save import check_ending, check_onnx_name, check_target
from workbench.engine.latency.times_here import measure_operators
from workbench.engine.runtime.latency import measure_latency
from workbench.engine.runtime.session import RuntimeSession
from workbench.engine.search.channel_ratios import with_channel_rules
from workbench.engine.search.first_look import first_look
from workbench.engine.search.float_layers import suggest_float_layers
from workbench.engine.search.layer_noise import layer_noise
from workbench.engine.search.output_divergence import OutputDivergence
from workbench.engine.search.pruning_rounds import prune_rounds
from workbench.engine.search.round_bench import RoundBench
from workbench.engine.search.search_space import SearchMeans
from workbench.estimating import Estimating, pasted_times, tool_times
from workbench.jobs import JobContext
from workbench.last_made import LastMade, fitting
from workbench.plugin_api import Exporter
from workbench.plugin_loader import Plugins, load_plugins
from workbench.project.devices import Devices
from workbench.project.measurement_store import MeasurementStore
from workbench.scanning import DEFAULT_SAMPLES, Scanning
from workbench.searching import DEFAULT_LIMIT, Makers, Searching

# Of rounds without rules of their own, which have samples: at half of ResNet-20's multiply-adds, layers fitted on 256
# samples, it kept 64 % of 1,000 right, geometric_median 61 and l2 58.
_ROUNDS_CRITERION = "activation_magnitude"


class Session:
    """One model and one data set on the bench. Verbs take a recipe; nothing is remembered of it but caches.

    Verbs may be called from several threads. The bench is one value, and what was made last is kept together with
    what it was made of; both are read once, since another thread may put its own in their place at any time.

    Args:
        store: keeps what scans measure; that of all models if not given.
    """

    def __init__(self, *, store: MeasurementStore | None = None) -> None:
        self._given_store = store
        self._on_bench: Bench | None = None
        self._made = LastMade()
        self._devices = Devices()
        self._estimating = Estimating(self._devices)

    def open_model(self, path: str | Path, ctx: JobContext | None = None) -> ModelInfo:
        """Put a model on the bench. The one that lies there stays until the new one is read whole.

        Raises:
            ModelError: the file cannot be used.
        """
        if ctx is not None:
            ctx.checkpoint()
        compressor = Compressor(load_model(Path(path)), self._criteria)
        self._on_bench, self._made = Bench(compressor), LastMade()
        return compressor.model.info

    def open_data(
        self, path: str | Path, overrides: Mapping[str, object] | None = None, ctx: JobContext | None = None
    ) -> DataInfo:
        """Put samples on the bench, made ready for the model. Those that lie there stay until the new ones fit.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: they cannot be read or do not fit the model.
            RunError: the model does not run on them.
        """
        ctx, bench = ctx or JobContext(), self._bench
        ctx.checkpoint()
        dataset, reference = fitting(bench.compressor, path, overrides, ctx)
        self._on_bench, self._made.reference = dataclasses.replace(bench, dataset=dataset), reference
        return dataset.info

    def open_calibration(
        self, path: str | Path, overrides: Mapping[str, object] | None = None, ctx: JobContext | None = None
    ) -> DataInfo:
        """Put samples on the bench that set ranges and rounding; without, those of `open_data` do.

        Raises:
            DataError: they cannot be read or do not fit the model.
        """
        if ctx is not None:
            ctx.checkpoint()
        bench = self._bench
        calibration = open_dataset(Path(path), overrides or {}, bench.model.info.inputs)
        self._on_bench = dataclasses.replace(bench, calibration=calibration)
        return calibration.info

    def close_calibration(self) -> None:
        """Have the samples of `open_data` set ranges and rounding again."""
        self._on_bench = dataclasses.replace(self._bench, calibration=None)

    def open_bench(
        self,
        model: str | Path,
        data: str | Path | None,
        overrides: Mapping[str, object] | None,
        recipe: Recipe,
        *,
        calibration: str | Path | None = None,
        calibration_overrides: Mapping[str, object] | None = None,
        source: str = "recipe",
        ctx: JobContext | None = None,
    ) -> OpenedBench:
        """Put a model with its samples on the bench, and look whether a recipe fits; all of it, or nothing.

        Args:
            model: its file.
            data: samples to evaluate on; None for none.
            overrides: how those are made ready.
            recipe: is looked at, and not kept.
            calibration: samples that set ranges and rounding; None to have those of `data` do.
            calibration_overrides: how those are made ready.
            source: what the recipe is called where it does not fit.
            ctx: asked before each step.

        Raises:
            ModelError: the model cannot be used. What lies on the bench stays.
        """
        ctx = ctx or JobContext()
        ctx.checkpoint()
        compressor = Compressor(load_model(Path(model)), self._criteria)
        footprint, dataset, reference = compressor.footprint(), None, None
        own, data_refusal, calibration_refusal, recipe_refusal = None, "", "", ""
        try:
            if data is not None:
                dataset, reference = fitting(compressor, data, overrides, ctx)
        except (WorkbenchError, OSError) as error:
            data_refusal = str(error)
        try:
            if calibration is not None:
                own = open_dataset(Path(calibration), calibration_overrides or {}, compressor.model.info.inputs)
        except (WorkbenchError, OSError) as error:
            calibration_refusal = str(error)
        try:
            compressor.plan(recipe, source=source)
        except WorkbenchError as error:
            recipe_refusal = str(error)
        self._on_bench, self._made = Bench(compressor, dataset, own), LastMade(reference)
        return OpenedBench(
            compressor.model.info,
            footprint,
            dataset.info if dataset is not None else None,
            data_refusal,
            recipe_refusal,
            own.info if own is not None else None,
            calibration_refusal,
        )

    def footprint(self) -> ModelFootprint:
        """What size previews need of the model."""
        return self._bench.compressor.footprint()

    def channels(self) -> ModelChannels:
        """The model's channel groups; the first call follows its channels through the graph."""
        return self._bench.compressor.pruning.channels

    def criteria(self) -> tuple[CriterionInfo, ...]:
        """The ways to tell how much channels matter, the engine's own and those of plugins, by name."""
        return tuple(CriterionInfo(one.name, one.summary, one.needs.value) for one in self._plugins.criteria())

    def channel_importance(self, layer: str, recipe: Recipe, ctx: JobContext | None = None) -> ChannelImportance:
        """How much the channels of a layer's group matter by the recipe's criterion, and which stay.

        The scores of a group are kept; a criterion that looks at samples runs them at the first call.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: the criterion is not known.
        """
        bench = self._bench
        samples = bench.calibration_set(recipe.calibration)
        return bench.compressor.pruning.importance(layer, recipe, samples, ctx or JobContext())

    def curves(self, layer: str) -> WeightCurves:
        """Histogram, quantiles and channel ranges of one layer's weights."""
        model = self._bench.model
        return build_weight_curves(model.weight(layer), model.info.layer(layer).channel_axes)

    def layer_preview(self, layer: str, recipe: Recipe) -> LayerPreview:
        """What a recipe does to one layer's weights. Raises RecipeError."""
        return self._bench.compressor.preview(layer, recipe)

    def plan(self, recipe: Recipe, *, source: str = "recipe", ctx: JobContext | None = None) -> Plan:
        """The recipe resolved on the model, without a look at samples where only they decide which channels go.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: the recipe does not fit the model.
        """
        return self._bench.plan(recipe, ctx, source=source, at_once=True)

    def preview_bytes(self, recipe: Recipe, ctx: JobContext | None = None) -> int:
        """The exact size of the file that the recipe gives. Raises Cancelled."""
        return len(self._made.build(self._bench, recipe, ctx or JobContext()))

    def layer_activations(self, layer: str, recipe: Recipe, ctx: JobContext | None = None) -> LayerActivations:
        """What goes into a layer and comes out of it on the calibration samples, and the ranges that are kept.

        The first call runs the samples once, for all layers.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: the recipe does not fit the model.
        """
        bench = self._bench
        ctx, samples = ctx or JobContext(), bench.calibration_set(recipe.calibration)
        plan = bench.plan(recipe, ctx)
        left = bench.compressor.without_channels(plan.groups, samples, ctx)
        return left.quantizer.activations(layer, plan, recipe.digest, samples, ctx)

    def measure_sqnr(self, recipe: Recipe, *, limit: int = 64, ctx: JobContext | None = None) -> SqnrReport:
        """SQNR of every layer's weights, and of its output on samples; against the model without pruned channels.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: there are no samples.
        """
        ctx, bench = ctx or JobContext(), self._bench
        plan, data = bench.plan(recipe, ctx.part(0, 0.2)), self._made.build(bench, recipe, ctx.part(0.2, 0.5))
        samples = CalibrationSet(bench.samples, Calibration(samples=limit))
        left = bench.without_channels(plan, recipe, ctx)
        return layer_noise(left, plan, data, recipe.digest, samples, ctx.part(0.5, 1))

    def suggest_float_layers(
        self, recipe: Recipe, *, limit: int = 64, ctx: JobContext | None = None
    ) -> FloatSuggestion:
        """Which of the layers that a recipe quantizes should stay in float, with the measured effect.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: there are no samples.
        """
        bench, ctx = self._bench, ctx or JobContext()
        plan = bench.plan(recipe, ctx)
        samples = bench.calibration_set(recipe.calibration)
        measure = self._divergence_of_plans(bench, recipe, limit)

        def statistics(layer: str) -> TensorStatistics | None:
            if samples is None:
                return None
            left = bench.compressor.without_channels(plan.groups, samples, ctx)
            return left.quantizer.input_statistics(layer, plan, samples)

        return suggest_float_layers(plan, recipe.digest, measure, ctx, statistics=statistics)

    def first_look(self, recipe: Recipe, *, limit: int = 64, ctx: JobContext | None = None) -> Iterator[FirstLook]:
        """Whether weights or activations do a recipe's damage, and which layers; more complete from one to the next.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: there are no samples.
            RecipeError: the recipe quantizes nothing.
        """
        bench, ctx = self._bench, ctx or JobContext()
        plan = bench.plan(recipe, ctx)
        return first_look(plan, recipe.digest, self._divergence_of_plans(bench, recipe, limit), ctx)

    def _divergence_of_plans(self, bench: Bench, recipe: Recipe, limit: int) -> Callable[[Plan, JobContext], Figure]:
        """Measures what parts of a recipe's plan do to the outputs, on some samples."""
        samples, answers = bench.calibration_set(recipe.calibration), self._made.original_answers(bench)
        divergence = OutputDivergence(RuntimeSession(bench.model.path), answers, bench.samples, limit)

        def measure(part: Plan, ctx: JobContext) -> Figure:
            data = bench.compressor.build(part, encoding=recipe.encoding, samples=samples, ctx=ctx)
            return divergence.of(data, ctx)

        return measure

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
        scanning = Scanning(bench, self._made.original_answers(bench), self._store)
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
        bench = self._bench
        scanning = Scanning(bench, self._made.original_answers(bench), self._store)
        return scanning.known(axes or ScanAxes(), ctx or JobContext())

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

    def evaluate(
        self, recipe: Recipe | None = None, *, limit: int | None = None, ctx: JobContext | None = None
    ) -> Iterator[EvaluationReport]:
        """Evaluate the graph that the recipe gives, paired with the original; the original without a recipe.

        Raises:
            DataError: there are no samples, or they do not fit.
        """
        return self._made.evaluate(self._bench, recipe or Recipe(), limit, ctx or JobContext())

    def evaluate_against(
        self, other: str | Path, *, limit: int | None = None, ctx: JobContext | None = None
    ) -> Iterator[EvaluationReport]:
        """Evaluate the model on the bench, paired with another model file on the same samples.

        Raises:
            DataError: the other model takes samples of another shape, or there are none.
        """
        bench, session = self._bench, RuntimeSession(Path(other))
        check_same_inputs(session.inputs, bench.model.info.inputs, str(other))
        reference = ReferenceAnswers(session, bench.samples)
        reports = evaluate(bench.model.path, bench.samples, ctx or JobContext(), limit=limit, reference=reference)
        return map(bench.named, reports)

    def evaluate_on_cpu(
        self,
        rules: CpuRules,
        recipe: Recipe | None = None,
        *,
        against: str | Path | None = None,
        limit: int | None = None,
        ctx: JobContext | None = None,
    ) -> Iterator[EmulatedReport]:
        """Evaluate by the rules of another kind of processor: an emulation, paired with this computer.

        Args:
            rules: of which processor.
            recipe: what is done to the model first; nothing without.
            against: another model file to pair with instead, as this computer computes it.
            limit: number of samples; all of them if not given or larger.
            ctx: asked before each batch; told the progress.

        Raises:
            DataError: there are no samples, or they do not fit.
        """
        bench, ctx = self._bench, ctx or JobContext()
        other_cpus, reference = self._made.other_cpus(bench, recipe or Recipe(), ctx.part(0, 0.2)), None
        if against is not None:
            session = RuntimeSession(Path(against))
            check_same_inputs(session.inputs, bench.model.info.inputs, str(against))
            reference = ReferenceAnswers(session, bench.samples)
        reports = other_cpus.evaluate(rules, ctx.part(0.2, 1), limit=limit, reference=reference)
        return (dataclasses.replace(one, evaluation=bench.named(one.evaluation)) for one in reports)

    def compare_cpus(
        self, recipe: Recipe | None = None, *, limit: int | None = None, ctx: JobContext | None = None
    ) -> Iterator[CpuComparison]:
        """This computer beside emulations of the others, on the same samples; more complete from one to the next.

        Raises:
            DataError: there are no samples, or they do not fit.
        """
        bench, ctx = self._bench, ctx or JobContext()
        return self._made.other_cpus(bench, recipe or Recipe(), ctx.part(0, 0.2)).compare(ctx.part(0.2, 1), limit=limit)

    def measure_latency(self, recipe: Recipe | None = None, ctx: JobContext | None = None) -> LatencyReport:
        """Time of one inference on this computer, of the graph that the recipe gives, and against the original's."""
        recipe, bench, ctx = recipe or Recipe(), self._bench, ctx or JobContext()
        original = bench.model.path if recipe.rules else None
        report = measure_latency(self._made.build(bench, recipe, ctx), ctx, against=original)
        return dataclasses.replace(report, recipe_digest=recipe.digest, model_digest=bench.model.info.digest)

    def measure_operators(self, recipe: Recipe | None = None, ctx: JobContext | None = None) -> OperatorTimes:
        """Time of each operator of the graph that the recipe gives, on this computer, beside where it was expected.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: the recipe does not fit the model.
            RunError: the model does not run.
        """
        recipe, bench, ctx = recipe or Recipe(), self._bench, ctx or JobContext()
        data = self._made.build(bench, recipe, ctx.part(0, 0.2))
        knowledge = self._devices.library.knowledge[Backend.CPU]
        return measure_operators(model_of_bytes(data, bench.model.path), knowledge, ctx.part(0.2, 1))

    def time_on(
        self,
        runner: str,
        recipe: Recipe | None = None,
        *,
        device: str = "",
        threads: int = 4,
        ctx: JobContext | None = None,
    ) -> tuple[str, ToolTime]:
        """Time of what the recipe gives on a device that is at hand, and the device's name.

        Args:
            runner: name of a plugin's way to time models.
            recipe: what is done to the model first; nothing without.
            device: one of those that are connected; need not be given where there is one.
            threads: on the device.
            ctx: asked before each step.

        Raises:
            Cancelled: somebody asked to stop.
            PluginError: no plugin gives such a runner.
            RunError: there is no such device, or the model does not run there.
        """
        found, ctx = self._plugins.runner(runner), ctx or JobContext()
        at_hand = found.devices()
        if (not device and len(at_hand) > 1) or (device and device not in at_hand):
            asked = f"{device} is not connected" if device else "several devices are connected"
            raise RunError(asked, f"name one of {', '.join(at_hand)}")
        data = self._made.build(self._bench, recipe or Recipe(), ctx.part(0, 0.3))
        ctx.progress(0.3, 1, f"on {device or at_hand[0]}")
        with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(data)
            ctx.checkpoint()
            return device or at_hand[0], found.measure(path, device or at_hand[0], threads)

    def device_profiles(self) -> tuple[tuple[DeviceProfile, ...], tuple[str, ...]]:
        """The devices that can be estimated for, a user's own first, and what is wrong with files of those."""
        return self._devices.profiles()

    def estimate_latency(
        self,
        device: str,
        recipe: Recipe | None = None,
        *,
        measured_ms: float | None = None,
        ctx: JobContext | None = None,
    ) -> LatencyEstimate:
        """Estimated latency on a device of the graph that the recipe gives, layer by layer.

        Args:
            device: id of a profile.
            recipe: what is done to the model first; nothing without.
            measured_ms: what the user measured of the model itself there; the profile is fitted to it first.
            ctx: asked before each step.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: the time is none.
            ProjectError: there is no such device.
            RecipeError: the recipe does not fit the model.
        """
        recipe, ctx = recipe or Recipe(), ctx or JobContext()
        return self._estimating.estimate(self._bench, device, recipe, measured_ms=measured_ms, ctx=ctx)

    def fit_device(
        self, device: str, like: str, measured: Sequence[tuple[Path, float]], *, name: str = ""
    ) -> DeviceFit:
        """What model files' ms on a user's own device make of a profile; nothing is kept. Raises as `Devices.fit`."""
        return self._devices.fit(device, like, measured, name=name)

    def tool_times(self, path: str | Path) -> tuple[ToolTime, ...]:
        """The times in a file that a measuring tool has written. Raises DataError."""
        return tool_times(Path(path))

    def pasted_times(self, text: str) -> tuple[ToolTime, ...]:
        """The times in what a measuring tool has printed. Raises DataError."""
        return pasted_times(text)

    def add_device(
        self, device: str, like: str, measured: Sequence[tuple[Path, float]], *, name: str = "", force: bool = False
    ) -> DeviceProfile:
        """Keep a profile of a user's own device, fitted to model files' ms there. Raises as `Devices.add` does."""
        return self._devices.add(device, like, measured, name=name, force=force)

    def remove_device(self, device: str) -> None:
        """Forget a profile of the user's own. Raises ProjectError if it is none."""
        self._devices.remove(device)

    def export_device(self, device: str, path: str | Path, *, force: bool = False) -> None:
        """Write a device profile to a file. Raises ExportError or ProjectError."""
        self._devices.export(device, Path(path), force=force)

    def import_device(self, path: str | Path, *, force: bool = False) -> DeviceProfile:
        """Keep a device profile that somebody exported. Raises ExportError or ProjectError."""
        return self._devices.take_in(Path(path), force=force)

    def export(
        self,
        recipe: Recipe,
        path: str | Path,
        *,
        limit: int | None = None,
        force: bool = False,
        ctx: JobContext | None = None,
    ) -> ApplyReport:
        """Compress, write, open the file again in a fresh process, and compare it with the preview.

        A file that is not what was previewed does not get the target's name: what was there stays.

        Args:
            recipe: what is done.
            path: the file to write.
            limit: samples that accuracy is measured on, before and after; all of them if not given or larger. The
                file is compared with the preview on all of them.
            force: whether to overwrite the file that is there.
            ctx: asked before each step; told the progress.

        Raises:
            Cancelled: somebody asked to stop; nothing is written, as after an error.
            ExportError: the file cannot be written, or its name does not end in .onnx.
            RecipeError: the recipe does not fit the model.
            VerificationError: a fresh process cannot use the file.
        """
        ctx = ctx or JobContext()
        bench, target = self._bench, Path(path)
        check_target(target, force=force, inputs=[bench.model.path, *bench.model.data.external_paths()])
        check_onnx_name(target)
        plan = bench.plan(recipe, ctx.part(0, 0.15, "compressing"))
        data = self._made.build(bench, recipe, ctx.part(0.15, 0.3, "compressing"))
        measuring = ctx.part(0.3, 0.55, "measuring")
        evaluation = _last(self._made.evaluate(bench, recipe, limit, measuring)) if bench.dataset is not None else None
        ctx.checkpoint()
        left = bench.without_channels(plan, recipe, ctx)
        proof = self._proof(bench, recipe, plan, ctx.part(0.55, 0.6, "proving what was cut"))
        verified, sha256 = write_verified(data, target, bench.dataset, ctx.part(0.6, 1, "verifying"), force=force)
        before, after, difference = compared_accuracy(evaluation)
        return ApplyReport(
            plan=plan,
            before=summary_of(bench.compressor, Plan(()), bench.model.info.file_bytes, before),
            after=summary_of(left, plan, len(data), after),
            preview_bytes=len(data),
            preview_accuracy=after,
            difference=difference,
            verified=verified,
            output_path=target,
            output_sha256=sha256,
            metric=evaluation.metric if evaluation is not None else "",
            data=bench.dataset.info if bench.dataset is not None else None,
            channels=proof,
            shares=shares_left(bench.compressor, plan),
            found_agreement=evaluation.found_agreement if evaluation is not None else None,
        )

    def prove_channels(self, recipe: Recipe, ctx: JobContext | None = None) -> ChannelProof | None:
        """What the recipe cuts, against the whole model with those channels at zero; None if it cuts nothing.

        Raises:
            Cancelled: somebody asked to stop.
            VerificationError: the pruned model breaks the rules of ONNX.
        """
        bench, ctx = self._bench, ctx or JobContext()
        plan = bench.plan(recipe, ctx.part(0, 0.5))
        return self._proof(bench, recipe, plan, ctx.part(0.5, 1))

    def export_formats(self) -> ExportFormats:
        """What a model can be written as: ONNX by `export`, the formats of plugins by `export_to`."""
        formats = (ExportFormat(found.name, found.summary, found.suffix) for found in self._plugins.exporters())
        problems = tuple(f"plugin {info.name}: {info.error}" for info in self._plugins.infos if info.error)
        return ExportFormats((ONNX_FORMAT, *formats), problems)

    def export_to(
        self,
        recipe: Recipe,
        path: str | Path,
        format_name: str,
        *,
        force: bool = False,
        ctx: JobContext | None = None,
    ) -> FormatReport:
        """Compress, and write in a plugin's format, by its name. Raises PluginError, and what `export_as` does."""
        return self.export_as(self._plugins.exporter(format_name), recipe, path, force=force, ctx=ctx)

    def export_as(
        self,
        exporter: Exporter,
        recipe: Recipe,
        path: str | Path,
        *,
        force: bool = False,
        ctx: JobContext | None = None,
    ) -> FormatReport:
        """Compress, and write in the format of a plugin. The file is not compared with the preview.

        Raises:
            Cancelled: somebody asked to stop; nothing is written, as after an error.
            ExportError: the file cannot be written, or its name ends otherwise than the format's files do.
            RecipeError: the recipe does not fit the model.
        """
        ctx = ctx or JobContext()
        bench, target = self._bench, Path(path)
        check_target(target, force=force, inputs=[bench.model.path, *bench.model.data.external_paths()])
        check_ending(target, exporter.suffix, f"a file for {exporter.name}")
        plan = bench.plan(recipe, ctx.part(0, 0.4, "compressing"))
        data = self._made.build(bench, recipe, ctx.part(0.4, 0.9, "compressing"))
        ctx.checkpoint()
        ctx.progress(0.9, 1, f"writing for {exporter.name}")
        make_whole(target, lambda made: exporter.write(data, made), force=force)
        return FormatReport(
            exporter.name, plan, target, target.stat().st_size, digest_of_file(target), bench.model.info.file_bytes
        )

    def _searching(self, bench: Bench, limit: int | None) -> Searching:
        makers = Makers(
            lambda recipe, ctx: self._made.build(bench, recipe, ctx),
            lambda recipe, count, skip, ctx: self._made.evaluate(bench, recipe, count, ctx, skip=skip),
        )
        return Searching(bench, makers, self._store, limit=limit)

    def _proof(self, bench: Bench, recipe: Recipe, plan: Plan, ctx: JobContext) -> ChannelProof | None:
        samples = bench.calibration_set(recipe.calibration)
        return prove_pruning(bench.compressor.pruning, plan.groups, samples, bench.dataset, ctx)

    @property
    def _criteria(self) -> Iterable[Criterion]:
        return self._plugins.criteria()

    @cached_property
    def _store(self) -> MeasurementStore:
        return MeasurementStore() if self._given_store is None else self._given_store

    @cached_property
    def _plugins(self) -> Plugins:
        return load_plugins()

    @property
    def _bench(self) -> Bench:
        bench = self._on_bench
        if bench is None:
            raise ModelError("no model is open", "open a model first")
        return bench


def _last(reports: Iterator[EvaluationReport]) -> EvaluationReport | None:
    return next(iter(deque(reports, maxlen=1)), None)
