"""What rounds of pruning ask of one model: sizes before anything is built, sizes of what is, and how good that is."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.plan import GroupPlan
from workbench.engine.core.pruning_round import ModelSize
from workbench.engine.core.recipe import RECOVER_NOTHING, Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.jobs import JobContext


@dataclass(frozen=True, slots=True, eq=False)
class RoundBench:
    """The model that is pruned.

    Args:
        compressor: of the original.
        samples: gives the samples that a recipe is calibrated on.
        file: gives the bytes of a recipe's file.
        evaluation: of that file, paired with the original.
    """

    compressor: Compressor
    samples: Callable[[Recipe], CalibrationSet | None]
    file: Callable[[Recipe, JobContext], bytes]
    evaluation: Callable[[Recipe, JobContext], EvaluationReport]

    def estimate(self, recipe: Recipe, ctx: JobContext) -> ModelSize:
        """By arithmetic on the channels that are left; where that is not exact, of the model without them.

        Raises Cancelled.
        """
        groups = self._groups(replace(recipe, recover=RECOVER_NOTHING), ctx)
        channels, info = self.compressor.pruning.channels, self.compressor.model.info
        if not channels.is_exact:
            left = self.compressor.without_channels(groups, self.samples(recipe), ctx).model.info
            return ModelSize(left.macs, left.num_params, left.file_bytes)
        kept = {plan.group: plan.kept for plan in groups}
        shares, by_layer = channels.shares(kept), channels.layer_shares(kept)
        macs = [layer.macs * by_layer.get(layer.name, 1.0) for layer in info.layers if layer.macs is not None]
        gone = sum(round(tensor.size * (1 - shares[tensor.name])) for tensor in channels.tensors)
        return ModelSize(
            None if info.macs is None else round(sum(macs)), info.num_params - gone, channels.file_bytes(kept)
        )

    def build(self, recipe: Recipe, ctx: JobContext) -> ModelSize:
        """Of the file itself, which is then there to be evaluated. Raises Cancelled, or RunError."""
        data = self.file(recipe, ctx)
        left = self.compressor.without_channels(self._groups(recipe, ctx), self.samples(recipe), ctx).model.info
        return ModelSize(left.macs, left.num_params, len(data))

    def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
        """Paired with the original. Raises Cancelled, DataError or RunError."""
        return self.evaluation(recipe, ctx)

    def recovered_by(self, recipe: Recipe, ctx: JobContext) -> str:
        """What is fitted after channels went, in words. Raises Cancelled."""
        return self.compressor.pruning.recovery_note(self._groups(recipe, ctx), self.samples(recipe), ctx)

    def _groups(self, recipe: Recipe, ctx: JobContext) -> tuple[GroupPlan, ...]:
        return self.compressor.pruning.plan(recipe, self.samples(recipe), ctx).groups
