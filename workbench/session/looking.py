"""Verbs that look at the model, and at what a recipe would do; none of them measures."""

from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.channel_importance import ChannelImportance, CriterionInfo
from workbench.engine.core.plan import Plan
from workbench.engine.core.quantization_reports import LayerActivations
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import (
    LayerPreview,
    ModelFootprint,
)
from workbench.engine.core.weight_curves import WeightCurves, build_weight_curves
from workbench.jobs import JobContext
from workbench.session.on_bench import OnBench


class LookingVerbs(OnBench):
    """What the model is, and what a recipe does to it."""

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
