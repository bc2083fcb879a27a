"""Pruning of channels on one model: its groups and scores are found once, pruned models are kept for a while."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.channel_spread import units_kept
from workbench.engine.compress.recovery.fitting_plan import LayerFit, fitting_note, fitting_plan
from workbench.engine.compress.recovery.recovered_model import recovered_model
from workbench.engine.compress.structure.criterion import Criterion, Needs
from workbench.engine.compress.structure.importance import UnitScores, unit_scores
from workbench.engine.compress.structure.known_criteria import OWN_CRITERIA
from workbench.engine.compress.structure.sample_findings import find_in_samples
from workbench.engine.compress.structure.structure import ModelStructure
from workbench.engine.compress.structure_plan import (
    Aside,
    Asked,
    StructurePlan,
    asks_for_channels,
    criterion_of,
    groups_asked,
    plan_structure,
)
from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.plan import GroupPlan
from workbench.engine.core.recipe import RECOVER_NOTHING, RECOVER_WEIGHTS, Recipe
from workbench.engine.graph.channels.cut import Cut
from workbench.engine.graph.model import Model
from workbench.jobs import JobContext

_KEPT_MODELS = 4
Floats = npt.NDArray[np.float64]
_Key = tuple[tuple[GroupPlan, ...], object]
_RECOVERED_ALONE = "recover: {} does nothing: no channels are removed"
_RECOVERED_BLIND = "recover: {} does nothing: it needs samples, and none are given"


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
            asks_more = recipe.recover != RECOVER_NOTHING
            return StructurePlan(notes=(_RECOVERED_ALONE.format(recipe.recover),) if asks_more else ())
        with self._lock:
            asked = groups_asked(self._model.info, self.channels, recipe)
            able = [one for one in asked if one.group.num_units and not self._lacks_samples(one, samples)]
            names = {one.group.name: one for one in able}

            def scores_of(group: str) -> Floats:
                criterion = self._criterion(criterion_of(names[group]))
                self._score(
                    criterion, [one.group.name for one in able if criterion_of(one) == criterion.name], samples, ctx
                )
                return self._scores[self._key(group, criterion, samples)].values

            kept = units_kept(able, self._structure, scores_of)
            recover = recipe.recover if samples is not None else RECOVER_NOTHING
            plans = [self._group_plan(one, kept[one.group.name], recover) for one in able]
            plans = [plan for plan in plans if plan.num_kept < plan.num_units]
            lacking = {one.group.name for one in asked if one.group.num_units and self._lacks_samples(one, samples)}
            found = plan_structure(self._model.info, self.channels, recipe, asked, plans, lacking)
            return self._with_recovery(found, recipe, samples, ctx)

    def pruned(self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext) -> Model:
        """The model without the channels that go, and nothing recovered. The last few are kept.

        Raises:
            Cancelled: somebody asked to stop.
            ModelError: what is left does not fit together.
        """
        plans = without_recovery(plans)
        key = plans, samples.key if samples is not None and any(plan.needs_samples for plan in plans) else None
        with self._lock:
            return self._remembered(key, lambda: self._structure.without(self.units_gone(plans, samples, ctx)))

    def recovered(self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext) -> Model:
        """The same, with what the plans recover; the last few are kept.

        Raises:
            Cancelled: somebody asked to stop.
            ModelError: what is left does not fit together.
            RunError: the model does not run on the samples.
        """
        with self._lock:
            fits = self._fits(plans, samples, ctx)
            if samples is None or all(fit.what == RECOVER_NOTHING for fit in fits):
                return self.pruned(plans, samples, ctx)
            return self._remembered((plans, samples.key), lambda: self._recovered(plans, fits, samples, ctx))

    def _recovered(
        self, plans: tuple[GroupPlan, ...], fits: Sequence[LayerFit], samples: CalibrationSet, ctx: JobContext
    ) -> Model:
        cut = Cut(self._structure.flow, self.units_gone(plans, samples, ctx))
        original = onnx.ModelProto()
        original.CopyFrom(self._structure.flow.proto)
        return recovered_model(original, self.pruned(plans, samples, ctx), fits, cut.kept_on, samples, ctx)

    def recovery_note(self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext) -> str:
        """What is fitted after these channels went, in words; empty if nothing is asked."""
        if samples is None or all(plan.recover == RECOVER_NOTHING for plan in plans):
            return ""
        with self._lock:
            return fitting_note(self._fits(plans, samples, ctx), len(samples.indices))

    def _fits(
        self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext
    ) -> Sequence[LayerFit]:
        asked = next((plan.recover for plan in plans if plan.recover != RECOVER_NOTHING), RECOVER_NOTHING)
        if asked == RECOVER_NOTHING:
            return ()
        return fitting_plan(self._model, self.pruned(plans, samples, ctx), asked)

    def _with_recovery(
        self, found: StructurePlan, recipe: Recipe, samples: CalibrationSet | None, ctx: JobContext
    ) -> StructurePlan:
        """The plan with what is fitted afterwards, said of each layer and of the whole."""
        if recipe.recover == RECOVER_NOTHING:
            return found
        if not found.groups or samples is None:
            text = _RECOVERED_BLIND if samples is None else _RECOVERED_ALONE
            return replace(found, notes=(*found.notes, text.format(recipe.recover)))
        fits = self._fits(found.groups, samples, ctx)
        asides = dict(found.asides)
        for fit in fits:
            before = asides.get(fit.layer, Aside())
            what = {RECOVER_NOTHING: "", RECOVER_WEIGHTS: "fit its weights"}.get(fit.what, "fit its bias")
            done, reason = (before.done, what), (before.reason, fit.reason)
            asides[fit.layer] = Aside("; ".join(filter(None, done)), "; ".join(filter(None, reason)))
        note = self.recovery_note(found.groups, samples, ctx)
        return replace(found, asides=asides, notes=(*found.notes, note))

    def _remembered(self, key: _Key, make: Callable[[], Model]) -> Model:
        if key not in self._models:
            self._models[key] = make()
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

    @cached_property
    def _structure(self) -> ModelStructure:
        return ModelStructure(self._model)

    def _criterion(self, name: str) -> Criterion:
        if name not in self._criteria:
            known = ", ".join(sorted(self._criteria))
            raise RecipeError(f"criterion {name!r} is not known", f"take one of {known}")
        return self._criteria[name]

    def _lacks_samples(self, asked: Asked, samples: CalibrationSet | None) -> bool:
        return samples is None and self._criterion(criterion_of(asked)).needs is not Needs.WEIGHTS

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

    def _group_plan(self, asked: Asked, kept: tuple[int, ...], recover: str) -> GroupPlan:
        criterion = self._criterion(criterion_of(asked))
        needs_samples = criterion.needs is not Needs.WEIGHTS
        return GroupPlan(asked.group.name, kept, asked.group.num_units, criterion.name, needs_samples, recover)


def without_recovery(plans: tuple[GroupPlan, ...]) -> tuple[GroupPlan, ...]:
    """The same channels, and nothing fitted afterwards."""
    return tuple(replace(plan, recover=RECOVER_NOTHING) for plan in plans)


def _kept(plans: tuple[GroupPlan, ...]) -> Mapping[str, tuple[int, ...]]:
    return {plan.group: plan.kept for plan in plans}
