"""The steps of the undo stack: another recipe, other budgets."""

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtGui import QUndoCommand

Sheet = TypeVar("Sheet")

RECIPE_EDIT, BUDGETS_EDIT = 1, 2


class Edit(QUndoCommand, Generic[Sheet]):
    """Lay another sheet on the bench. Edits of one kind and one gesture are one step.

    Args:
        kind: RECIPE_EDIT or BUDGETS_EDIT.
        put: lays a sheet on the bench.
        gesture: the same object for all moves of a drag; None for a step of its own.
    """

    def __init__(
        self, kind: int, put: Callable[[Sheet], None], old: Sheet, new: Sheet, *, text: str, gesture: object
    ) -> None:
        super().__init__(text)
        self._kind, self._put, self._old, self._new, self._gesture = kind, put, old, new, gesture

    def id(self) -> int:
        """Only steps of one kind may be merged."""
        return self._kind

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take a later edit of the same gesture in."""
        if not isinstance(other, Edit) or self._gesture is None or other._gesture is not self._gesture:
            return False
        self._new = other._new
        return True

    def redo(self) -> None:
        """Lay the new sheet down."""
        self._put(self._new)

    def undo(self) -> None:
        """Lay the old sheet back."""
        self._put(self._old)
