"""Recipes resolved on one model, with what their containers need of its file and whether the file grows by them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from workbench.engine.compress.layer_abilities import LayerAbilities
from workbench.engine.compress.plan import ReadWeight, resolve_plan
from workbench.engine.compress.storage.weight_storage import planned_bytes, stored_smallest, written_tensors
from workbench.engine.compress.structure_plan import Aside
from workbench.engine.core.footprint import (
    CHANNELS_OPSET,
    CONTAINER_OPSET,
    INT4_OPSET,
    Containers,
    Encoding,
)
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.plain_containers import PLAIN, containers_of
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import ModelFootprint

_NO_ASIDES: Mapping[str, Aside] = MappingProxyType({})
# Why containers need an opset.
_NEEDS = {
    CONTAINER_OPSET: "int8 containers need it",
    CHANNELS_OPSET: "scales per channel need it",
    INT4_OPSET: "int4 containers and scales by blocks need it, and IR version 10",
}


@dataclass(frozen=True, slots=True, eq=False)
class Planning:
    """What plans are made from.

    Args:
        info: the model's layers.
        read_weight: gives the float weights of a layer by its name.
        abilities: what the layers allow.
        footprint: gives what size previews need of the model; asked only where that is needed.
    """

    info: ModelInfo
    read_weight: ReadWeight
    abilities: LayerAbilities
    footprint: Callable[[], ModelFootprint]

    def plan(
        self,
        recipe: Recipe,
        *,
        has_samples: bool = False,
        asides: Mapping[str, Aside] = _NO_ASIDES,
        source: str = "recipe",
    ) -> Plan:
        """The recipe resolved on the model, without a look at what the file takes.

        Args:
            recipe: what is asked; of channels nothing is done here.
            has_samples: whether there will be samples to calibrate with.
            asides: what is said of layers whose channels go.
            source: name of the recipe's text, for messages.

        Raises:
            RecipeError: the recipe does not fit the model.
        """
        abilities = self.abilities.abilities(has_samples=has_samples)
        if recipe.encoding == PLAIN:
            abilities = replace(abilities, largest_opset=self.footprint().largest_opset)
        plan = resolve_plan(self.info, recipe, self.read_weight, abilities, asides=asides, source=source)
        return self.with_opset(plan, self.containers(recipe.encoding))

    def containers(self, encoding: str) -> Containers:
        """What codes may be kept in under a recipe's encoding."""
        # The packed encodings need no more than the model is known to allow, without a look at its footprint.
        return containers_of(encoding, self.footprint().largest_opset) if encoding == PLAIN else Containers.ANY

    def with_opset(self, plan: Plan, containers: Containers) -> Plan:
        """The plan, with the opset that the containers need."""
        if containers is Containers.ANY:
            return plan
        tensors = written_tensors(self.info, [entry for entry in plan.layers if entry.weights is not None])
        stored = stored_smallest(tensors, self.footprint(), containers=containers)
        needed = [one.opset for one in stored if one.storage.encoding is Encoding.PLAIN]
        return replace(plan, opset=max(needed, default=0))

    def raising(self, plan: Plan) -> tuple[str, ...]:
        """A note where the containers need a newer opset than the model has."""
        before, after = self.info.opset, plan.opset
        if after <= before:
            return ()
        return (f"the model's opset is raised from {before} to {after}: {_NEEDS[after]}",)

    def growth(self, plan: Plan, containers: Containers, before: int) -> tuple[str, ...]:
        """A note where the file gets larger than the original; none is foreseen of quantized activations.

        Args:
            plan: of this very model.
            containers: as the recipe's encoding allows.
            before: bytes of the original.
        """
        after = self.foreseen_bytes(plan, containers)
        if after is None or after <= before:
            return ()
        return (f"the file grows from {before:,} to {after:,} bytes: what is added takes more than the weights save",)

    def foreseen_bytes(self, plan: Plan, containers: Containers) -> int | None:
        """What the file takes; None where nothing of it is written anew, or where activations are quantized."""
        tensors = written_tensors(self.info, [entry for entry in plan.layers if entry.is_changed])
        if not tensors or plan.needs_preparation:
            return None
        footprint = self.footprint()
        return planned_bytes(tensors, stored_smallest(tensors, footprint, containers=containers), footprint)
