"""A recipe's channel pruning at other ratios."""

from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.engine.search.rounds.channel_ratios import at_ratio, with_channel_rules


def _ratios(recipe: Recipe) -> list[float | None]:
    return [rule.prune.ratio for rule in recipe.rules if rule.prune is not None]


def test_rules_keep_their_proportion():
    asked = Recipe().with_rule("a", prune=Prune("filters", ratio=0.2)).with_rule("b", prune=Prune("neurons", ratio=0.4))

    assert _ratios(at_ratio(asked, 0.6)) == [0.3, 0.6]


def test_a_rule_that_asks_for_nothing_is_left_alone():
    asked = Recipe().with_rule("*", prune=Prune("filters", ratio=0.5)).with_rule("b", prune=Prune("filters", ratio=0))

    assert _ratios(at_ratio(asked, 0.25)) == [0.25, 0]


def test_rules_that_all_ask_for_nothing_all_get_the_ratio():
    asked = Recipe().with_rule("a", prune=Prune("filters", ratio=0)).with_rule("b", prune=Prune("filters", ratio=0))

    assert _ratios(at_ratio(asked, 0.25)) == [0.25, 0.25]


def test_what_else_the_recipe_does_stays():
    weights = WeightRule(bits=4)
    asked = Recipe(recover="bias").with_rule("a", weights=weights).with_rule("b", prune=Prune("weights", sparsity=0.5))

    found = at_ratio(with_channel_rules(asked, None, "l2"), 0.1)

    assert found.rules[:2] == asked.rules
    assert found.recover == "bias"
    assert found.settings_for("a", "Conv").weights is not None


def test_without_rules_filters_and_neurons_of_all_layers_go():
    found = with_channel_rules(Recipe(), None, "l2")

    assert [(rule.select, rule.prune.kind, rule.prune.criterion) for rule in found.rules if rule.prune] == [
        (("*",), "filters", "l2"),
        (("*",), "neurons", "l2"),
    ]


def test_a_criterion_wins_over_that_of_the_rules():
    asked = Recipe().with_rule("a", prune=Prune("filters", ratio=0.2, criterion="l1"))

    assert with_channel_rules(asked, "taylor", "l2").rules[0].prune == Prune("filters", ratio=0.2, criterion="taylor")
    assert with_channel_rules(asked, None, "l2") == asked
