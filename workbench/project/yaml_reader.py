"""YAML as nodes that know their line, so that each complaint names it."""

from collections.abc import Iterable
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from workbench.engine.core.errors import RecipeError

_KINDS = {
    "tag:yaml.org,2002:int": "a whole number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:null": "nothing",
}


class YamlReader:
    """Reads nodes of one text.

    Args:
        source: the text's name, for messages.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def error(self, node: Node | None, message: str, hint: str = "") -> RecipeError:
        """An error that names the source and the node's line."""
        return RecipeError(f"{self.source}, line {line_of(node)}: {message}", hint)

    def root(self, text: str) -> Node | None:
        """The top node of a text; None if it is empty.

        Raises:
            RecipeError: the text is not YAML, has several documents, or uses aliases.
        """
        try:
            for token in yaml.scan(text, Loader=yaml.SafeLoader):
                if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
                    line = token.start_mark.line + 1
                    raise RecipeError(
                        f"{self.source}, line {line}: anchors and aliases are not read", "write the value out"
                    )
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"{self.source}, line {mark.line + 1}" if mark else self.source
            raise RecipeError(f"{where}: not YAML: {error.problem or error.context}") from error
        except yaml.YAMLError as error:
            raise RecipeError(f"{self.source}: not YAML: {' '.join(str(error).split())}") from error
        except RecursionError as error:
            raise RecipeError(f"{self.source}: nested too deeply", "a recipe has three levels") from error

    def entries(self, node: Node, known: Iterable[str], what: str) -> dict[str, tuple[ScalarNode, Node]]:
        """Key node and value node by key; each key is one of `known` and stands there once."""
        names = tuple(known)
        hint = f"the keys here are {', '.join(names)}"
        if not isinstance(node, MappingNode):
            raise self.error(node, f"{what} must be a mapping, found {describe(node)}", hint)
        found: dict[str, tuple[ScalarNode, Node]] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or key.value not in names:
                raise self.error(key, f"unknown key {getattr(key, 'value', '?')!r}", hint)
            if key.value in found:
                first = line_of(found[key.value][0])
                raise self.error(key, f"key {key.value!r} stands there twice", f"it is given in line {first} already")
            found[key.value] = (key, value)
        return found

    def text(self, node: Node, name: str, words: Iterable[str] = ()) -> str:
        """A scalar as text; one of `words` if any are given."""
        allowed = tuple(words)
        hint = f"write one of {', '.join(allowed)}" if allowed else ""
        if not isinstance(node, ScalarNode) or node.tag == "tag:yaml.org,2002:null":
            raise self.error(node, f"{name} must be text, found {describe(node)}", hint)
        if allowed and node.value not in allowed:
            raise self.error(node, f"{name} cannot be {node.value!r}", hint)
        return str(node.value)

    def whole(self, node: Node, name: str, low: int, high: int | None = None) -> int:
        """A whole number of at least `low` and at most `high`."""
        bounds = f"{low} to {high}" if high is not None else f"{low} or more"
        value = self._scalar(node, name, int, f"a whole number, {bounds}")
        if value < low or (high is not None and value > high):
            raise self.error(node, f"{name} is {value}", f"write a whole number, {bounds}")
        return int(value)

    def number(self, node: Node, name: str, low: float, high: float | None = None) -> float:
        """A number of at least `low` and at most `high`."""
        bounds = f"{low:g} to {high:g}" if high is not None else f"{low:g} or more"
        value = float(self._scalar(node, name, (int, float), f"a number, {bounds}"))
        if not low <= value <= (high if high is not None else 1.7e308):
            raise self.error(node, f"{name} is {value:g}", f"write a number, {bounds}")
        return value

    def truth(self, node: Node, name: str) -> bool:
        """True or false."""
        return bool(self._scalar(node, name, bool, "true or false"))

    def _scalar(self, node: Node, name: str, types: type | tuple[type, ...], wanted: str) -> Any:
        value = None
        if isinstance(node, ScalarNode):
            try:
                value = yaml.SafeLoader("").construct_object(node)
            except ValueError:
                value = None
            if isinstance(value, str):
                value = _as_number(value)
        is_wrong = isinstance(value, bool) and types is not bool
        if value is None or is_wrong or not isinstance(value, types):
            raise self.error(node, f"{name} must be {wanted}, found {describe(node)}")
        return value


def line_of(node: Node | None) -> int:
    """The line a node begins in, 1-based."""
    return int(node.start_mark.line) + 1 if node is not None else 1


def describe(node: Node) -> str:
    """What stands there, in words."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if node.tag == "tag:yaml.org,2002:null":
        return "nothing"
    return f"{_KINDS.get(node.tag, 'a value')} {node.value!r}"


def _as_number(text: str) -> float | None:
    # YAML 1.1 takes 1e-05 for text; Python and JSON write small numbers so.
    if "e" not in text.lower():
        return None
    try:
        return float(text)
    except ValueError:
        return None
