"""What lies on the bench: a model, the samples it is evaluated on, and those that set ranges."""

import dataclasses
from dataclasses import dataclass

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.channel_wishes import asks_for_channels
from workbench.engine.core.errors import DataError, RecipeError
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import RECOVER_NOTHING, Calibration, Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.sensitivity import digest_of_ranges
from workbench.engine.data.dataset import Dataset
from workbench.engine.graph.model import Model
from workbench.jobs import JobContext

# What something was made of.
Made = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What lies on the bench. A verb takes it once and works on that to its end."""

    compressor: Compressor
    dataset: Dataset | None = None
    calibration: Dataset | None = None

    @property
    def model(self) -> Model:
        """The original model."""
        return self.compressor.model

    @property
    def samples(self) -> Dataset:
        """The samples. Raises DataError if there are none."""
        if self.dataset is None:
            raise DataError("no samples are open", "open data first")
        return self.dataset

    def calibration_set(self, settings: Calibration) -> CalibrationSet | None:
        """The samples that set ranges: those opened for it, or else the ones that are evaluated on."""
        dataset = self.calibration or self.dataset
        return None if dataset is None else CalibrationSet(dataset, settings)

    @property
    def ranges_digest(self) -> str:
        """Names what ranges are set on when a layer is quantized alone; "" without samples."""
        settings = Calibration()
        samples = self.calibration_set(settings)
        return "" if samples is None else digest_of_ranges(samples.dataset.info.digest, settings)

    def plan(
        self, recipe: Recipe, ctx: JobContext | None = None, *, source: str = "recipe", at_once: bool = False
    ) -> Plan:
        """The recipe resolved on the model. Raises RecipeError, and Cancelled."""
        if recipe.rules and not self.model.info.layers:
            hint = "take a model with Conv, ConvTranspose, Gemm, MatMul, LSTM, GRU or RNN, and constant weights"
            raise RecipeError(f"{source}: matches no layer, as {self.model.path} has none", hint)
        samples = self.calibration_set(recipe.calibration)
        plan = self.compressor.plan(recipe, samples=samples, source=source, ctx=ctx, at_once=at_once)
        if samples is None or self.calibration is not None or not plan.needs_samples:
            return plan
        count = len(samples.indices)
        done = []
        if any(group.needs_samples for group in plan.groups):
            done.append("channels are chosen")
        if any(group.recover != RECOVER_NOTHING for group in plan.groups):
            done.append("layers are fitted")
        if plan.calibrates:
            done.append("ranges and rounding are set")
        what = " and ".join(done)
        note = f"{what} on {count} samples of the data that accuracy is measured on; other calibration data may differ"
        return dataclasses.replace(plan, notes=(*plan.notes, note))

    def plan_of_shapes(self, recipe: Recipe, ctx: JobContext) -> Plan:
        """The recipe resolved as if there were samples, without running any.

        How many channels stay is what the recipe asks; which ones, and what the file takes, is not looked at where it
        takes time.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: the recipe does not fit the model.
        """
        ctx.checkpoint()
        if not asks_for_channels(self.model.info, recipe):
            return self.compressor.plan_of_layers(recipe, has_samples=True)
        samples = self.calibration_set(recipe.calibration)
        return self.compressor.plan(recipe, has_samples=True, samples=samples, ctx=ctx, at_once=True)

    def model_of_shapes(self, plan: Plan, ctx: JobContext) -> Model:
        """A model with as many channels as a plan leaves. Raises Cancelled."""
        # By size is as good as any other way to choose, and the fastest.
        groups = tuple(
            dataclasses.replace(group, criterion="l2", needs_samples=False, recover=RECOVER_NOTHING)
            for group in plan.groups
        )
        return self.compressor.without_channels(groups, None, ctx).model

    def without_channels(self, plan: Plan, recipe: Recipe, ctx: JobContext) -> Compressor:
        """The compressor of the model without the channels that the plan removes. Raises Cancelled."""
        return self.compressor.without_channels(plan.groups, self.calibration_set(recipe.calibration), ctx)

    def key(self, recipe: Recipe) -> Made:
        """What a compressed file depends on."""
        samples = self.calibration_set(recipe.calibration)
        return self.compressor, recipe.digest, samples.key if samples is not None else None

    def named(self, report: EvaluationReport) -> EvaluationReport:
        """The report with what it holds for: whoever reads it may have something else on the bench by then."""
        digests = self.model.info.digest, self.samples.info.digest
        return dataclasses.replace(report, model_digest=digests[0], dataset_digest=digests[1])
