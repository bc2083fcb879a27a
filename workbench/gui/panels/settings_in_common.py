"""What several layers have in common: one value, or none where they differ."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value", bound=Hashable)


def in_common(items: Iterable[Item], value_of: Callable[[Item], Value]) -> Value | None:
    """The value that all items have; None where they differ, or where there are no items.

    >>> in_common(["one", "two"], len), in_common(["one", "three"], len)
    (3, None)
    """
    values = {value_of(item) for item in items}
    return values.pop() if len(values) == 1 else None
