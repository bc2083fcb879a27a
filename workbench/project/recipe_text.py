"""Recipes as YAML text: read with the line of each mistake, and written so that they read back the same."""

from collections.abc import Mapping
from typing import TypeGuard

import yaml
from yaml.nodes import Node, ScalarNode, SequenceNode

from workbench.engine.core.granularity import parse_granularity
from workbench.engine.core.recipe import (
    CHANNEL_SCOPES,
    DYNAMIC,
    ENCODINGS,
    FLOAT,
    FLOAT16,
    MAX_BITS,
    MIN_BITS,
    RANGE_ESTIMATORS,
    RECOVER_NOTHING,
    RECOVERIES,
    ROUNDINGS,
    ActivationRule,
    Calibration,
    Prune,
    Recipe,
    Rule,
    WeightRule,
)
from workbench.engine.core.weight_pattern import parse_pattern
from workbench.project.yaml_reader import YamlReader, line_of

VERSION = 1
_KEYS = ("version", "rules", "encoding", "equalize", "recover", "calibration")
_RULE_KEYS = ("select", "weights", "activations", "prune")
_WEIGHT_KEYS = ("bits", "granularity", "symmetric", "range", "rounding", "bias_correction", "reduce_range")
_ACTIVATION_KEYS = ("bits", "symmetric", "signed", "range")
_WEIGHT_PRUNE_KEYS = ("kind", "threshold", "sparsity", "pattern", "scope")
_CHANNEL_PRUNE_KEYS = ("kind", "ratio", "scope", "criterion", "multiple_of")
_PRUNE_KEYS = (*_WEIGHT_PRUNE_KEYS, "ratio", "criterion", "multiple_of")
_SCOPES = {"weights": ("layer", "global")}
_KINDS = ("weights", "filters", "neurons", "none")
_AMOUNTS = ("threshold", "sparsity", "pattern")


def parse_recipe(text: str, source: str = "recipe") -> Recipe:
    """The recipe that a YAML text says.

    Args:
        text: YAML, or JSON, which is YAML as well.
        source: name of the text, for messages.

    Raises:
        RecipeError: an unknown or repeated key, a bad value, or no YAML at all; names source and line.
    """
    reader = YamlReader(source)
    root = reader.root(text)
    if root is None:
        raise reader.error(None, "the recipe is empty", f"begin with version: {VERSION}")
    entries = reader.entries(root, _KEYS, "a recipe")
    if "version" not in entries:
        raise reader.error(root, "the recipe says no version", f"begin with version: {VERSION}")
    version = reader.whole(entries["version"][1], "version", 1)
    if version != VERSION:
        raise reader.error(entries["version"][1], f"version {version} is not known", f"this program reads {VERSION}")
    recipe = Recipe(version=version)
    rules, encoding, equalize, calibration = recipe.rules, recipe.encoding, recipe.equalize, recipe.calibration
    recover = recipe.recover
    if "rules" in entries:
        rules = _rules(reader, entries["rules"][1])
    if "encoding" in entries:
        encoding = reader.text(entries["encoding"][1], "encoding", ENCODINGS)
    if "equalize" in entries:
        equalize = reader.truth(entries["equalize"][1], "equalize")
    if "recover" in entries:
        recover = reader.text(entries["recover"][1], "recover", RECOVERIES)
    if "calibration" in entries:
        calibration = _calibration(reader, entries["calibration"][1])
    return Recipe(rules, encoding, calibration, version, equalize, recover)


def format_recipe(recipe: Recipe) -> str:
    """The recipe as YAML; `parse_recipe` gives the very same recipe back."""
    data = recipe.to_json()
    lines = [f"version: {recipe.version}", "rules:" if recipe.rules else "rules: []"]
    rules = data["rules"]
    assert isinstance(rules, list)
    for rule in rules:
        for number, (key, value) in enumerate(rule.items()):
            lines.append(f"  {'- ' if number == 0 else '  '}{key}: {_flow(value)}")
    lines.append(f"encoding: {_flow(recipe.encoding)}")
    if recipe.equalize:
        lines.append("equalize: true")
    if recipe.recover != RECOVER_NOTHING:
        lines.append(f"recover: {recipe.recover}")
    lines.append(f"calibration: {_flow(data['calibration'])}")
    return "\n".join(lines) + "\n"


def _flow(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**9, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _rules(reader: YamlReader, node: Node) -> tuple[Rule, ...]:
    if not isinstance(node, SequenceNode):
        raise reader.error(node, "rules must be a list", "begin each rule with - select:")
    return tuple(_rule(reader, item) for item in node.value)


def _rule(reader: YamlReader, node: Node) -> Rule:
    entries = reader.entries(node, _RULE_KEYS, "a rule")
    if "select" not in entries:
        raise reader.error(node, "the rule selects nothing", 'give select: "*" or the names of layers')
    values = {name: value for name, (_key, value) in entries.items()}
    return Rule(
        select=_select(reader, values["select"]),
        weights=_weights(reader, values["weights"]) if "weights" in values else None,
        activations=_activations(reader, values["activations"]) if "activations" in values else None,
        prune=_prune(reader, values["prune"]) if "prune" in values else None,
        line=line_of(node),
    )


def _select(reader: YamlReader, node: Node) -> tuple[str, ...]:
    if not isinstance(node, SequenceNode):
        return (_selector(reader, node),)
    if not node.value:
        raise reader.error(node, "select is empty", 'give "*" or the names of layers')
    return tuple(_selector(reader, item) for item in node.value)


def _selector(reader: YamlReader, node: Node) -> str:
    text = reader.text(node, "select")
    if text in ("", "op:"):
        raise reader.error(node, "select is empty", 'give "*", names of layers, or op:Conv')
    return text


def _is_float(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == FLOAT


def _bits(reader: YamlReader, node: Node) -> int | str:
    return FLOAT if _is_float(node) else reader.whole(node, "bits", MIN_BITS, MAX_BITS)


def _weight_bits(reader: YamlReader, node: Node) -> int | str:
    return node.value if _is_word(node) else reader.whole(node, "bits", MIN_BITS, MAX_BITS)


def _is_word(node: Node) -> TypeGuard[ScalarNode]:
    return isinstance(node, ScalarNode) and node.value in (FLOAT, FLOAT16)


def _weights(reader: YamlReader, node: Node) -> WeightRule:
    if _is_word(node):
        return WeightRule(bits=node.value)
    values = {name: value for name, (_key, value) in reader.entries(node, _WEIGHT_KEYS, "weights").items()}
    return WeightRule(
        bits=_weight_bits(reader, values["bits"]) if "bits" in values else None,
        granularity=_granularity(reader, values["granularity"]) if "granularity" in values else None,
        symmetric=_truth(reader, values, "symmetric"),
        range=reader.text(values["range"], "range", RANGE_ESTIMATORS) if "range" in values else None,
        rounding=reader.text(values["rounding"], "rounding", ROUNDINGS) if "rounding" in values else None,
        bias_correction=_truth(reader, values, "bias_correction"),
        reduce_range=_truth(reader, values, "reduce_range"),
    )


def _truth(reader: YamlReader, values: Mapping[str, Node], name: str) -> bool | None:
    return reader.truth(values[name], name) if name in values else None


def _activations(reader: YamlReader, node: Node) -> ActivationRule:
    if _is_float(node):
        return ActivationRule(bits=FLOAT)
    values = {name: value for name, (_key, value) in reader.entries(node, _ACTIVATION_KEYS, "activations").items()}
    return ActivationRule(
        bits=_bits(reader, values["bits"]) if "bits" in values else None,
        symmetric=_truth(reader, values, "symmetric"),
        signed=_truth(reader, values, "signed"),
        range=reader.text(values["range"], "range", (*RANGE_ESTIMATORS, DYNAMIC)) if "range" in values else None,
    )


def _granularity(reader: YamlReader, node: Node) -> str:
    text = reader.text(node, "granularity")
    try:
        parse_granularity(text)
    except ValueError as error:
        hint = "write per_tensor, per_channel or per_group_32"
        raise reader.error(node, f"granularity cannot be {text!r}", hint) from error
    return text


def _prune(reader: YamlReader, node: Node) -> Prune:
    if isinstance(node, ScalarNode) and node.value == "none":
        return Prune("none")
    entries = reader.entries(node, _PRUNE_KEYS, "prune")
    if "kind" not in entries:
        raise reader.error(node, "prune says no kind", f"give kind: {', '.join(_KINDS[:3])}")
    kind = reader.text(entries["kind"][1], "kind", _KINDS)
    known = {"none": ("kind",), "weights": _WEIGHT_PRUNE_KEYS}.get(kind, _CHANNEL_PRUNE_KEYS)
    entries = reader.entries(node, known, f"prune of kind {kind}")
    values = {name: value for name, (_key, value) in entries.items()}
    sparsity = reader.number(values["sparsity"], "sparsity", 0, 1) if "sparsity" in values else None
    pattern = _pattern(reader, values["pattern"], sparsity) if "pattern" in values else None
    needed = {"none": (), "weights": _AMOUNTS}.get(kind, ("ratio",))
    # Blocks need a sparsity beside them.
    given = [name for name in needed if name in values and not (name == "sparsity" and pattern is not None)]
    if needed and len(given) != 1:
        raise reader.error(node, f"prune of kind {kind} needs exactly one of {', '.join(needed)}")
    return Prune(
        kind=kind,
        threshold=reader.number(values["threshold"], "threshold", 0) if "threshold" in values else None,
        sparsity=sparsity,
        pattern=pattern,
        ratio=reader.number(values["ratio"], "ratio", 0, 1) if "ratio" in values else None,
        scope=reader.text(values["scope"], "scope", _SCOPES.get(kind, CHANNEL_SCOPES))
        if "scope" in values
        else "layer",
        criterion=reader.text(values["criterion"], "criterion") if "criterion" in values else None,
        multiple_of=reader.whole(values["multiple_of"], "multiple_of", 1) if "multiple_of" in values else None,
    )


def _pattern(reader: YamlReader, node: Node, sparsity: float | None) -> str:
    text = reader.text(node, "pattern")
    try:
        return str(parse_pattern(text, sparsity))
    except ValueError as error:
        hint = 'write "2:4", two of every four weights stay, or "4x1" and a sparsity for whole blocks'
        raise reader.error(node, str(error), hint) from error


def _calibration(reader: YamlReader, node: Node) -> Calibration:
    entries = reader.entries(node, ("samples", "seed"), "calibration")
    given = Calibration()
    return Calibration(
        samples=reader.whole(entries["samples"][1], "samples", 1) if "samples" in entries else given.samples,
        seed=reader.whole(entries["seed"][1], "seed", 0) if "seed" in entries else given.seed,
    )
