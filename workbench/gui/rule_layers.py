"""Which layers of a model a rule selects, remembered by its selectors: a drag changes what a rule says, not whom."""

from collections.abc import Sequence, Set

from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import Rule

Group = tuple[tuple[int, ...], Set[int]]
# Splitting by more rules than these may give as many groups as layers, each split by each rule again.
_FEW_RULES = 8


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

    def alike(self, places: Set[int], rules: Sequence[Rule]) -> list[Group]:
        """The places by the rules that select them, so that settings are resolved once a group and not once a layer.

        Args:
            places: in this list of layers.
            rules: of a recipe.

        Returns:
            Pairs of the numbers of the rules and the places that exactly these select; each place is in one pair.
        """
        if not places:
            return []
        touching = [(number, rule) for number, rule in enumerate(rules) if not self.of(rule).isdisjoint(places)]
        if len(touching) > _FEW_RULES:
            return self._one_by_one(places, touching)
        groups: list[Group] = [((), places)]
        for number, rule in touching:
            groups = [part for group in groups for part in _split(group, number, self.of(rule))]
        return groups

    def _one_by_one(self, places: Set[int], rules: Sequence[tuple[int, Rule]]) -> list[Group]:
        rules_of: dict[int, list[int]] = {place: [] for place in places}
        for number, rule in rules:
            for place in self.of(rule) & places:
                rules_of[place].append(number)
        groups: dict[tuple[int, ...], set[int]] = {}
        for place, numbers in rules_of.items():
            groups.setdefault(tuple(numbers), set()).add(place)
        return list(groups.items())

    def _find(self, rule: Rule) -> frozenset[int]:
        if not rule.has_patterns:
            return frozenset(self.place_of[name] for name in rule.select if name in self.place_of)
        return frozenset(place for place, layer in enumerate(self._layers) if rule.matches(layer.name, layer.op_type))


def _split(group: Group, number: int, selected: Set[int]) -> list[Group]:
    numbers, places = group
    parts = (((*numbers, number), places & selected), (numbers, places - selected))
    return [(key, part) for key, part in parts if part]
