"""Estimated latency of what recipes make of the model on the bench: what does not change between them is kept."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from workbench.bench import Bench
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.device_profile import Backend
from workbench.engine.core.errors import DataError
from workbench.engine.core.latency_estimate import LatencyEstimate
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.tool_time import ToolTime
from workbench.engine.latency.estimate import ModelFeatures, model_features
from workbench.engine.latency.imports import read_times
from workbench.engine.latency.onnx_operators import GraphOperators, ModelOperators, model_operators
from workbench.jobs import JobContext
from workbench.kept_last import KeptLast
from workbench.project.devices import Devices

_KEPT = 16

# What a model's operators depend on: the units that stay, the layers that run on integers, the bits of what goes into
# these, and whether their ranges are found at run time.
_Made = tuple[tuple[tuple[str, tuple[int, ...]], ...], frozenset[str], int, bool]


class KnownOperators:
    """The operators of one model, read once, and what was made of them last. Several threads may ask.

    Args:
        compressor: of the model.
    """

    def __init__(self, compressor: Compressor) -> None:
        self.compressor = compressor
        self._graph = GraphOperators(compressor.model)
        self._left: KeptLast[_Made, ModelOperators] = KeptLast(_KEPT)
        self._features: KeptLast[tuple[_Made, Backend, str], ModelFeatures] = KeptLast(_KEPT)

    @property
    def original(self) -> ModelOperators:
        """Of the model as it is."""
        return self._graph.whole

    def left(self, kept: Mapping[str, tuple[int, ...]]) -> ModelOperators | None:
        """Those of the model without channels; None where that takes a look at the graph that is left.

        Args:
            kept: units that stay of each class, for the groups that lose some.
        """
        if not kept:
            return self.original
        pruning = self.compressor.pruning
        shapes = pruning.foreseen.left_shapes(kept)
        return None if shapes is None else self._graph.left(shapes, pruning.channels.layer_shares(kept))

    def of_recipe(self, bench: Bench, recipe: Recipe, ctx: JobContext) -> tuple[_Made, ModelOperators, Plan]:
        """What a recipe leaves of the model and computes on integers, those operators, and the plan.

        Args:
            bench: has the same compressor.
            recipe: what is done to the model.
            ctx: asked before each step.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: the recipe does not fit the model.
        """
        plan = bench.plan_of_shapes(recipe, ctx)
        integers = frozenset(entry.layer for entry in plan.layers if entry.runs_on_integers)
        kept = {group.group: group.kept for group in plan.groups}
        inputs = [
            entry.activations for entry in plan.layers if entry.runs_on_integers and entry.activations is not None
        ]
        bits, at_run_time = max((one.bits for one in inputs), default=0), any(one.is_dynamic for one in inputs)
        made = tuple(sorted(kept.items())), integers, bits, at_run_time

        def make() -> ModelOperators:
            left = self.left(kept)
            if left is None:
                left = model_operators(bench.model_of_shapes(plan, ctx))
            if not integers:
                return left
            on_integers = left.with_int8(dict.fromkeys(integers, True))
            return on_integers.with_activations(bits, at_run_time=at_run_time)

        return made, self._left.of(made, make), plan

    def features(self, made: _Made, operators: ModelOperators, backend: Backend, runtime: str) -> ModelFeatures:
        """The features of these operators, which are those of `made`; the last ones are kept."""
        return self._features.of((made, backend, runtime), lambda: model_features(operators, backend, runtime))


class Estimating:
    """Estimates for whatever lies on the bench.

    Args:
        devices: the profiles.
    """

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        # Read once and put back whole: another thread may put its own there.
        self._known: KnownOperators | None = None

    def estimate(
        self, bench: Bench, device: str, recipe: Recipe, *, measured_ms: float | None = None, ctx: JobContext
    ) -> LatencyEstimate:
        """Estimated latency on a device of the graph that a recipe gives.

        Args:
            bench: has the model.
            device: id of a profile.
            recipe: what is done to the model first.
            measured_ms: what the user measured of the model itself there; the profile is fitted to it first.
            ctx: asked before each step.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: the time is none.
            ProjectError: there is no such device.
            RecipeError: the recipe does not fit the model.
        """
        known = self._of(bench)
        made, operators, plan = known.of_recipe(bench, recipe, ctx)
        return self._devices.estimate(
            device,
            operators,
            plan,
            original=known.original,
            measured_ms=measured_ms,
            features_of=partial(known.features, made),
        )

    def _of(self, bench: Bench) -> KnownOperators:
        known = self._known
        if known is None or known.compressor is not bench.compressor:
            known = self._known = KnownOperators(bench.compressor)
        return known


def tool_times(path: Path) -> tuple[ToolTime, ...]:
    """The times in a file that a measuring tool has written. Raises DataError if there are none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})", "give another file") from error
    return tuple(read_times(text, str(path)))


def pasted_times(text: str) -> tuple[ToolTime, ...]:
    """The times in what a measuring tool has printed. Raises DataError if there are none."""
    return tuple(read_times(text, "the pasted text"))
