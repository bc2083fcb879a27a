"""Pruning of channels on one model: its groups and scores are found once, pruned models are kept for a while."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.structure.structure import ModelStructure
from workbench.engine.compress.structure_plan import (
    Asked,
    StructurePlan,
    asks_for_channels,
    criterion_of,
    groups_asked,
    plan_structure,
)
from workbench.engine.core.channel_group import ModelChannels
from workbench.engine.core.plan import GroupPlan
from workbench.engine.core.recipe import Recipe
from workbench.engine.graph.model import Model
from workbench.jobs import JobContext

_KEPT_MODELS = 3
_Key = tuple[tuple[GroupPlan, ...], object]


class ChannelPruning:
    """Resolves what recipes ask of channels, and makes models without them. Safe to use from several threads.

    Args:
        model: as it was opened.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._lock = threading.RLock()
        self._scores: dict[tuple[str, str, object], npt.NDArray[np.float64]] = {}
        self._models: OrderedDict[_Key, Model] = OrderedDict()

    @property
    def channels(self) -> ModelChannels:
        """The model's groups, as plain values."""
        with self._lock:
            return self._structure.channels

    def plan(self, recipe: Recipe, samples: CalibrationSet | None) -> StructurePlan:
        """What the recipe does to the channel groups; empty where it asks nothing of them."""
        if not asks_for_channels(self._model.info, recipe):
            return StructurePlan()
        asked = groups_asked(self._model.info, self.channels, recipe)
        plans = [plan for one in asked if (plan := _group_plan(one)) is not None]
        return plan_structure(self._model.info, self.channels, recipe, asked, plans)

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
            scores = {plan.group: self._scores_of(plan, samples, ctx) for plan in plans}
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

    def _scores_of(self, plan: GroupPlan, samples: CalibrationSet | None, ctx: JobContext) -> npt.NDArray[np.float64]:
        key = plan.group, plan.criterion, samples.key if samples is not None and plan.needs_samples else None
        if key not in self._scores:
            self._scores[key] = self._structure.scores(plan.group, plan.criterion)
        return self._scores[key]


def _group_plan(asked: Asked) -> GroupPlan | None:
    """What will be done to a group; None if nothing can."""
    group = asked.group
    if not group.num_units:
        return None
    kept = group.units_kept(asked.prune.ratio or 0.0, asked.prune.multiple_of)
    if sum(kept) == group.num_units:
        return None
    return GroupPlan(group.name, kept, group.num_units, criterion_of(asked))


def _kept(plans: tuple[GroupPlan, ...]) -> Mapping[str, tuple[int, ...]]:
    return {plan.group: plan.kept for plan in plans}
