"""One model being compressed again and again: channels first, and then the weights that are left."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.channel_pruning import ChannelPruning, without_recovery
from workbench.engine.compress.compressed_layers import CompressedLayers
from workbench.engine.compress.layer_abilities import LayerAbilities
from workbench.engine.compress.layer_preview import layer_preview
from workbench.engine.compress.model_building import ModelBuilding
from workbench.engine.compress.planning import Planning
from workbench.engine.compress.quantizer import Quantizer
from workbench.engine.compress.storage.footprint import model_footprint
from workbench.engine.compress.structure.criterion import Criterion
from workbench.engine.compress.structure.known_criteria import OWN_CRITERIA
from workbench.engine.compress.structure_plan import StructurePlan
from workbench.engine.core.channel_wishes import asks_for_channels_alone
from workbench.engine.core.plan import GroupPlan, LayerPlan, Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import LayerPreview, ModelFootprint
from workbench.engine.graph.model import Model
from workbench.engine.graph.save import serialize
from workbench.jobs import JobContext

_CACHED_BYTES = 512 << 20
_KEPT_BENCHES = 3


class Compressor:
    """Resolves recipes on one model and builds the compressed file's bytes.

    Safe to use from several threads. Cost of `build` after an edit of one layer: that layer's weights
    once, and writing the file's bytes.
    """

    def __init__(
        self, model: Model, criteria: Iterable[Criterion] = OWN_CRITERIA, *, cached_bytes: int = _CACHED_BYTES
    ) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._layers = CompressedLayers(model, cached_bytes)
        # Computed at the first call. Nothing here holds this bench itself, so that it goes as soon as it is let go.
        footprint = cache(partial(model_footprint, model))
        self._planning = Planning(model.info, model.weight, LayerAbilities(model), footprint)
        self.quantizer = Quantizer(model)
        self._building = ModelBuilding(model, self._planning, self._layers, self.quantizer)
        self.pruning = ChannelPruning(model, criteria)
        self._without: OrderedDict[str, Compressor] = OrderedDict()

    def plan(
        self,
        recipe: Recipe,
        *,
        has_samples: bool = False,
        samples: CalibrationSet | None = None,
        source: str = "recipe",
        ctx: JobContext | None = None,
        at_once: bool = False,
    ) -> Plan:
        """The recipe resolved on the model, and whether the file grows by it. Raises RecipeError.

        Channels go first: thresholds are those of the weights that are left.

        Args:
            recipe: what is asked.
            has_samples: whether there will be samples to calibrate with.
            samples: what some criteria look at to choose channels; there are samples then.
            source: name of the recipe's text, for messages.
            ctx: asked while a criterion looks at samples.
            at_once: as `ChannelPruning.plan` takes it.
        """
        ctx = ctx or JobContext()
        structure = self.pruning.plan(recipe, samples, ctx, at_once=at_once, source=source)
        if asks_for_channels_alone(self.model.info, recipe):
            return self._channels_alone(recipe, structure, source)
        # Only which weights are small depends on what is fitted: for all else the plan need not wait for that.
        looks_at_weights = any(rule.prune is not None and rule.prune.kind == "weights" for rule in recipe.rules)
        groups = structure.groups if looks_at_weights else without_recovery(structure.groups)
        left = self.without_channels(groups, samples, ctx)
        has_samples = has_samples or samples is not None
        plan = left._planning.plan(recipe, has_samples=has_samples, asides=structure.asides, source=source)
        containers = left._planning.containers(recipe.encoding)
        growth = left._planning.growth(plan, containers, self.model.info.file_bytes)
        more = (*left._planning.raising(plan), *growth)
        return replace(plan, groups=structure.groups, notes=(*structure.notes, *plan.notes, *more))

    def _channels_alone(self, recipe: Recipe, structure: StructurePlan, source: str) -> Plan:
        """The plan where nothing depends on the weights that are left: their numbers are known without cutting."""
        plan = self._planning.plan(recipe, asides=structure.asides, source=source)
        shares = self.pruning.channels.layer_shares({group.group: group.kept for group in structure.groups})
        entries = tuple(
            replace(entry, num_kept=round(entry.num_kept * shares.get(entry.layer, 1.0))) for entry in plan.layers
        )
        return replace(plan, layers=entries, groups=structure.groups, notes=(*structure.notes, *plan.notes))

    def without_channels(
        self, groups: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext
    ) -> "Compressor":
        """The bench of the model without the channels that go, recovered as the plans say; this one if none do.

        The last few are kept.

        Raises:
            Cancelled: somebody asked to stop.
            ModelError: what is left does not fit together.
        """
        if not groups:
            return self
        model = self.pruning.recovered(groups, samples, ctx)
        with self._lock:
            if model.info.digest not in self._without:
                self._without[model.info.digest] = Compressor(model, cached_bytes=_CACHED_BYTES // _KEPT_BENCHES // 2)
            self._without.move_to_end(model.info.digest)
            while len(self._without) > _KEPT_BENCHES:
                self._without.popitem(last=False)
            return self._without[model.info.digest]

    def footprint(self) -> ModelFootprint:
        """What size previews need; computed at the first call."""
        return self._planning.footprint()

    def build(
        self,
        plan: Plan,
        *,
        encoding: str = "auto",
        samples: CalibrationSet | None = None,
        ctx: JobContext | None = None,
    ) -> bytes:
        """The bytes of the compressed model file.

        Args:
            plan: of this very model.
            encoding: "auto", or "plain" for containers that other tools read.
            samples: what a plan that quantizes activations or learns is calibrated with.
            ctx: asked before each batch of samples; told the progress.

        Raises:
            Cancelled: somebody asked to stop.
            ModelError: the model's opset cannot be raised to what the encoding needs.
            RunError: the model does not run on the samples.
        """
        if plan.groups:
            left = self.without_channels(plan.groups, samples, ctx or JobContext())
            return left.build(replace(plan, groups=()), encoding=encoding, samples=samples, ctx=ctx)
        return serialize(self._building.build(plan, encoding, samples, ctx or JobContext()))

    def preview(self, layer_name: str, recipe: Recipe) -> LayerPreview:
        """What the recipe does to one layer's weights; where channels go, to those that are left. Raises RecipeError.

        Where a criterion needs samples to tell which go, it is shown for the whole layer: nobody waits for them here.
        """
        layer = self.model.info.layer(layer_name)
        settings = recipe.settings_for(layer.name, layer.op_type)
        if settings.weights is None and settings.prune("weights") is None:
            return layer_preview(layer_name, recipe, self._planning, self._layers)
        groups = self.pruning.plan(recipe, None, JobContext(), at_once=True).groups
        left = self.without_channels(groups, None, JobContext())
        found = layer_preview(layer_name, recipe, left._planning, left._layers)
        # Limits by channel would stand beside the channels of the whole layer.
        return replace(found, channel_clip_low=None, channel_clip_high=None) if groups else found

    def dense_weights(self, entry: LayerPlan) -> npt.NDArray[np.floating]:
        """One layer's weights after pruning and rounding to nearest, as its node will compute with them."""
        return self._layers.of(self.model.info.layer(entry.layer), entry).weight.dense()

    def weight_sqnr_db(self, entry: LayerPlan) -> float:
        """SQNR of one layer's weights after pruning and rounding to nearest, dB; infinite if nothing changes."""
        return self._layers.sqnr_db(entry)

    def sparsity(self, plan: Plan) -> float:
        """Fraction of zeros among the weights of the model's layers after the plan."""
        return self._layers.sparsity(plan)
