"""A page about the first selected layer: a head, figures and plots; or one text that says why there are none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from workbench.engine.core.layer import Layer
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.elided_label import ElidedLabel
from workbench.gui.widgets.flow_layout import FlowLayout
from workbench.gui.widgets.segmented import Segmented

if TYPE_CHECKING:  # a test hands in a bench without an engine
    from workbench.gui.document import Document

_SCALE_PIXELS = 140
_LEAST_NAME = 80


class PlotPage(QWidget):
    """What a page of weights and a page of activations share. Plots are added to `plots` when they are first needed.

    Args:
        is_log: whether counts begin on a logarithmic axis; `scale` changes it.
    """

    def __init__(self, document: "Document", theme: Theme, parent: QWidget | None = None, *, is_log: bool) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self.name = ElidedLabel("", "head", self, middle=True, least=_LEAST_NAME)
        self.facts = ElidedLabel("", "muted", self, fills=True)
        self.scale = Segmented(theme, "Count axis", ((False, "Linear"), (True, "Log")), self)
        self.scale.set_value(is_log)
        self.scale.setMaximumWidth(_SCALE_PIXELS)
        self.empty = make_label("", "muted", self)
        self.empty.setWordWrap(True)
        self.plots = QVBoxLayout()
        self._stack = QStackedLayout()

    def show_plots(self) -> None:
        """Show the plots again."""
        self._stack.setCurrentIndex(1)

    def say(self, text: str) -> None:
        """Show a text in place of the plots."""
        self.empty.setText(text)
        self._stack.setCurrentIndex(0)

    def selected_layer(self) -> Layer | None:
        """The first of the selected layers that the model has."""
        model, names = self._document.model, self._document.selection
        known = {layer.name: layer for layer in model.layers} if model is not None else {}
        return next((known[name] for name in names if name in known), None)

    def lay_out(
        self,
        *,
        notes: Sequence[QWidget] = (),
        controls: Sequence[QWidget] = (),
        pills: Sequence[QWidget] = (),
        remarks: Sequence[QWidget] = (),
    ) -> None:
        """Put the page together.

        Args:
            notes: stand beside the name.
            controls: stand before the choice of the axis.
            pills: the row of figures.
            remarks: lines between that row and the plots.
        """
        head, row = QHBoxLayout(), FlowLayout(6)
        head.addWidget(self.name)
        head.addWidget(self.facts, 1)
        for widget in notes:
            head.addWidget(widget)
        for widget in (*controls, self.scale):
            head.addWidget(widget)
        for pill in pills:
            row.addWidget(pill)
        content, blank = QWidget(self), QWidget(self)
        inside = QVBoxLayout(content)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addLayout(head)
        inside.addLayout(row)
        for widget in remarks:
            inside.addWidget(widget)
        inside.addLayout(self.plots, 1)
        QVBoxLayout(blank).addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 8)
        column.addLayout(self._stack)
        self._stack.addWidget(blank)
        self._stack.addWidget(content)
