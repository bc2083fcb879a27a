import pytest

from workbench.engine.core.recipe import Prune, Recipe, Rule, WeightRule
from workbench.gui.recipe_change import changed_rules, is_pruning_alone

_FOUR, _FIVE = WeightRule(bits=4), WeightRule(bits=5)
_A, _B, _C = (
    Rule(("a",), weights=_FOUR),
    Rule(("b",), weights=_FOUR),
    Rule(("c",), prune=Prune("weights", sparsity=0.5)),
)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ([_A, _B, _C], [_A, _B, _C], []),
        ([_A, _B, _C], [_A, _C], [_B]),
        ([_A, _C], [_A, _B, _C], [_B]),
        ([_A, _B], [_A, Rule(("b",), weights=_FIVE)], [_B, Rule(("b",), weights=_FIVE)]),
        ([_A, _B], [_B, _A], [_A, _B, _B, _A]),
        ([_A, _A], [_A], [_A]),
        ([], [_A], [_A]),
    ],
    ids=["same", "one goes", "one comes", "one changes", "another order", "one of two alike goes", "first"],
)
def test_only_rules_that_differ_are_looked_at(old, new, changed):
    assert changed_rules(old, new) == changed


@pytest.mark.parametrize(
    ("selectors", "expected"), [(("a",), False), (("a", "b.c"), False), (("op:Conv",), True), (("a", "l*"), True)]
)
def test_a_rule_of_names_alone_has_no_patterns(selectors, expected):
    assert Rule(selectors, weights=_FOUR).has_patterns is expected


def test_another_amount_of_pruning_changes_pruning_alone():
    before = Recipe().with_rule("a", weights=WeightRule(bits=4), prune=Prune("weights", sparsity=0.1))

    assert is_pruning_alone(before.rules, before.with_rule("a", prune=Prune("weights", sparsity=0.2)).rules)
    assert not is_pruning_alone(before.rules, before.with_rule("a", weights=WeightRule(bits=5)).rules)
    assert not is_pruning_alone(before.rules, before.with_rule("b", prune=Prune("weights", sparsity=0.2)).rules)
