"""Which cells a scan has, how each is measured, and which cannot be, with the reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.sensitivity import ScanAxes, ScanSetting
from workbench.engine.graph.weight_place import first_output
from workbench.jobs import JobContext

_NOTHING = "nothing of the layer changes"


@dataclass(frozen=True, slots=True)
class ScanPlace:
    """One cell to be measured.

    Args:
        layer: its name; of channels, the first of the group.
        setting: what is done to it.
        recipe: that does it, and nothing else.
        is_swap: whether only the layer's weights are others, so that the model need not be built for it.
        error: why it cannot be measured.
    """

    layer: str
    setting: ScanSetting
    recipe: Recipe
    is_swap: bool = False
    error: str = ""


class ScanCells:
    """The cells of one model.

    Args:
        compressor: has the model.
        axes: what is tried.
        samples: that set ranges and choose channels; None if there are none.

    Raises:
        RecipeError: the criterion is not known.
    """

    def __init__(self, compressor: Compressor, axes: ScanAxes, samples: CalibrationSet | None) -> None:
        self._compressor, self._axes, self._samples = compressor, axes, samples
        info = compressor.model.info
        if axes.ratios and axes.criterion is not None:
            compressor.pruning.check_criterion(axes.criterion)
        self.layers = tuple(layer.name for layer in info.layers if layer.editable)
        nodes = {first_output(node) for node in compressor.model.proto.graph.node}
        self.swappable = tuple(name for name in self.layers if _is_swappable(info.layer(name), nodes))
        channels = compressor.pruning.channels if axes.ratios else None
        self._places: tuple[ScanPlace, ...] | None = None
        self._groups = () if channels is None else tuple(group for group in channels.groups if group.num_units)

    @property
    def groups(self) -> Mapping[str, str]:
        """For each layer whose channels can go, the layer that stands for its group."""
        return {member: group.members[0] for group in self._groups for member in group.members}

    def places(self, ctx: JobContext) -> tuple[ScanPlace, ...]:
        """All cells: setting by setting, in graph order. Raises Cancelled."""
        if self._places is None:
            self._places = tuple(self._planned(ctx))
        return self._places

    def _planned(self, ctx: JobContext) -> Iterator[ScanPlace]:
        for setting in self._axes.settings:
            ctx.checkpoint()
            if setting.ratio is not None:
                for group in self._groups:
                    first = group.members[0]
                    yield ScanPlace(first, setting, self._axes.laid_on(Recipe(), (first,), setting, kind=group.kind))
            else:
                yield from self._of_setting(setting)

    def file(self, place: ScanPlace, ctx: JobContext) -> bytes:
        """The model with one setting of one layer.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: nothing can be done, today or tomorrow.
            WorkbenchError: it cannot be built now.
        """
        plan = self._compressor.plan(place.recipe, samples=self._samples, ctx=ctx)
        if not plan.is_changed:
            raise RecipeError(plan.remarks[0])
        return self._compressor.build(plan, samples=self._samples, ctx=ctx)

    def _of_setting(self, setting: ScanSetting) -> Iterator[ScanPlace]:
        # One plan for all layers: what it says of one layer holds for that alone.
        recipe = self._axes.laid_on(Recipe(), self.layers, setting)
        plan = self._compressor.plan_of_layers(recipe, has_samples=self._samples is not None)
        swappable = set(self.swappable)
        for name in self.layers:
            entry = plan.layer(name)
            alone = self._axes.laid_on(Recipe(), (name,), setting)
            if entry is None or not entry.is_changed:
                reason = entry.reason if entry is not None and entry.reason else _NOTHING
                yield ScanPlace(name, setting, alone, error=reason)
                continue
            is_swap = name in swappable and not replace(plan, layers=(entry,)).needs_preparation
            yield ScanPlace(name, setting, alone, is_swap=is_swap)


def _is_swappable(layer: Layer, nodes: set[str]) -> bool:
    """Whether it stands in the main graph and has its weights for itself."""
    return layer.node_output in nodes and not layer.shares_weights_with
