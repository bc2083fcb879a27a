"""Latency of recipes on one device: what each choice of a search adds, and the whole, which counts in the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from workbench.engine.core.device_profile import DeviceProfile
from workbench.engine.core.latency_estimate import LatencyEstimate
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import Recipe
from workbench.engine.latency.cut_operators import CutOperators, GroupCut
from workbench.engine.latency.device_library import BackendKnowledge
from workbench.engine.latency.estimate import estimate, model_features
from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.latency.operator_costs import OperatorCosts
from workbench.jobs import JobContext

Floats = npt.NDArray[np.float64]
# The operators that a recipe leaves, without a look at samples.
Shapes = Callable[[Recipe, JobContext], ModelOperators]


class LayerTimes:
    """What the layers of a model take as they are and on integers, and what all else takes, with any channels gone.

    Args:
        operators: of the model at any ratios.
        times: of single operators.
        layers: whose times are told apart.
    """

    def __init__(self, operators: CutOperators, times: OperatorCosts, layers: Sequence[str]) -> None:
        self._operators, self._times = operators, times
        places = {operator.name: place for place, operator in enumerate(operators.whole)}
        self._places = [places.get(layer) for layer in layers]
        told_apart = set(self._places)
        self._others = [place for place in range(len(operators)) if place not in told_apart]
        self._once = times.once(operators.whole)
        self._known: dict[tuple[int, bool, tuple[int, ...]], float] = {}

    def layers(self, gone: Mapping[str, int]) -> Floats:
        """Of each layer as it is and on integers, ms, shape (layers, 2); infinite where nobody measured such.

        Args:
            gone: channels that go, by group; none of the others.
        """
        operators = self._operators.whole
        found = np.zeros((len(self._places), 2))
        for row, place in enumerate(self._places):
            if place is not None:
                found[row] = [self._ms(place, is_int8, gone) for is_int8 in (operators[place].is_int8, True)]
        return found

    def rest(self, gone: Mapping[str, int]) -> float:
        """Of all else, ms; arguments as of `layers`."""
        operators = self._operators.whole
        return self._once + sum(self._ms(place, operators[place].is_int8, gone) for place in self._others)

    def _ms(self, place: int, is_int8: bool, gone: Mapping[str, int]) -> float:
        key = place, is_int8, tuple(gone.get(group, 0) for group in self._operators.groups_at(place))
        if key not in self._known:
            operator = self._operators.at(place, gone)
            self._known[key] = self._times.ms(replace(operator, is_int8=is_int8))
        return self._known[key]


class DeviceLatency:
    """Estimates recipes on a device.

    Args:
        profile: of the device.
        knowledge: of its backend.
        shapes: gives the operators that a recipe leaves.
    """

    def __init__(self, profile: DeviceProfile, knowledge: BackendKnowledge, shapes: Shapes) -> None:
        self._profile, self._knowledge, self._shapes = profile, knowledge, shapes
        self._known: dict[str, LatencyEstimate] = {}

    def estimate(self, recipe: Recipe, ctx: JobContext) -> LatencyEstimate:
        """The whole, with its band; there may be no figure, as the notes say. Raises Cancelled."""
        if recipe.digest not in self._known:
            profile = self._profile
            features = model_features(self._shapes(recipe, ctx), profile.backend, profile.runtime)
            self._known[recipe.digest] = estimate(features, profile, self._knowledge)
        return self._known[recipe.digest]

    def figure(self, recipe: Recipe, ctx: JobContext) -> Figure | None:
        """The whole alone. Raises Cancelled."""
        return self.estimate(recipe, ctx).figure

    def notes(self, recipe: Recipe, ctx: JobContext) -> tuple[str, ...]:
        """What is to be known of the estimate of a recipe, a line each. Raises Cancelled."""
        found = self.estimate(recipe, ctx)
        rough = ("the band is wide: such networks were hardly measured on it",) if found.is_rough else ()
        return tuple(f"{self._profile.id}: {note}" for note in (*rough, *found.notes))

    def layer_times(self, layers: Sequence[str], cuts: Mapping[str, tuple[Recipe, int]], ctx: JobContext) -> LayerTimes:
        """What each layer takes.

        Args:
            layers: their names.
            cuts: for each group of which channels can go, a recipe that removes some, and how many.
            ctx: asked before each group is cut; told the progress.

        Raises:
            Cancelled: somebody asked to stop.
        """
        whole = self._shapes(Recipe(), ctx)
        found = {}
        for number, (group, (recipe, num_gone)) in enumerate(cuts.items(), start=1):
            ctx.checkpoint()
            found[group] = GroupCut(self._shapes(recipe, ctx), num_gone)
            ctx.progress(number, len(cuts), f"shapes without channels of {group}")
        return LayerTimes(CutOperators(whole, found), OperatorCosts(self._profile), layers)
