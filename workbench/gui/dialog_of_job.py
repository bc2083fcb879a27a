"""A job and the dialog that shows it: measured when it opens, given up when it closes, taken over as one edit."""

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.gui.document import Document
from workbench.gui.measured_dialog import MeasuredDialog
from workbench.gui.theme import Theme
from workbench.jobs import Progress


class DialogOfJob(QObject):
    """What such jobs share. `began` when somebody has asked for it."""

    began = Signal()

    def __init__(self, document: Document, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._theme = theme
        self._window = window
        self.dialog: MeasuredDialog | None = None
        document.jobs.progressed.connect(self._on_progressed)
        document.recipe_changed.connect(self._on_recipe)
        document.model_changed.connect(self._close)

    def _new_dialog(self) -> MeasuredDialog:
        raise NotImplementedError

    def _ask(self, recipe: Recipe) -> None:
        """Start the job."""
        raise NotImplementedError

    def _give_up(self) -> None:
        """Stop the job."""
        raise NotImplementedError

    def _job(self) -> int:
        """Number of the job that was started last."""
        raise NotImplementedError

    def _edited(self, model: ModelInfo, layers: tuple[Layer, ...], subject: str) -> tuple[Recipe, str]:
        """The recipe with what was found taken over for these layers, and what that step is called."""
        raise NotImplementedError

    def _open(self) -> None:
        if self.dialog is None:
            dialog = self._new_dialog()
            dialog.apply_wished.connect(self._on_apply)
            dialog.measure_wished.connect(self._measure)
            dialog.cancel_wished.connect(self._give_up)
            dialog.finished.connect(self._on_closed)
            self.dialog = dialog
            self._measure()
        self.dialog.show()
        self.dialog.raise_()

    @Slot()
    def _measure(self) -> None:
        if self.dialog is not None:
            self.dialog.begin()
        self.began.emit()
        self._ask(self._document.recipe)

    @Slot(int, object)
    def _on_progressed(self, job: int, progress: Progress) -> None:
        if self.dialog is not None and self.dialog.is_running and job == self._job():
            self.dialog.show_progress(progress.fraction, progress.text)

    @Slot(str)
    def _on_end(self, text: str) -> None:
        if self.dialog is not None:
            self.dialog.show_end(text)

    @Slot(object, object)
    def _on_recipe(self, old: object, new: object) -> None:
        if self.dialog is not None:
            self.dialog.show_recipe(self._document.recipe.digest)

    @Slot(object)
    def _on_apply(self, names: object) -> None:
        model = self._document.model
        if model is None or not isinstance(names, tuple):
            return
        layers = tuple(layer for layer in model.layers if layer.name in names)
        subject = layers[0].name if len(layers) == 1 else f"{len(layers)} layers"
        self._document.edit(*self._edited(model, layers, subject))

    @Slot()
    def _close(self) -> None:
        if self.dialog is not None:
            self.dialog.close()

    @Slot()
    def _on_closed(self) -> None:
        if self.dialog is not None:
            if self.dialog.is_running:
                self._give_up()
            self.dialog.deleteLater()
            self.dialog = None
