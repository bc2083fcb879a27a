"""Values of a JSON object by key, each checked; what is wrong is told with the place where it stands."""

import math
from collections.abc import Iterator, Mapping
from typing import TypeVar

_Word = TypeVar("_Word", bound=str)


class FieldError(ValueError):
    """A value is missing, or is of another kind than it has to be: where, and what."""


class JsonFields:
    """An object and where it stands.

    Args:
        value: as it was read.
        where: such as "profile.costs"; empty for the whole file.

    Raises:
        FieldError: it is no object; or, of each method, the value is missing or no such.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise FieldError(f"{where} is {_shown(value)}, not an object")
        self._values: Mapping[str, object] = value
        self._where = where

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def where(self, key: str) -> str:
        """Where a value stands."""
        return f"{self._where}.{key}" if self._where else key

    def value(self, key: str) -> object:
        """Any value."""
        if key not in self._values:
            raise FieldError(f"{self.where(key)} is missing")
        return self._values[key]

    def text(self, key: str, *, may_be_empty: bool = True) -> str:
        """A text."""
        value = self.value(key)
        if not isinstance(value, str):
            raise FieldError(f"{self.where(key)} is {_shown(value)}, not a text")
        if not value.strip() and not may_be_empty:
            raise FieldError(f"{self.where(key)} is empty")
        return value

    def word(self, key: str, words: type[_Word]) -> _Word:
        """One of an enumeration's words."""
        text = self.text(key)
        known = [str(word) for word in words]  # type: ignore[attr-defined] # enumerations can be gone through
        if text not in known:
            raise FieldError(f"{self.where(key)} is {_shown(text)}, not one of {', '.join(known)}")
        return words(text)

    def number(self, key: str, least: float = -math.inf) -> float:
        """A finite number, not below the least."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < least:
            limit = f" from {least:g} on" if math.isfinite(least) else ""
            raise FieldError(f"{self.where(key)} is {_shown(value)}, not a finite number{limit}")
        return float(value)

    def count(self, key: str) -> int:
        """A whole number from 0 on."""
        value = self.number(key, 0)
        if value != int(value):
            raise FieldError(f"{self.where(key)} is {value:g}, not a whole number")
        return int(value)

    def part(self, key: str) -> "JsonFields":
        """An object inside."""
        return JsonFields(self.value(key), self.where(key))

    def parts(self, key: str) -> "tuple[JsonFields, ...]":
        """A list of objects."""
        return tuple(JsonFields(one, f"{self.where(key)}[{place}]") for place, one in enumerate(self._list(key)))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        found = self._list(key)
        for place, one in enumerate(found):
            if not isinstance(one, str):
                raise FieldError(f"{self.where(key)}[{place}] is {_shown(one)}, not a text")
        return tuple(map(str, found))

    def _list(self, key: str) -> list[object]:
        value = self.value(key)
        if not isinstance(value, list):
            raise FieldError(f"{self.where(key)} is {_shown(value)}, not a list")
        return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
