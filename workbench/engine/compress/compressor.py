"""One model being compressed again and again: what a layer costs to compress is computed once per setting."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.channel_pruning import ChannelPruning, without_recovery
from workbench.engine.compress.layer_abilities import LayerAbilities
from workbench.engine.compress.plan import resolve_plan
from workbench.engine.compress.quantized_model import quantized_model
from workbench.engine.compress.quantizer import Quantizer
from workbench.engine.compress.storage.footprint import model_footprint
from workbench.engine.compress.storage.replaced_weights import Replacement, replace_weights
from workbench.engine.compress.storage.weight_storage import (
    StoredTensor,
    planned_bytes,
    stored_smallest,
    written_tensors,
)
from workbench.engine.compress.structure.criterion import Criterion
from workbench.engine.compress.structure.known_criteria import OWN_CRITERIA
from workbench.engine.compress.structure_plan import Aside, StructurePlan
from workbench.engine.compress.weights.compressed_layer import compress_weight, sqnr_db
from workbench.engine.compress.weights.compressed_weight import CompressedWeight
from workbench.engine.compress.weights.kept_weights import kept_weights
from workbench.engine.core.channel_wishes import asks_for_channels_alone
from workbench.engine.core.footprint import (
    CHANNELS_OPSET,
    CONTAINER_OPSET,
    INT4_OPSET,
    Containers,
    Encoding,
    opset_needed,
)
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.plain_containers import PLAIN, containers_of
from workbench.engine.core.plan import GroupPlan, LayerPlan, Plan
from workbench.engine.core.recipe import Recipe, WeightSettings
from workbench.engine.core.reports import LayerPreview, ModelFootprint
from workbench.engine.core.weight_pattern import WeightPattern
from workbench.engine.graph.model import Model
from workbench.engine.graph.opset import opset_of, raised
from workbench.engine.graph.save import serialize
from workbench.jobs import JobContext

_CACHED_BYTES = 512 << 20
_KEPT_BENCHES = 3
_NO_ASIDES: Mapping[str, Aside] = MappingProxyType({})
# Why containers need an opset.
_NEEDS = {
    CONTAINER_OPSET: "int8 containers need it",
    CHANNELS_OPSET: "scales per channel need it",
    INT4_OPSET: "int4 containers and scales by blocks need it, and IR version 10",
}

_Key = tuple[str, float | None, WeightPattern | None, WeightSettings | None]


@dataclass(frozen=True, slots=True)
class _Cached:
    weight: CompressedWeight
    sqnr_db: float
    sparsity: float
    size: int


class Compressor:
    """Resolves recipes on one model and builds the compressed file's bytes.

    Safe to use from several threads. Cost of `build` after an edit of one layer: that layer's weights
    once, and writing the file's bytes.
    """

    def __init__(
        self, model: Model, criteria: Iterable[Criterion] = OWN_CRITERIA, *, cached_bytes: int = _CACHED_BYTES
    ) -> None:
        self.model = model
        self._most_cached = cached_bytes
        self._cache: OrderedDict[_Key, _Cached] = OrderedDict()
        self._cached_bytes = 0
        self._lock = threading.Lock()
        self._footprint: ModelFootprint | None = None
        self._numbers = {layer.name: number for number, layer in enumerate(model.info.layers)}
        self._abilities = LayerAbilities(model)
        self.quantizer = Quantizer(model)
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
        plan = left._resolved(recipe, has_samples=has_samples, asides=structure.asides, source=source)
        growth = left._growth(plan, left._containers(recipe.encoding), self.model.info.file_bytes)
        more = (*left._raising(plan), *growth)
        return replace(plan, groups=structure.groups, notes=(*structure.notes, *plan.notes, *more))

    def _channels_alone(self, recipe: Recipe, structure: StructurePlan, source: str) -> Plan:
        """The plan where nothing depends on the weights that are left: their numbers are known without cutting."""
        plan = self._resolved(recipe, asides=structure.asides, source=source)
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

    def _resolved(
        self,
        recipe: Recipe,
        *,
        has_samples: bool = False,
        asides: Mapping[str, Aside] = _NO_ASIDES,
        source: str = "recipe",
    ) -> Plan:
        abilities = self._abilities.abilities(has_samples=has_samples)
        if recipe.encoding == PLAIN:
            abilities = replace(abilities, largest_opset=self.footprint().largest_opset)
        plan = resolve_plan(self.model.info, recipe, self.model.weight, abilities, asides=asides, source=source)
        return self._with_opset(plan, self._containers(recipe.encoding))

    def _containers(self, encoding: str) -> Containers:
        # The packed encodings need no more than the model is known to allow, without a look at its footprint.
        return containers_of(encoding, self.footprint().largest_opset) if encoding == PLAIN else Containers.ANY

    def _with_opset(self, plan: Plan, containers: Containers) -> Plan:
        """The plan, with the opset that the containers need."""
        if containers is Containers.ANY:
            return plan
        tensors = written_tensors(self.model.info, [entry for entry in plan.layers if entry.weights is not None])
        stored = stored_smallest(tensors, self.footprint(), containers=containers)
        needed = [one.opset for one in stored if one.storage.encoding is Encoding.PLAIN]
        return replace(plan, opset=max(needed, default=0))

    def _raising(self, plan: Plan) -> tuple[str, ...]:
        """A note where the containers need a newer opset than the model has."""
        before, after = self.model.info.opset, plan.opset
        if after <= before:
            return ()
        return (f"the model's opset is raised from {before} to {after}: {_NEEDS[after]}",)

    def _growth(self, plan: Plan, containers: Containers, before: int) -> tuple[str, ...]:
        """A note where the file gets larger than the original; none is foreseen of quantized activations.

        Args:
            plan: of this very model.
            containers: as the recipe's encoding allows.
            before: bytes of the original.
        """
        tensors = written_tensors(self.model.info, [entry for entry in plan.layers if entry.is_changed])
        if not tensors or plan.needs_preparation:
            return ()
        footprint = self.footprint()
        after = planned_bytes(tensors, stored_smallest(tensors, footprint, containers=containers), footprint)
        if after <= before:
            return ()
        return (f"the file grows from {before:,} to {after:,} bytes: what is added takes more than the weights save",)

    def footprint(self) -> ModelFootprint:
        """What size previews need; computed at the first call."""
        if self._footprint is None:
            self._footprint = model_footprint(self.model)
        return self._footprint

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
        containers = self._containers(encoding)
        if plan.needs_preparation:
            plan = self._with_opset(plan, containers)
            return serialize(self._build_prepared(plan, containers, samples, ctx or JobContext()))
        changed = [entry for entry in plan.layers if entry.is_changed]
        proto = self.model.to_proto()
        if not changed:
            return serialize(proto)
        weights = {entry.layer: self._compressed(self.model.info.layer(entry.layer), entry).weight for entry in changed}
        replacements = self._replacements(self.model.info, changed, weights, containers)
        needed = max(opset_needed(item.storage, item.weight.tensor_shape) for item in replacements)
        proto = raised(proto, needed)
        replace_weights(proto, replacements, opset_of(proto))
        return serialize(proto)

    def _build_prepared(
        self, plan: Plan, containers: Containers, samples: CalibrationSet | None, ctx: JobContext
    ) -> onnx.ModelProto:
        graph = self.quantizer.graph(plan)
        quantized = self.quantizer.layers(plan, samples, ctx)
        entries = [entry for entry in plan.layers if entry.layer in quantized.weights]
        replacements = self._replacements(graph.model.info, entries, quantized.weights, containers)
        return quantized_model(graph, plan, quantized, replacements)

    def preview(self, layer_name: str, recipe: Recipe) -> LayerPreview:
        """What the recipe does to one layer's weights; where channels go, to those that are left. Raises RecipeError.

        Where a criterion needs samples to tell which go, it is shown for the whole layer: nobody waits for them here.
        """
        layer = self.model.info.layer(layer_name)
        settings = recipe.settings_for(layer.name, layer.op_type)
        if settings.weights is None and settings.prune("weights") is None:
            return self._preview(layer_name, recipe)
        groups = self.pruning.plan(recipe, None, JobContext(), at_once=True).groups
        found = self.without_channels(groups, None, JobContext())._preview(layer_name, recipe)
        # Limits by channel would stand beside the channels of the whole layer.
        return replace(found, channel_clip_low=None, channel_clip_high=None) if groups else found

    def _preview(self, layer_name: str, recipe: Recipe) -> LayerPreview:
        layer = self.model.info.layer(layer_name)
        plan = self._resolved(recipe)
        entry = plan.layer(layer_name) or LayerPlan(layer_name, "", "", num_kept=layer.num_weights)
        if not layer.editable:
            return _untouched(layer, recipe)
        cached = self._compressed(layer, entry)
        weight = cached.weight
        stored = self._stored(plan, entry, self._containers(recipe.encoding))
        low, high, clipped = _clipping(self.model.weight(layer_name), weight)
        channel_low, channel_high = _by_channel(low, layer), _by_channel(high, layer)
        return LayerPreview(
            layer=layer_name,
            recipe_digest=recipe.digest,
            threshold=entry.threshold or 0.0,
            sparsity=cached.sparsity,
            pruned=1 - entry.num_kept / max(1, layer.num_weights) if entry.is_pruned else 0.0,
            clip_low=None if low is None else float(low.min()),
            clip_high=None if high is None else float(high.max()),
            channel_clip_low=channel_low,
            channel_clip_high=channel_high,
            clipped=clipped,
            sqnr_db=cached.sqnr_db,
            size_bytes=stored.num_bytes,
            encoding=stored.storage.encoding,
        )

    def dense_weights(self, entry: LayerPlan) -> npt.NDArray[np.floating]:
        """One layer's weights after pruning and rounding to nearest, as its node will compute with them."""
        return self._compressed(self.model.info.layer(entry.layer), entry).weight.dense()

    def weight_sqnr_db(self, entry: LayerPlan) -> float:
        """SQNR of one layer's weights after pruning and rounding to nearest, dB; infinite if nothing changes."""
        if not entry.is_changed:
            return float("inf")
        return self._compressed(self.model.info.layer(entry.layer), entry).sqnr_db

    def _stored(self, plan: Plan, entry: LayerPlan, containers: Containers) -> StoredTensor:
        """How the plan stores the layer of one entry, beside all others: they share tables."""
        changed = [other for other in plan.layers if other.is_changed and other.layer != entry.layer]
        tensors = written_tensors(self.model.info, [entry, *changed])
        return stored_smallest(tensors, self.footprint(), containers=containers)[0]

    def sparsity(self, plan: Plan) -> float:
        """Fraction of zeros among the weights of the model's layers after the plan."""
        zeros = total = 0.0
        for layer in self.model.info.layers:
            if layer.statistics is None:
                continue
            entry = plan.layer(layer.name)
            is_changed = entry is not None and entry.is_changed
            share = self._compressed(layer, entry).sparsity if entry and is_changed else layer.statistics.sparsity
            zeros += share * layer.num_weights
            total += layer.num_weights
        return zeros / total if total else 0.0

    def _replacements(
        self,
        info: ModelInfo,
        changed: Sequence[LayerPlan],
        weights: Mapping[str, CompressedWeight],
        containers: Containers,
    ) -> list[Replacement]:
        """One replacement for all layers that read the same tensor and are treated alike."""
        # Where a bias needs it, a scale is larger than the settings alone give.
        scales = {name: weight.params.scale.tobytes() for name, weight in weights.items() if weight.params is not None}
        tensors = written_tensors(info, [entry for entry in changed if entry.layer in weights], scales)
        stored = stored_smallest(tensors, self.footprint(), containers=containers)
        return [
            Replacement(
                number=self._numbers[tensor.layers[0].name],
                weight_name=tensor.layers[0].weight_name,
                readers=tuple((layer.node_output, layer.place) for layer in tensor.layers),
                weight=weights[tensor.layers[0].name],
                storage=one.storage,
                dtype=self.model.weight_dtype(tensor.layers[0].name),
                as_codes=tensor.entry.runs_on_integers,
            )
            for tensor, one in zip(tensors, stored, strict=True)
        ]

    def _compressed(self, layer: Layer, entry: LayerPlan) -> _Cached:
        key = (layer.name, entry.threshold, entry.pattern, entry.weights)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        original = self.model.weight(layer.name)
        assert layer.axis is not None
        kept = kept_weights(original, layer, entry)
        values = self.model.weight_values(layer.name) if entry.weights is None else original
        weight = compress_weight(values, layer.axis, kept, entry.weights, is_stacked=layer.is_stacked)
        dense = weight.dense()
        size = dense.nbytes + (dense.size if weight.kept is not None else 0)
        sparsity = 1 - float(np.count_nonzero(dense)) / max(1, dense.size)
        cached = _Cached(weight, sqnr_db(original, dense), sparsity, size)
        with self._lock:
            if key not in self._cache:
                self._cache[key] = cached
                self._cached_bytes += size
            while self._cached_bytes > self._most_cached and len(self._cache) > 1:
                _, oldest = self._cache.popitem(last=False)
                self._cached_bytes -= oldest.size
        return cached


def _clipping(
    original: npt.NDArray[np.float32], weight: CompressedWeight
) -> tuple[npt.NDArray[np.float32] | None, npt.NDArray[np.float32] | None, float]:
    """Range kept for each weight, in a shape that broadcasts, and the fraction of weights outside it."""
    if weight.params is None:
        return None, None, 0.0
    low = weight.rows.spread(weight.params.low).astype(np.float32)
    high = weight.rows.spread(weight.params.high).astype(np.float32)
    # Half a step beyond the last code still rounds to it: that is rounding, not clipping.
    half = weight.rows.spread(weight.params.scale).astype(np.float32) / 2
    outside = (original < low - half) | (original > high + half)
    return low, high, float(outside.mean()) if original.size else 0.0


def _by_channel(limit: npt.NDArray[np.float32] | None, layer: Layer) -> npt.NDArray[np.float32] | None:
    """The widest limit of each output channel, shape (C,)."""
    if limit is None or layer.axis is None:
        return None
    full = np.broadcast_to(limit, layer.weight_shape)
    others = tuple(index for index in range(full.ndim) if index not in layer.channel_axes)
    widest = full.max(axis=others) if float(limit.max()) > 0 else full.min(axis=others)
    return np.asarray(widest, np.float32).reshape(-1)


def _untouched(layer: Layer, recipe: Recipe) -> LayerPreview:
    sparsity = layer.statistics.sparsity if layer.statistics else 0.0
    return LayerPreview(
        layer.name, recipe.digest, 0.0, sparsity, 0.0, None, None, None, None, 0.0, float("inf"), 0, Encoding.DENSE
    )
