import pytest

from workbench.engine.core.errors import RecipeError
from workbench.engine.core.recipe import ActivationRule, Calibration, Prune, Recipe, Rule, WeightRule
from workbench.project.recipe_text import format_recipe, parse_recipe

_EXAMPLE = """\
version: 1
rules:
  - select: "*"
    weights:     {bits: 8, granularity: per_channel, symmetric: true, range: mse}
    activations: {bits: 8, range: percentile}
  - select: [a, "op:Conv"]
    prune: {kind: weights, threshold: 0.02}
  - select: "head"
    weights: float
    prune: none
encoding: plain
calibration: {samples: 12, seed: 3}
"""


def test_a_text_gives_the_recipe_it_says() -> None:
    assert parse_recipe(_EXAMPLE, "r.yaml") == Recipe(
        (
            Rule(("*",), WeightRule(8, "per_channel", True, "mse"), ActivationRule(8, range="percentile")),
            Rule(("a", "op:Conv"), prune=Prune("weights", threshold=0.02)),
            Rule(("head",), WeightRule("float"), prune=Prune("none")),
        ),
        "plain",
        Calibration(12, 3),
    )


def test_float16_is_a_word_for_weights() -> None:
    recipe = parse_recipe('version: 1\nrules:\n  - {select: "*", weights: float16}', "r.yaml")

    assert recipe.rules == (Rule(("*",), WeightRule("float16")),)
    assert "weights: float16" in format_recipe(recipe)


def test_a_block_may_be_called_one() -> None:
    text = 'version: 1\nrules:\n  - {select: "*", prune: {kind: weights, pattern: "block:4x4", sparsity: 0.5}}'

    assert parse_recipe(text, "r.yaml").rules[0].prune == Prune("weights", pattern="4x4", sparsity=0.5)


def test_rules_know_their_line() -> None:
    assert [rule.line for rule in parse_recipe(_EXAMPLE, "r.yaml").rules] == [3, 6, 8]


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        parse_recipe(_EXAMPLE, "r.yaml"),
        Recipe((Rule(("true", "12", "a: b", "é", "- x"), WeightRule(4, "per_group_64", False)),)),
        Recipe((Rule(("no",), prune=Prune("weights", threshold=1e-05)),)),
        Recipe((Rule(("*",), prune=Prune("weights", sparsity=0.6, scope="global")),)),
        Recipe((Rule(("*",), prune=Prune("weights", pattern="2:4")),)),
        Recipe((Rule(("*",), prune=Prune("weights", pattern="4x1", sparsity=0.5)),)),
        Recipe((Rule(("*",), prune=Prune("filters", ratio=0.25, criterion="l2", multiple_of=8)),)),
        Recipe((Rule(("*",), prune=Prune("filters", ratio=0.5, scope="lamp", criterion="taylor")),)),
        Recipe((Rule(("op:Gemm",), prune=Prune("neurons", ratio=0.5, scope="erk", multiple_of=4)),)),
        Recipe((Rule(("x" * 300, "y" * 300), WeightRule(2)),)),
        Recipe((Rule(("*",), WeightRule("float16")), Rule(("a",), WeightRule("float16", "per_tensor")))),
        Recipe((Rule(("nothing said",)),)),
    ],
)
def test_a_recipe_that_is_written_reads_back_the_same(recipe: Recipe) -> None:
    assert parse_recipe(format_recipe(recipe), "r.yaml") == recipe


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("version: 1\nrules:\n  - {select: a, bitz: 1}", 3, "unknown key 'bitz'"),
        ("version: 1\nrules:\n  - select: a\n    weights: {bits: 4, bitz: 1}", 4, "unknown key 'bitz'"),
        ("version: 1\nrules:\n  - select: a\n    weights:\n      bits: 17", 5, "bits is 17"),
        ("version: 1\nrules:\n  - select: a\n    weights: {bits: 1}", 4, "bits is 1"),
        ("version: 1\nrules:\n  - select: a\n    weights: {bits: true}", 4, "bits must be a whole number"),
        ("version: 1\nrules:\n  - select: a\n    weights: {bits: 4.5}", 4, "bits must be a whole number"),
        ("version: 1\nrules:\n  - select: a\n    weights: {symmetric: 1}", 4, "symmetric must be true or false"),
        ("version: 1\nrules:\n  - select: a\n    weights: {range: best}", 4, "range cannot be 'best'"),
        ("version: 1\nrules:\n  - select: a\n    weights: {granularity: rows}", 4, "granularity cannot be 'rows'"),
        ("version: 1\nrules:\n  - select: a\n    weights: [4]", 4, "weights must be a mapping"),
        ("version: 1\nrules:\n  - select: a\n    prune: {kind: weights, sparsity: 1.1}", 4, "sparsity is 1.1"),
        ("version: 1\nrules:\n  - select: a\n    prune: {kind: weights, threshold: -1}", 4, "threshold is -1"),
        ("version: 1\nrules:\n  - select: a\n    prune: {kind: weights, threshold: .nan}", 4, "threshold is nan"),
        ("version: 1\nrules:\n  - select: a\n    prune: {kind: weights, threshold: .inf}", 4, "threshold is inf"),
        ("version: 1\nrules:\n  - select: a\n    prune: {kind: weights}", 4, "exactly one of"),
        (
            "version: 1\nrules:\n  - select: a\n    prune: {kind: weights, sparsity: 0.1, threshold: 1}",
            4,
            "exactly one of",
        ),
        ("version: 1\nrules:\n  - select: a\n    prune: {kind: filters}", 4, "exactly one of ratio"),
        ("version: 1\nrules:\n  - select: a\n    prune: {kind: filters, sparsity: 0.1}", 4, "unknown key 'sparsity'"),
        ("version: 1\nrules:\n  - select: a\n    prune: {kind: weights, pattern: '5:4'}", 4, "pattern cannot be"),
        (
            "version: 1\nrules:\n  - select: a\n    prune: {kind: weights, pattern: 4x0, sparsity: 0.5}",
            4,
            "pattern cannot be",
        ),
        ("version: 1\nrules:\n  - select: a\n    prune: {kind: weights, pattern: 4x1}", 4, "give sparsity"),
        (
            "version: 1\nrules:\n  - select: a\n    prune: {kind: weights, pattern: '2:4', sparsity: 0.5}",
            4,
            "leave sparsity out",
        ),
        (
            "version: 1\nrules:\n  - select: a\n    prune: {kind: weights, pattern: 4x1, sparsity: 0.5, threshold: 1}",
            4,
            "exactly one of",
        ),
        ("version: 1\nrules:\n  - weights: float", 3, "the rule selects nothing"),
        ("version: 1\nrules:\n  - select: []", 3, "select is empty"),
        ("version: 1\nrules: {}", 2, "rules must be a list"),
        ("version: 1\nencoding: zip", 2, "encoding cannot be 'zip'"),
        ("version: 1\nencoding: auto\n\nencoding: auto", 4, "key 'encoding' stands there twice"),
        ("version: 1\ncalibration: {samples: 0}", 2, "samples is 0"),
        ("version: 2", 1, "version 2 is not known"),
        ("rules: []", 1, "the recipe says no version"),
        ("", 1, "the recipe is empty"),
        ("version: 1\nrules:\n  - &a {select: x}\n  - *a", 3, "anchors and aliases are not read"),
        ("version: 1\nrules: [", 2, "not YAML"),
    ],
)
def test_a_mistake_names_the_text_and_the_line(text: str, line: int, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "r.yaml")

    assert caught.value.message.startswith(f"r.yaml, line {line}: ")
    assert says in caught.value.message


def test_an_unknown_key_lists_the_known_ones() -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe("version: 1\nrules:\n  - {select: a, bitz: 1}", "r.yaml")

    assert caught.value.hint == "the keys here are select, weights, activations, prune"


@pytest.mark.parametrize("text", ["\x00", "[" * 5000, "version: 1\n\ttab"])
def test_what_is_no_yaml_is_one_clear_line(text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "r.yaml")

    assert "\n" not in str(caught.value)


def test_what_is_recovered_reads_back_and_is_left_out_where_nothing_is():
    recipe = Recipe(recover="weights")

    assert parse_recipe(format_recipe(recipe)) == recipe
    assert "recover" not in format_recipe(Recipe())
    # Recipes from before there was such a key keep their digest, and what was measured of them.
    assert "recover" not in Recipe().to_json()
    assert recipe.digest != Recipe(recover="bias").digest != Recipe().digest
