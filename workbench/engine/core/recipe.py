"""What is asked: an ordered list of rules. For each setting the last rule that matches a layer wins.

A recipe is frozen and hashable; an edit gives a new one. `Recipe.settings_for` resolves the rules for
one layer; whether the layer can do it is the plan's business, not the recipe's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TypeVar

from workbench.engine.core.digest import digest_of_json

FLOAT, FLOAT16 = "float", "float16"
RANGE_ESTIMATORS = ("minmax", "percentile", "mse", "entropy")
DYNAMIC = "dynamic"
ROUNDINGS = ("nearest", "learned")
ENCODINGS = ("auto", "plain")
CHANNEL_SCOPES = ("layer", "global", "lamp", "erk")
RECOVER_NOTHING, RECOVER_BIAS, RECOVER_WEIGHTS = RECOVERIES = ("none", "bias", "weights")
MIN_BITS, MAX_BITS = 2, 16
_KINDS = ("weights", "filters", "neurons")

_Part = TypeVar("_Part", "WeightRule", "ActivationRule")


@dataclass(frozen=True, slots=True)
class WeightRule:
    """What one rule says of weight quantization; None where it says nothing.

    Args:
        bits: 2 to 16, "float16" for 16-bit floats, or "float" for the weights as they are.
        granularity: as `parse_granularity` reads it.
        range: a range estimator's name.
        rounding: "nearest", or "learned" for the codes that keep the layer's outputs on samples.
        bias_correction: whether the bias takes back what the weights' error does to the outputs' mean.
        reduce_range: whether 8-bit codes stay within 7 bits, so that no CPU saturates when it adds products.
    """

    bits: int | str | None = None
    granularity: str | None = None
    symmetric: bool | None = None
    range: str | None = None
    rounding: str | None = None
    bias_correction: bool | None = None
    reduce_range: bool | None = None


@dataclass(frozen=True, slots=True)
class ActivationRule:
    """What one rule says of activation quantization; None where it says nothing.

    Args:
        bits: 2 to 16, or "float" for no quantization.
        symmetric: whether zero lies in the middle of the codes.
        signed: whether codes are signed integers, as some targets want.
        range: a range estimator's name, or "dynamic" for ranges found at run time.
    """

    bits: int | str | None = None
    symmetric: bool | None = None
    signed: bool | None = None
    range: str | None = None


@dataclass(frozen=True, slots=True)
class Prune:
    """One way of pruning, complete in itself.

    Args:
        kind: "weights", "filters" or "neurons"; "none" takes earlier rules back.
        threshold: weights with |w| < threshold become zero.
        sparsity: fraction of weights to be zero, 0…1.
        pattern: "N:M", N of every M stay, or "4x1" for whole blocks; see `parse_pattern`.
        ratio: fraction of channels to remove, 0…1.
        scope: "layer", each layer its own threshold; "global", one for all layers of the rule. Channels may also be
            spread over the layers of the rule by "lamp" scores or by "erk", the Erdős–Rényi kernel.
        criterion: name of the importance criterion for channels.
        multiple_of: number of channels that stay is a multiple of it.
    """

    kind: str
    threshold: float | None = None
    sparsity: float | None = None
    pattern: str | None = None
    ratio: float | None = None
    scope: str = "layer"
    criterion: str | None = None
    multiple_of: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Settings for the layers that `select` matches.

    Args:
        select: glob patterns over layer names, or "op:Conv" for an operator type; any may match.
        line: where the rule stands in its text, 1-based; not part of what the rule says.
    """

    select: tuple[str, ...]
    weights: WeightRule | None = None
    activations: ActivationRule | None = None
    prune: Prune | None = None
    line: int | None = field(default=None, compare=False)

    def matches(self, layer_name: str, op_type: str) -> bool:
        """Whether the rule applies to a layer.

        >>> Rule(("features.*",)).matches("features.7", "Conv")
        True
        """
        names, patterns = _names_and_patterns(self.select)
        return layer_name in names or any(_selects(selector, layer_name, op_type) for selector in patterns)

    @property
    def has_patterns(self) -> bool:
        """Whether the rule selects by type or pattern, and not by names alone."""
        return bool(_names_and_patterns(self.select)[1])


@dataclass(frozen=True, slots=True)
class WeightSettings:
    """Weight quantization as asked for one layer, with every value filled in.

    Args:
        floating: whether the bits are those of a float, which there are 16 of; nothing else is said then.
    """

    bits: int
    granularity: str = "per_channel"
    symmetric: bool = True
    range: str = "minmax"
    rounding: str = "nearest"
    bias_correction: bool = False
    reduce_range: bool = False
    floating: bool = False

    @property
    def needs_samples(self) -> bool:
        """Whether the codes or the bias depend on samples."""
        return self.rounding == "learned" or self.bias_correction


@dataclass(frozen=True, slots=True)
class ActivationSettings:
    """Activation quantization as asked for one layer, with every value filled in."""

    bits: int
    symmetric: bool = False
    signed: bool = False
    range: str = "minmax"

    @property
    def is_dynamic(self) -> bool:
        """Whether ranges are found at run time, so that no samples are needed."""
        return self.range == DYNAMIC


@dataclass(frozen=True, slots=True)
class LayerSettings:
    """Everything a recipe asks of one layer. `prunes` has at most one entry per kind.

    Args:
        without_bits: "weights" or "activations", of which rules say how they are quantized and none says the bits:
            these settings alone do nothing.
    """

    weights: WeightSettings | None = None
    activations: ActivationSettings | None = None
    prunes: tuple[Prune, ...] = ()
    without_bits: tuple[str, ...] = ()

    def prune(self, kind: str) -> Prune | None:
        """The pruning of that kind, if any is asked."""
        return next((prune for prune in self.prunes if prune.kind == kind), None)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked that does anything."""
        return self.weights is None and self.activations is None and not self.prunes


@dataclass(frozen=True, slots=True)
class Calibration:
    """Which samples set activation ranges: how many, and the seed that draws them."""

    samples: int = 128
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """Ordered rules and what goes with them. Version 1 of the format.

    Args:
        equalize: whether weights are equalized across layers before they are quantized.
        recover: what is fitted on samples in layers that read removed channels, before all else: "none", "bias", or
            "weights" and the bias with them.
    """

    rules: tuple[Rule, ...] = ()
    encoding: str = "auto"
    calibration: Calibration = Calibration()
    version: int = 1
    equalize: bool = False
    recover: str = RECOVER_NOTHING
    # Each move of a slider asks a dozen times which recipe this is. Of the very recipe: equal ones may say 1 or 1.0.
    _digest: str = field(default="", init=False, compare=False, repr=False)

    def settings_for(self, layer_name: str, op_type: str) -> LayerSettings:
        """What the rules ask of one layer; for each setting the last matching rule wins."""
        weights: dict[str, object] = {}
        activations: dict[str, object] = {}
        prunes: dict[str, Prune] = {}
        for rule in self.rules:
            if not rule.matches(layer_name, op_type):
                continue
            weights |= _said(rule.weights)
            activations |= _said(rule.activations)
            if rule.prune is not None:
                if rule.prune.kind == "none":
                    prunes.clear()
                else:
                    prunes[rule.prune.kind] = rule.prune
        return LayerSettings(
            weights=_weight_settings(weights),
            activations=ActivationSettings(**activations) if isinstance(activations.get("bits"), int) else None,  # type: ignore[arg-type] # as above
            # In one order, whichever rule came first: an edit that extends an old rule says no other thing.
            prunes=tuple(sorted(prunes.values(), key=lambda prune: _KINDS.index(prune.kind))),
            without_bits=tuple(
                name
                for name, said in (("weights", weights), ("activations", activations))
                if said and "bits" not in said
            ),
        )

    def pruning_rule(self, layer_name: str, op_type: str, kind: str) -> int | None:
        """Place of the rule that has the last word on one kind of pruning of a layer; None where none asks for it.

        Rules are told apart by their place: two that say the same are two, each with a target of its own.
        """
        for place in range(len(self.rules) - 1, -1, -1):
            rule = self.rules[place]
            if rule.prune is None or rule.prune.kind not in (kind, "none") or not rule.matches(layer_name, op_type):
                continue
            return None if rule.prune.kind == "none" else place
        return None

    def with_rule(
        self,
        select: str | Sequence[str],
        *,
        weights: WeightRule | None = None,
        activations: ActivationRule | None = None,
        prune: Prune | None = None,
    ) -> "Recipe":
        """A recipe in which these settings hold for `select`, whatever earlier rules say.

        The last rule with this very `select` is extended where that says the same as a new rule at the end, so
        that a hundred edits of one layer leave one rule.
        """
        names = (select,) if isinstance(select, str) else tuple(select)
        new = Rule(names, weights, activations, prune)
        rules = self.rules
        own = [index for index, rule in enumerate(rules) if rule.select == names]
        place = next((index for index in reversed(own) if _can_extend(rules[index], new, rules[index + 1 :])), None)
        if place is None:
            return replace(self, rules=(*rules, new))
        return replace(self, rules=(*rules[:place], _merged(rules[place], new), *rules[place + 1 :]))

    def without(self, names: Iterable[str]) -> "Recipe":
        """A recipe without the rules that select exactly these layers, one or several of them."""
        dropped = set(names)
        kept = []
        for rule in self.rules:
            select = tuple(selector for selector in rule.select if selector not in dropped)
            if select:
                kept.append(rule if select == rule.select else replace(rule, select=select))
        return replace(self, rules=tuple(kept))

    def to_json(self) -> dict[str, object]:
        """The recipe as plain dicts and lists, without the settings that were not given."""
        return {
            "version": self.version,
            "rules": [_rule_to_json(rule) for rule in self.rules],
            "encoding": self.encoding,
            # Left out where it says nothing, so that older recipes keep their digest.
            **({"equalize": True} if self.equalize else {}),
            **({"recover": self.recover} if self.recover != RECOVER_NOTHING else {}),
            "calibration": {"samples": self.calibration.samples, "seed": self.calibration.seed},
        }

    @property
    def digest(self) -> str:
        """SHA-256 of what the recipe says."""
        if not self._digest:
            object.__setattr__(self, "_digest", digest_of_json(self.to_json()))
        return self._digest


def escape_selector(name: str) -> str:
    """A selector that matches one layer name and nothing else.

    >>> escape_selector("block[0]")
    'block[[]0]'
    """
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


@lru_cache(maxsize=256)
def _names_and_patterns(select: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The selectors apart from those that need more than a look-up: a rule may name hundreds of layers."""
    patterns = tuple(selector for selector in select if selector.startswith("op:") or any(c in selector for c in "*?["))
    return frozenset(select), patterns


def _selects(selector: str, layer_name: str, op_type: str) -> bool:
    if selector.startswith("op:"):
        return op_type == selector[3:]
    return selector == layer_name or fnmatchcase(layer_name, selector)


def _said(part: WeightRule | ActivationRule | None) -> dict[str, object]:
    if part is None:
        return {}
    values = {item.name: getattr(part, item.name) for item in fields(part)}
    return {name: value for name, value in values.items() if value is not None}


def _weight_settings(said: dict[str, object]) -> WeightSettings | None:
    if said.get("bits") == FLOAT16:
        return _FLOAT16_SETTINGS
    if not isinstance(said.get("bits"), int):
        return None
    return WeightSettings(**said)  # type: ignore[arg-type] # the names are WeightRule's own


_FLOAT16_SETTINGS = WeightSettings(bits=16, floating=True)


def _merged(old: Rule, new: Rule) -> Rule:
    return replace(
        old,
        weights=_merged_part(old.weights, new.weights),
        activations=_merged_part(old.activations, new.activations),
        prune=new.prune if new.prune is not None else old.prune,
        line=None,
    )


def _merged_part(old: _Part | None, new: _Part | None) -> _Part | None:
    if old is None or new is None:
        return new if old is None else old
    return replace(old, **_said(new))  # type: ignore[arg-type] # the names are the part's own


def _can_extend(old: Rule, new: Rule, later: Sequence[Rule]) -> bool:
    """Whether `old` with the settings of `new` gives every layer what `new` at the end would give."""
    return _keeps_prunes(old.prune, new.prune) and not any(
        _may_share_layers(old, rule) and _may_contradict(new, rule) for rule in later
    )


def _may_contradict(new: Rule, later: Rule) -> bool:
    """Whether a later rule has a say in what `new` says."""
    return (
        (new.weights is not None and later.weights is not None)
        or (new.activations is not None and later.activations is not None)
        or (new.prune is not None and later.prune is not None and _may_replace(new.prune, later.prune))
    )


def _may_replace(new: Prune, later: Prune) -> bool:
    """Whether both are of weights, or both of channels, which groups of several kinds of layers share."""
    return "none" in (new.kind, later.kind) or (new.kind == "weights") == (later.kind == "weights")


def _keeps_prunes(old: Prune | None, new: Prune | None) -> bool:
    """Whether `new` may take the place of `old`: each kind of pruning has a setting of its own."""
    return old is None or new is None or new.kind in (old.kind, "none")


def _may_share_layers(one: Rule, other: Rule) -> bool:
    """Whether a layer could be selected by both. Which layers a pattern selects only a model knows."""
    return one.has_patterns or other.has_patterns or not set(one.select).isdisjoint(other.select)


def _rule_to_json(rule: Rule) -> dict[str, object]:
    select = rule.select[0] if len(rule.select) == 1 else list(rule.select)
    parts: dict[str, object] = {"select": select}
    for name, part in (("weights", rule.weights), ("activations", rule.activations)):
        said = _said(part)
        if said:
            is_word = len(said) == 1 and isinstance(said.get("bits"), str)
            parts[name] = said["bits"] if is_word else said
    if rule.prune is not None:
        parts["prune"] = "none" if rule.prune.kind == "none" else _prune_to_json(rule.prune)
    return parts


def _prune_to_json(prune: Prune) -> dict[str, object]:
    values = {item.name: getattr(prune, item.name) for item in fields(prune)}
    said = {name: value for name, value in values.items() if value is not None}
    if prune.scope == "layer":
        del said["scope"]
    return said
