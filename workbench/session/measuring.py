"""Verbs that run what a recipe gives: accuracy, noise and time on this computer or a device at hand."""

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.bench import Bench
from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.core.cpu_rules import CpuComparison, CpuRules, EmulatedReport
from workbench.engine.core.device_profile import Backend
from workbench.engine.core.errors import RunError
from workbench.engine.core.first_look import FirstLook
from workbench.engine.core.measurement import Figure
from workbench.engine.core.operator_times import OperatorTimes
from workbench.engine.core.plan import Plan
from workbench.engine.core.quantization_reports import FloatSuggestion, SqnrReport
from workbench.engine.core.recipe import Calibration, Recipe
from workbench.engine.core.reports import (
    EvaluationReport,
    LatencyReport,
)
from workbench.engine.core.tensor_statistics import TensorStatistics
from workbench.engine.core.tool_time import ToolTime
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.fitting import check_same_inputs
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.graph.model import model_of_bytes
from workbench.engine.latency.times_here import measure_operators
from workbench.engine.runtime.latency import measure_latency
from workbench.engine.runtime.session import RuntimeSession
from workbench.engine.search.diagnosis.first_look import first_look
from workbench.engine.search.diagnosis.float_layers import suggest_float_layers
from workbench.engine.search.diagnosis.layer_noise import layer_noise
from workbench.engine.search.diagnosis.output_divergence import OutputDivergence
from workbench.jobs import JobContext
from workbench.session.on_bench import OnBench


class MeasuringVerbs(OnBench):
    """What a recipe gives, measured."""

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
        found = measure_operators(model_of_bytes(data, bench.model.path), knowledge, ctx.part(0.2, 1))
        return dataclasses.replace(found, recipe_digest=recipe.digest)

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
