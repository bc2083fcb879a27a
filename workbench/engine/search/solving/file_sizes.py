"""How large files are, without building them where arithmetic says the same."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.compress.storage.weight_storage import planned_bytes, stored_smallest, written_tensors
from workbench.engine.core.plain_containers import containers_of
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.recipe import Recipe, Rule
from workbench.jobs import JobContext


class FileSizes:
    """Exact sizes of what recipes give, and what each setting of each layer adds to them.

    Args:
        compressor: of the model.
        samples: gives the samples that a recipe is calibrated on.
        file: gives the bytes of a recipe's file, for what arithmetic cannot foresee.
    """

    def __init__(
        self,
        compressor: Compressor,
        samples: Callable[[Recipe], CalibrationSet | None],
        file: Callable[[Recipe, JobContext], bytes],
    ) -> None:
        self._compressor, self._samples, self._file = compressor, samples, file
        self._known: dict[str, int] = {}

    def file_bytes(self, recipe: Recipe, ctx: JobContext) -> int:
        """The exact size of the file: by the packer's own arithmetic, or of the file where more than weights change.

        A solver comes back to the same recipe often, and building one takes long.

        Raises:
            Cancelled: somebody asked to stop.
            RecipeError: the recipe does not fit the model.
        """
        if recipe.digest not in self._known:
            self._known[recipe.digest] = self._file_bytes(recipe, ctx)
        return self._known[recipe.digest]

    def _file_bytes(self, recipe: Recipe, ctx: JobContext) -> int:
        if any(rule.prune is not None and rule.prune.kind not in ("weights", "none") for rule in recipe.rules):
            return len(self._file(recipe, ctx))
        plan = self._compressor.plan(recipe, samples=self._samples(recipe), ctx=ctx)
        if plan.groups or plan.needs_preparation:
            return len(self._file(recipe, ctx))
        footprint = self._compressor.footprint()
        tensors = written_tensors(self._compressor.model.info, [entry for entry in plan.layers if entry.is_changed])
        containers = containers_of(recipe.encoding, footprint.largest_opset)
        return planned_bytes(tensors, stored_smallest(tensors, footprint, containers=containers), footprint)

    def plan_alike(self, recipe: Recipe, rule: Rule) -> Plan:
        """What one rule alone does to every layer that it selects. Raises RecipeError."""
        # Samples set ranges, not sizes, and layers that need some are not left aside for want of them.
        return self._compressor.plan(replace(recipe, rules=(rule,)), has_samples=True)

    def stored_bytes(self, recipe: Recipe, entries: Iterable[LayerPlan]) -> dict[str, int]:
        """What each layer's weight takes in the file; tables that layers share are not counted.

        Of layers that read the same tensor the first one has its bytes, and the others none.

        Args:
            recipe: whose encoding is meant.
            entries: of the layers whose weights are written.
        """
        footprint = self._compressor.footprint()
        written = [replace(entry, activations=None) for entry in entries if _changes_weights(entry)]
        tensors = written_tensors(self._compressor.model.info, written)
        stored = stored_smallest(tensors, footprint, containers=containers_of(recipe.encoding, footprint.largest_opset))
        found: dict[str, int] = {}
        for tensor, one in zip(tensors, stored, strict=True):
            names = [layer.name for layer in tensor.layers]
            found |= {name: one.num_bytes if name == names[0] else 0 for name in names}
        return found

    @property
    def whole_bytes(self) -> int:
        """The file that no change gives."""
        return self._compressor.footprint().file_bytes

    def original_bytes(self) -> dict[str, int]:
        """What goes away with each layer's weight; of a tensor that several layers read, with the first one's."""
        info, seen, found = self._compressor.model.info, set[str](), {}
        for entry in self._compressor.footprint().layers:
            tensor = info.layer(entry.layer).weight_name
            found[entry.layer] = 0 if tensor in seen else entry.original_bytes
            seen.add(tensor)
        return found


def sharing_layers(compressor: Compressor, layers: Sequence[str]) -> list[tuple[str, ...]]:
    """The layers by the tensor that they read, in order: those of one tensor are best treated alike."""
    together: dict[str, list[str]] = {}
    for name in layers:
        together.setdefault(compressor.model.info.layer(name).weight_name, []).append(name)
    return [tuple(names) for names in together.values()]


def _changes_weights(entry: LayerPlan) -> bool:
    return entry.is_pruned or entry.weights is not None
