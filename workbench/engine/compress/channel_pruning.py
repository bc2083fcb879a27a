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
from workbench.engine.compress.foreseen import Foreseen
from workbench.engine.compress.recovery.fitting_plan import LayerFit, fitting_note, fitting_plan
from workbench.engine.compress.recovery.recovered_model import recovered_model
from workbench.engine.compress.structure.criterion import Criterion, Needs
from workbench.engine.compress.structure.importance import UnitScores, unit_scores
from workbench.engine.compress.structure.known_criteria import OWN_CRITERIA
from workbench.engine.compress.structure.sample_findings import find_in_samples
from workbench.engine.compress.structure.structure import ModelStructure
from workbench.engine.compress.structure_plan import Aside, StructurePlan, plan_structure
from workbench.engine.core.channel_group import ChannelGroup, ModelChannels
from workbench.engine.core.channel_importance import ChannelImportance
from workbench.engine.core.channel_wishes import DEFAULT_CRITERION, Asked, asks_for_channels, groups_asked
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.plan import GroupPlan
from workbench.engine.core.recipe import RECOVER_NOTHING, RECOVER_WEIGHTS, Recipe
from workbench.engine.graph.channels.cut import Cut
from workbench.engine.graph.model import Model
from workbench.jobs import JobContext

_KEPT_MODELS = 4
Floats = npt.NDArray[np.float64]
_Key = tuple[tuple[GroupPlan, ...], object]
_ScoreKey = tuple[str, str, object]
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
        # Held for moments only. Whoever waits at a checkpoint for more urgent work must not hold what that needs.
        self._lock = threading.Lock()
        self._following = threading.Lock()
        self._found: ModelStructure | None = None
        self._scores: dict[_ScoreKey, UnitScores] = {}
        self._models: OrderedDict[_Key, Model] = OrderedDict()

    @property
    def channels(self) -> ModelChannels:
        """The model's groups, as plain values."""
        return self._structure.channels

    def plan(
        self,
        recipe: Recipe,
        samples: CalibrationSet | None,
        ctx: JobContext,
        *,
        at_once: bool = False,
        source: str = "recipe",
    ) -> StructurePlan:
        """What the recipe does to the channel groups; empty where it asks nothing of them.

        Args:
            recipe: what is asked.
            samples: what some criteria look at.
            ctx: asked while they do.
            at_once: run no samples. What a criterion has to say of itself is missing then, unless it has been found
                before, and how many channels go is decided by the stand-in where that depends on scores.
            source: name of the recipe's text, for messages.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: a criterion is not known.
        """
        if not asks_for_channels(self._model.info, recipe):
            asks_more = recipe.recover != RECOVER_NOTHING
            return StructurePlan(notes=(_RECOVERED_ALONE.format(recipe.recover),) if asks_more else ())
        structure = self._structure
        asked = groups_asked(self._model.info, structure.channels, recipe)
        self._check_criteria(asked, recipe, source)
        able = [one for one in asked if one.group.num_units and not self._lacks_samples(one, samples)]
        names = {one.group.name: one for one in able}
        awaiting = set()

        def scores_of(group: str) -> Floats:
            criterion = self._criterion(names[group].criterion)
            same = [one.group.name for one in able if one.criterion == criterion.name]
            if at_once and not self._are_known(criterion, same, samples, recipe.calibration.seed):
                awaiting.add(group)
                criterion = self._stand_in
            return self._score(criterion, same, samples, recipe.calibration.seed, ctx)[group].values

        kept = units_kept(able, structure, scores_of)
        for name, counts in kept.items():
            if not structure.is_exact(name):
                kept[name] = structure.num_kept(name, counts, scores_of(name))
        recover = recipe.recover if samples is not None else RECOVER_NOTHING
        seed = recipe.calibration.seed
        plans = [self._group_plan(one, kept[one.group.name], seed, recover) for one in able]
        plans = [plan for plan in plans if plan.num_kept < plan.num_units]
        for plan in plans:
            if not (at_once and plan.needs_samples):
                scores_of(plan.group)
        lacking = {one.group.name for one in asked if one.group.num_units and self._lacks_samples(one, samples)}
        remarks = {plan.group: self._remark(plan, samples) for plan in plans}
        found = plan_structure(self._model.info, structure.channels, recipe, asked, plans, lacking, remarks)
        found = replace(found, awaits_samples=bool(awaiting))
        return self._with_recovery(found, recipe, samples, ctx, at_once=at_once)

    @cached_property
    def foreseen(self) -> Foreseen:
        """What can be said of models without channels before they are cut."""
        return Foreseen(self._structure)

    def pruned(self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext) -> Model:
        """The model without the channels that go, and nothing recovered. The last few are kept.

        Raises:
            Cancelled: somebody asked to stop.
            ModelError: what is left does not fit together.
        """
        plans = without_recovery(plans)
        key = plans, samples.key if samples is not None and any(plan.needs_samples for plan in plans) else None
        return self._remembered(key, lambda: self._structure.without(self.units_gone(plans, samples, ctx)))

    def recovered(self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext) -> Model:
        """The same, with what the plans recover; the last few are kept.

        Raises:
            Cancelled: somebody asked to stop.
            ModelError: what is left does not fit together.
            RunError: the model does not run on the samples.
        """
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
        return fitting_note(self._fits(plans, samples, ctx), len(samples.indices))

    def _fits(
        self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext
    ) -> Sequence[LayerFit]:
        asked = next((plan.recover for plan in plans if plan.recover != RECOVER_NOTHING), RECOVER_NOTHING)
        if asked == RECOVER_NOTHING:
            return ()
        return fitting_plan(self._model, self.pruned(plans, samples, ctx), asked)

    def _with_recovery(
        self, found: StructurePlan, recipe: Recipe, samples: CalibrationSet | None, ctx: JobContext, *, at_once: bool
    ) -> StructurePlan:
        """The plan with what is fitted afterwards, said of each layer and of the whole."""
        if recipe.recover == RECOVER_NOTHING:
            return found
        if not found.groups or samples is None:
            text = _RECOVERED_BLIND if samples is None else _RECOVERED_ALONE
            return replace(found, notes=(*found.notes, text.format(recipe.recover)))
        # What can be fitted depends on how many channels are left, and not on which.
        groups = self._without_unknown(found.groups, samples) if at_once else found.groups
        fits = self._fits(groups, samples, ctx)
        asides = dict(found.asides)
        for fit in fits:
            before = asides.get(fit.layer, Aside())
            what = {RECOVER_NOTHING: "", RECOVER_WEIGHTS: "fit its weights"}.get(fit.what, "fit its bias")
            done, reason = (before.done, what), (before.reason, fit.reason)
            asides[fit.layer] = Aside("; ".join(filter(None, done)), "; ".join(filter(None, reason)))
        note = fitting_note(fits, len(samples.indices))
        return replace(found, asides=asides, notes=(*found.notes, note))

    def at_once(self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None) -> tuple[GroupPlan, ...]:
        """These groups as far as no samples have to be run to cut them: the same ones if none have to.

        Which channels go is decided by the stand-in where a criterion has not been asked yet, and nothing is fitted
        that has not been.
        """
        if samples is not None:
            with self._lock:
                if (plans, samples.key) in self._models:
                    return plans
        plans = self._without_unknown(plans, samples)
        return without_recovery(plans) if any(plan.recover != RECOVER_NOTHING for plan in plans) else plans

    def _without_unknown(self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None) -> tuple[GroupPlan, ...]:
        stand_in = self._stand_in.name
        return tuple(
            plan
            if self._are_known(self._criterion(plan.criterion), [plan.group], samples, plan.seed)
            else replace(plan, criterion=stand_in, needs_samples=False)
            for plan in plans
        )

    @property
    def _stand_in(self) -> Criterion:
        """What decides for a criterion that has not seen its samples yet."""
        own = next(one for one in OWN_CRITERIA if one.name == DEFAULT_CRITERION)
        return self._criteria.get(DEFAULT_CRITERION, own)

    def _are_known(
        self, criterion: Criterion, groups: Sequence[str], samples: CalibrationSet | None, seed: int
    ) -> bool:
        """Whether no samples have to be run for the scores of these groups."""
        with self._lock:
            return criterion.needs is Needs.WEIGHTS or all(
                self._key(group, criterion, samples, seed) in self._scores for group in groups
            )

    def _remembered(self, key: _Key, make: Callable[[], Model]) -> Model:
        with self._lock:
            model = self._models.get(key)
        if model is None:
            model = make()
        with self._lock:
            # Of two that were made at the same time one is kept, so that what is known of it is found by it.
            model = self._models.setdefault(key, model)
            self._models.move_to_end(key)
            while len(self._models) > _KEPT_MODELS:
                self._models.popitem(last=False)
        return model

    def units_gone(
        self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext
    ) -> frozenset[int]:
        """The units that go. Raises Cancelled."""
        scores: dict[str, Floats] = {}
        for name in dict.fromkeys(plan.criterion for plan in plans):
            groups = [plan.group for plan in plans if plan.criterion == name]
            found = self._score(self._criterion(name), groups, samples, plans[0].seed, ctx)
            scores |= {group: found[group].values for group in groups}
        return self._structure.units_gone(_kept(plans), scores)

    def silenced(
        self, plans: tuple[GroupPlan, ...], samples: CalibrationSet | None, ctx: JobContext
    ) -> onnx.ModelProto:
        """The whole model with the same channels held at zero: what the pruned one has to compute."""
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
        group = self.channels.group(self.channels.group_of.get(layer, ""))
        if group is None or not group.num_units:
            return ChannelImportance(layer, recipe.digest, reason=_why_none(group))
        asked = next(iter(groups_asked(self._model.info, self.channels, recipe, (group.name,))), None)
        criterion = self._criterion(asked.criterion if asked is not None else DEFAULT_CRITERION)
        if samples is None and criterion.needs is not Needs.WEIGHTS:
            why = f"criterion {criterion.name} needs samples, and none are open"
            return ChannelImportance(layer, recipe.digest, group.name, criterion.name, reason=why)
        scores = self._score(criterion, [group.name], samples, recipe.calibration.seed, ctx)[group.name]
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

    @property
    def _structure(self) -> ModelStructure:
        """Followed through the graph once; others wait for it."""
        with self._following:
            if self._found is None:
                self._found = ModelStructure(self._model)
            return self._found

    def _check_criteria(self, asked: Sequence[Asked], recipe: Recipe, source: str) -> None:
        for one in asked:
            if one.criterion not in self._criteria:
                line = recipe.rules[one.rule].line
                where = source if line is None else f"{source}, line {line}"
                known = ", ".join(sorted(self._criteria))
                raise RecipeError(f"{where}: criterion {one.criterion!r} is not known", f"take one of {known}")

    def check_criterion(self, name: str) -> None:
        """Raise RecipeError if there is no criterion of that name."""
        self._criterion(name)

    def needs_samples(self, criterion: str | None) -> bool:
        """Whether a criterion, or without a name the plan's own choice, looks at samples. Raises RecipeError."""
        return self._criterion(criterion or DEFAULT_CRITERION).needs is not Needs.WEIGHTS

    def _criterion(self, name: str) -> Criterion:
        if name not in self._criteria:
            known = ", ".join(sorted(self._criteria))
            raise RecipeError(f"criterion {name!r} is not known", f"take one of {known}")
        return self._criteria[name]

    def _lacks_samples(self, asked: Asked, samples: CalibrationSet | None) -> bool:
        return samples is None and self._criterion(asked.criterion).needs is not Needs.WEIGHTS

    def _key(self, group: str, criterion: Criterion, samples: CalibrationSet | None, seed: int) -> _ScoreKey:
        is_alone = criterion.needs is Needs.WEIGHTS or samples is None
        return group, criterion.name, seed if is_alone or samples is None else samples.key

    def _score(
        self, criterion: Criterion, names: Sequence[str], samples: CalibrationSet | None, seed: int, ctx: JobContext
    ) -> dict[str, UnitScores]:
        """The scores of these groups; those that are not known yet are found in one pass over the samples.

        Two threads that ask at the same time both find them: neither may have to wait for the other.
        """
        keys = {name: self._key(name, criterion, samples, seed) for name in names}
        with self._lock:
            found = {name: self._scores[key] for name, key in keys.items() if key in self._scores}
        missing = [name for name in names if name not in found]
        if not missing:
            return found
        flow = self._structure.flow
        groups = {name: self._structure.unit_groups[name] for name in missing}
        findings = find_in_samples(criterion, list(groups.values()), flow, samples, ctx, seed=seed)
        new = {name: unit_scores(criterion, group, flow, findings) for name, group in groups.items()}
        with self._lock:
            self._scores |= {keys[name]: scores for name, scores in new.items()}
        return found | new

    def _remark(self, plan: GroupPlan, samples: CalibrationSet | None) -> str:
        """Why the scores are not what the criterion's name says, as far as they are known."""
        with self._lock:
            scores = self._scores.get(self._key(plan.group, self._criterion(plan.criterion), samples, plan.seed))
        return scores.reason if scores is not None else ""

    def _group_plan(self, asked: Asked, kept: tuple[int, ...], seed: int, recover: str) -> GroupPlan:
        criterion = self._criterion(asked.criterion)
        needs_samples = criterion.needs is not Needs.WEIGHTS
        return GroupPlan(asked.group.name, kept, asked.group.num_units, criterion.name, needs_samples, seed, recover)


def without_recovery(plans: tuple[GroupPlan, ...]) -> tuple[GroupPlan, ...]:
    """The same channels, and nothing fitted afterwards."""
    return tuple(replace(plan, recover=RECOVER_NOTHING) for plan in plans)


def _kept(plans: tuple[GroupPlan, ...]) -> Mapping[str, tuple[int, ...]]:
    return {plan.group: plan.kept for plan in plans}


def _why_none(group: ChannelGroup | None) -> str:
    if group is None:
        return "its channels are not followed: it is not in the main graph, or its weights are computed"
    return group.reason or "nothing of it can go"
