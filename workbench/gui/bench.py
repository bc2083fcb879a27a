"""What lies on the bench, as plain values: the model and its samples, and the sheets that can be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import DataInfo, ModelFootprint
from workbench.gui.edits import BUDGETS_EDIT, RECIPE_EDIT, Edit
from workbench.project.budgets import Budgets


class Bench(QObject):
    """Only the main thread touches it, and only the methods here change it.

    `recipe_changed(old, new)` also goes out, with the same recipe twice, when its size can be said anew.
    """

    model_changed = Signal()
    dataset_changed = Signal()
    recipe_changed = Signal(object, object)
    budgets_changed = Signal()
    selection_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model: ModelInfo | None = None
        self.footprint: ModelFootprint | None = None
        self.dataset: DataInfo | None = None
        self.data_overrides: dict[str, object] = {}
        self.recipe = Recipe()
        self.budgets = Budgets()
        self.selection: tuple[str, ...] = ()
        self.notes = ""
        self.undo_stack = QUndoStack(self)

    @Slot(object, str)
    def edit(self, recipe: Recipe, text: str, gesture: object = None) -> None:
        """Change the recipe, as one step that can be undone; steps of one gesture become one."""
        if recipe != self.recipe:
            step = Edit(RECIPE_EDIT, self._put_recipe, self.recipe, recipe, text=text, gesture=gesture)
            self.undo_stack.push(step)

    def set_budgets(self, budgets: Budgets, gesture: object = None) -> None:
        """Change the limits, as one step that can be undone."""
        if budgets != self.budgets:
            step = Edit(BUDGETS_EDIT, self._put_budgets, self.budgets, budgets, text="Budget", gesture=gesture)
            self.undo_stack.push(step)

    def set_encoding(self, encoding: str) -> None:
        """Choose between the smallest encodings and those that other tools read."""
        self.edit(replace(self.recipe, encoding=encoding), "Encoding")

    def select(self, names: Sequence[str]) -> None:
        """Select layers by name."""
        if tuple(names) != self.selection:
            self.selection = tuple(names)
            self.selection_changed.emit()

    def _put_model(self, info: ModelInfo, recipe: Recipe, budgets: Budgets) -> None:
        """Clear the bench, and lay a model and its sheets on it, with nothing to undo."""
        self.model, self.footprint, self.dataset = info, None, None
        self.data_overrides = {}
        self.selection = ()
        self.notes = ""
        self.undo_stack.clear()
        old, self.recipe = self.recipe, recipe
        self.budgets = budgets
        self.model_changed.emit()
        self.dataset_changed.emit()
        self.budgets_changed.emit()
        self.recipe_changed.emit(old, recipe)

    def _put_data(self, info: DataInfo, overrides: Mapping[str, object]) -> None:
        self.dataset, self.data_overrides = info, dict(overrides)
        self.dataset_changed.emit()

    @Slot(object)
    def _put_footprint(self, footprint: ModelFootprint) -> None:
        self.footprint = footprint
        self.recipe_changed.emit(self.recipe, self.recipe)

    def _put_recipe(self, recipe: Recipe) -> None:
        """Lay a sheet on the bench; called by the undo stack."""
        old, self.recipe = self.recipe, recipe
        self.recipe_changed.emit(old, recipe)

    def _put_budgets(self, budgets: Budgets) -> None:
        self.budgets = budgets
        self.budgets_changed.emit()
