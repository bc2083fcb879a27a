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
from workbench.engine.compress.foreseen import LeftLayers, is_foreseeable
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
from workbench.engine.core.recipe import RECOVER_NOTHING, Recipe
from workbench.engine.core.reports import LayerPreview, ModelFootprint
from workbench.engine.graph.model import Model
from workbench.engine.graph.save import serialize
from workbench.jobs import JobContext

_CACHED_BYTES = 512 << 20
_KEPT_BENCHES = 3
_FORESEEN = "which channels go is decided on samples: until those are run, this is what the sizes of weights foresee"


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
        self._layers = CompressedLayers(model.info, model.weight, model.weight_values, cached_bytes)
        # Computed at the first call. Nothing here holds this bench itself, so that it goes as soon as it is let go.
        footprint = cache(partial(model_footprint, model))
        self._planning = Planning(model.info, model.weight, LayerAbilities(model), footprint)
        self.quantizer = Quantizer(model)
        self._building = ModelBuilding(model, self._planning, self._layers, self.quantizer)
        self.pruning = ChannelPruning(model, criteria)
        self._without: OrderedDict[str, Compressor] = OrderedDict()
        # Most edits leave the channels as they are. Read once and put back whole: several threads may ask.
        self._last_left: tuple[object, LeftLayers | None] | None = None

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
            at_once: run no samples, as `ChannelPruning.plan` takes it; what they decide is foreseen then.
        """
        ctx = ctx or JobContext()
        structure = self.pruning.plan(recipe, samples, ctx, at_once=at_once, source=source)
        if asks_for_channels_alone(self.model.info, recipe):
            return self._channels_alone(recipe, structure, source)
        groups, awaits = structure.groups, structure.awaits_samples
        # Only which weights are small depends on what is fitted: for all else the plan need not wait for that.
        if not any(rule.prune is not None and rule.prune.kind == "weights" for rule in recipe.rules):
            groups = without_recovery(groups)
        elif at_once:
            awaits = awaits or self.pruning.at_once(groups, samples) != groups
        if at_once:
            groups = self.pruning.at_once(groups, samples)
        has_samples = has_samples or samples is not None
        left = self._foreseen(groups, recipe, samples)
        # Nothing is cut where it is foreseen: that takes longer than all the rest.
        planning = self.without_channels(groups, samples, ctx)._planning if left is None else left.planning
        plan = planning.plan(recipe, has_samples=has_samples, asides=structure.asides, source=source)
        before = self.model.info.file_bytes
        if left is None or (left.most_bytes(plan, recipe.encoding) or 0) > before:
            # Only near the original's size every byte has to be counted.
            planning = self.without_channels(groups, samples, ctx)._planning
        growth = planning.growth(plan, planning.containers(recipe.encoding), before)
        notes = (*structure.notes, *plan.notes, *planning.raising(plan), *growth, *([_FORESEEN] if awaits else []))
        return replace(plan, groups=structure.groups, notes=notes, awaits_samples=awaits)

    def plan_of_layers(self, recipe: Recipe, *, has_samples: bool = False) -> Plan:
        """What is done to each layer of the model as it is, without a look at what the file takes. Raises RecipeError.

        Args:
            recipe: what is asked; of channels nothing is done.
            has_samples: whether there will be samples to calibrate with.
        """
        return self._planning.plan(recipe, has_samples=has_samples)

    def _foreseen(
        self, groups: tuple[GroupPlan, ...], recipe: Recipe, samples: CalibrationSet | None
    ) -> LeftLayers | None:
        """The layers that are left, where they are known before anything is cut; nothing is fitted in them."""
        is_fitted = any(group.recover != RECOVER_NOTHING for group in groups)
        if not groups or is_fitted or not is_foreseeable(self.model.info, recipe):
            return None
        looks = samples is not None and any(group.needs_samples for group in groups)
        key, known = (groups, samples.key if looks and samples is not None else None), self._last_left
        if known is None or known[0] != key:
            kept = {group.group: group.kept for group in groups}
            # Whoever planned these groups knows their scores: no samples are run for them here.
            known = (
                key,
                self.pruning.foreseen.left(kept, partial(self.pruning.units_gone, groups, samples, JobContext())),
            )
            self._last_left = known
        return known[1]

    def _channels_alone(self, recipe: Recipe, structure: StructurePlan, source: str) -> Plan:
        """The plan where nothing depends on the weights that are left: their numbers are known without cutting."""
        plan = self._planning.plan(recipe, asides=structure.asides, source=source)
        shares = self.pruning.channels.layer_shares({group.group: group.kept for group in structure.groups})
        entries = tuple(
            replace(entry, num_kept=round(entry.num_kept * shares.get(entry.layer, 1.0))) for entry in plan.layers
        )
        awaits = structure.awaits_samples
        notes = (*structure.notes, *plan.notes, *([_FORESEEN] if awaits else []))
        return replace(plan, layers=entries, groups=structure.groups, notes=notes, awaits_samples=awaits)

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
        left = self._foreseen(groups, recipe, None)
        if left is not None:
            found = layer_preview(layer_name, recipe, left.planning, left.layers)
        else:
            bench = self.without_channels(groups, None, JobContext())
            found = layer_preview(layer_name, recipe, bench._planning, bench._layers)
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
