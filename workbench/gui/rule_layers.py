"""Which layers of a model a rule selects, remembered by its selectors: a drag changes what a rule says, not whom."""

from collections.abc import Sequence

from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import Rule


class RuleLayers:
    """Answers by the places of layers in the list that it was made from."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self.place_of = {layer.name: place for place, layer in enumerate(layers)}
        self._known: dict[tuple[str, ...], frozenset[int]] = {}

    def of(self, rule: Rule) -> frozenset[int]:
        """Places of the layers that the rule selects."""
        found = self._known.get(rule.select)
        if found is None:
            found = self._known[rule.select] = self._find(rule)
        return found

    def _find(self, rule: Rule) -> frozenset[int]:
        if not rule.has_patterns:
            return frozenset(self.place_of[name] for name in rule.select if name in self.place_of)
        return frozenset(place for place, layer in enumerate(self._layers) if rule.matches(layer.name, layer.op_type))
