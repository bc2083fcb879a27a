"""Which layers the same rules select, against asking each rule about each layer."""

from collections.abc import Callable

import numpy as np
import pytest

from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import Rule
from workbench.gui.rule_layers import RuleLayers


@pytest.fixture
def layers(make_layer: Callable[..., Layer]) -> list[Layer]:
    """Twelve layers a0, b0, a1, b1, …"""
    one = np.ones((2, 2), np.float32)
    return [make_layer(f"{letter}{number}", one) for number in range(6) for letter in "ab"]


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [Rule(("*",))],
        [Rule(("*",)), Rule(("a*",)), Rule(("a1", "b1"))],
        [Rule((f"a{number}",)) for number in range(6)]
        + [Rule(("*",))]
        + [Rule((f"b{number}",)) for number in range(6)],
    ],
    ids=["no rule", "one for all", "few", "one for each"],
)
def test_each_place_is_with_those_that_the_same_rules_select(layers: list[Layer], rules: list[Rule]):
    places = frozenset(range(1, 12))

    groups = RuleLayers(layers).alike(places, rules)

    found = {place: numbers for numbers, group in groups for place in group}
    assert found == {
        place: tuple(
            number for number, rule in enumerate(rules) if rule.matches(layers[place].name, layers[place].op_type)
        )
        for place in places
    }
    assert len({numbers for numbers, _ in groups}) == len(groups)
    assert sum(len(group) for _, group in groups) == len(places)


def test_no_places_are_in_no_group(layers: list[Layer]):
    assert RuleLayers(layers).alike(frozenset(), [Rule(("*",))]) == []
