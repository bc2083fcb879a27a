"""Pruning of channels on one model: its groups and scores are found once, pruned models are kept for a while."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.channel_spread import units_kept
from workbench.engine.compress.structure.criterion import Criterion, Needs
from workbench.engine.compress.structure.importance import UnitScores, unit_scores
from workbench.engine.compress.structure.known_criteria import OWN_CRITERIA
from workbench.engine.compress.structure.sample_findings import find_in_samples
from workbench.engine.compress.structure.structure import ModelStructure
from workbench.engine.compress.structure_plan import StructurePlan, plan_structure
from workbench.engine.core.channel_group import ChannelGroup, ModelChannels
from workbench.engine.core.channel_importance import ChannelImportance
from workbench.engine.core.channel_wishes import DEFAULT_CRITERION, Asked, asks_for_channels, groups_asked
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.plan import GroupPlan
from workbench.engine.core.recipe import Recipe
from workbench.engine.graph.model import Model
from workbench.jobs import JobContext

_KEPT_MODELS = 3
Floats = npt.NDArray[np.float64]
_Key = tuple[tuple[GroupPlan, ...], object]


class ChannelPruning:
    """Resolves what recipes ask of channels, and makes models without them. Safe to use from several threads.

    Args:
        model: as it was opened.
        criteria: the ways to tell how much channels matter.
    """

    def __init__(self, model: Model, criteria: Iterable[Criterion] = OWN_CRITERIA) -> None:
        self._model = model
        self._criteria = {criterion.name: criterion for criterion in criteria}
        self._lock = threading.RLock()
        self._scores: dict[tuple[str, str, object], UnitScores] = {}
        self._models: OrderedDict[_Key, Model] = OrderedDict()

    @property
    def channels(self) -> ModelChannels:
        """The model's groups, as plain values."""
        with self._lock:
            return self._structure.channels

    def plan(self, recipe: Recipe, samples: CalibrationSet | None, ctx: JobContext) -> StructurePlan:
        """What the recipe does to the channel groups; empty where it asks nothing of them.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: a criterion is not known.
        """
        if not asks_for_channels(self._model.info, recipe):
            return StructurePlan()
        with self._lock:
            asked = groups_asked(self._model.info, self.channels, recipe)
            able = [one for one in asked if one.group.num_units and not self._lacks_samples(one, samples)]
            names = {one.group.name: one for one in able}

            def scores_of(group: str) -> Floats:
                criterion = self._criterion(names[group].criterion)
                self._score(
                    criterion, [one.group.name for one in able if one.criterion == criterion.name], samples, ctx
                )
                return self._scores[self._key(group, criterion, samples)].values

            kept = units_kept(able, self._structure, scores_of)
            plans = [self._group_plan(one, kept[one.group.name]) for one in able]
            plans = [plan for plan in plans if plan.num_kept < plan.num_units]
            lacking = {one.group.name for one in asked if one.group.num_units and self._lacks_samples(one, samples)}
            return plan_structure(self._model.info, self.channels, recipe, asked, plans, lacking)

    def pruned(self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext) -> Model:
        """The model without the channels that go. The last few are kept.

        Raises:
            Cancelled: somebody asked to stop.
            ModelError: what is left does not fit together.
        """
        key = plans, samples.key if samples is not None and any(plan.needs_samples for plan in plans) else None
        with self._lock:
            if key not in self._models:
                self._models[key] = self._structure.without(self.units_gone(plans, samples, ctx))
            self._models.move_to_end(key)
            while len(self._models) > _KEPT_MODELS:
                self._models.popitem(last=False)
            return self._models[key]

    def units_gone(
        self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext
    ) -> frozenset[int]:
        """The units that go. Raises Cancelled."""
        with self._lock:
            scores: dict[str, Floats] = {}
            for name in dict.fromkeys(plan.criterion for plan in plans):
                criterion, groups = self._criterion(name), [plan.group for plan in plans if plan.criterion == name]
                self._score(criterion, groups, samples, ctx)
                scores |= {group: self._scores[self._key(group, criterion, samples)].values for group in groups}
            return self._structure.units_gone(_kept(plans), scores)

    def silenced(
        self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext
    ) -> onnx.ModelProto:
        """The whole model with the same channels held at zero: what the pruned one has to compute."""
        with self._lock:
            return self._structure.silenced(self.units_gone(plans, samples, ctx))

    def importance(
        self, layer: str, recipe: Recipe, samples: CalibrationSet | None, ctx: JobContext
    ) -> ChannelImportance:
        """How much the channels of a layer's group matter, and which stay under the recipe.

        Without a wish for the group the scores are those of the criterion that it would be given.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: a criterion is not known.
        """
        with self._lock:
            group = self.channels.group(self.channels.group_of.get(layer, ""))
            if group is None or not group.num_units:
                return ChannelImportance(layer, recipe.digest, reason=_why_none(group))
            asked = next(iter(groups_asked(self._model.info, self.channels, recipe, (group.name,))), None)
            criterion = self._criterion(asked.criterion if asked is not None else DEFAULT_CRITERION)
            if samples is None and criterion.needs is not Needs.WEIGHTS:
                why = f"criterion {criterion.name} needs samples, and none are open"
                return ChannelImportance(layer, recipe.digest, group.name, criterion.name, reason=why)
            self._score(criterion, [group.name], samples, ctx)
            scores = self._scores[self._key(group.name, criterion, samples)]
            units, kept = self._structure.unit_groups[group.name], np.ones(group.num_units, np.bool_)
            plan = self._plan_of(group.name, recipe, samples, ctx) if asked is not None else None
            if plan is not None:
                kept = self._structure.units_kept(group.name, plan.kept, scores.values)
            return ChannelImportance(
                layer, recipe.digest, group.name, criterion.name, scores.values, units.classes, kept,
                self._structure.output_places(group.name, layer), bool(units.partitions), scores.reason,
            )  # fmt: skip

    def _plan_of(self, group: str, recipe: Recipe, samples: CalibrationSet | None, ctx: JobContext) -> GroupPlan | None:
        plans = self.plan(recipe, samples, ctx).groups
        return next((plan for plan in plans if plan.group == group), None)

    @cached_property
    def _structure(self) -> ModelStructure:
        return ModelStructure(self._model)

    def _criterion(self, name: str) -> Criterion:
        if name not in self._criteria:
            known = ", ".join(sorted(self._criteria))
            raise RecipeError(f"criterion {name!r} is not known", f"take one of {known}")
        return self._criteria[name]

    def _lacks_samples(self, asked: Asked, samples: CalibrationSet | None) -> bool:
        return samples is None and self._criterion(asked.criterion).needs is not Needs.WEIGHTS

    def _key(self, group: str, criterion: Criterion, samples: CalibrationSet | None) -> tuple[str, str, object]:
        is_alone = criterion.needs is Needs.WEIGHTS or samples is None
        return group, criterion.name, None if is_alone or samples is None else samples.key

    def _score(
        self, criterion: Criterion, names: Sequence[str], samples: CalibrationSet | None, ctx: JobContext
    ) -> None:
        """Find the scores of these groups that are not known yet, in one pass over the samples."""
        missing = [name for name in names if self._key(name, criterion, samples) not in self._scores]
        if not missing:
            return
        groups = [self._structure.unit_groups[name] for name in missing]
        findings = find_in_samples(criterion, groups, self._structure.flow, samples, ctx)
        for name, group in zip(missing, groups, strict=True):
            found = unit_scores(criterion, group, self._structure.flow, findings)
            self._scores[self._key(name, criterion, samples)] = found

    def _group_plan(self, asked: Asked, kept: tuple[int, ...]) -> GroupPlan:
        criterion = self._criterion(asked.criterion)
        needs_samples = criterion.needs is not Needs.WEIGHTS
        return GroupPlan(asked.group.name, kept, asked.group.num_units, criterion.name, needs_samples)


def _kept(plans: tuple[GroupPlan, ...]) -> Mapping[str, tuple[int, ...]]:
    return {plan.group: plan.kept for plan in plans}


def _why_none(group: ChannelGroup | None) -> str:
    if group is None:
        return "its channels are not followed: it is not in the main graph, or its weights are computed"
    return group.reason or "nothing of it can go"
