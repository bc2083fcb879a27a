"""Which settings a scan tries: a small window below its button, with one button a setting."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QToolButton, QWidget

from workbench.engine.core.sensitivity import ScanAxes
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label

_BITS = (2, 3, 4, 5, 6, 7, 8)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# Name of the field, what its row is called, and what can be chosen.
_ROWS: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("weight_bits", "Bits of weights", _BITS),
    ("activation_bits", "Bits of activations", _BITS),
    ("sparsities", "Zeros", _SHARES),
    ("ratios", "Fewer channels", _SHARES),
)


class ScanAxesForm(QFrame):
    """`axes_wished(ScanAxes)` with each button that is pressed; Escape or a click elsewhere closes it."""

    axes_wished = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._theme = theme
        self._axes = ScanAxes()
        self.setObjectName("card")
        self.setAccessibleName("Settings to scan")
        self._buttons: dict[tuple[str, float], QToolButton] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 12, 14, 12)
        grid.setVerticalSpacing(8)
        grid.addWidget(make_label("Settings to try on each layer", "strong", self), 0, 0, 1, 2)
        for row, (name, title, values) in enumerate(_ROWS, start=1):
            grid.addWidget(make_label(title, "muted", self), row, 0)
            grid.addLayout(self._row(name, title, values), row, 1)
        self.count = make_label("", "muted", self)
        self.usual = QPushButton("As usual", self)
        self.usual.clicked.connect(self._on_usual)
        self.done = QPushButton("Done", self)
        self.done.clicked.connect(self.close)
        below = QHBoxLayout()
        below.addWidget(self.count, 1)
        below.addWidget(self.usual)
        below.addWidget(self.done)
        grid.addLayout(below, len(_ROWS) + 1, 0, 1, 2)
        theme.changed.connect(self._dress)
        self._dress()
        self.show_axes(self._axes, 0)

    def button(self, name: str, value: float) -> QToolButton:
        """The button of a setting, by the name of its field in `ScanAxes`. Raises KeyError if there is none."""
        return self._buttons[name, value]

    def show_axes(self, axes: ScanAxes, num_layers: int) -> None:
        """Show which settings are chosen, and how many cells that makes."""
        self._axes = axes
        for (name, value), button in self._buttons.items():
            with QSignalBlocker(button):
                button.setChecked(value in getattr(axes, name))
        number = len(axes.settings)
        self.count.setText(f"{num_layers:,} layers × {number} settings = {num_layers * number:,} cells")

    def open_below(self, widget: QWidget) -> None:
        """Show the form below a button."""
        self.adjustSize()
        corner = widget.mapToGlobal(QPoint(widget.width() - self.width(), widget.height() + 4))
        self.move(corner)
        self.show()
        next(iter(self._buttons.values())).setFocus(Qt.FocusReason.PopupFocusReason)

    def _row(self, name: str, title: str, values: Sequence[float]) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(4)
        for value in values:
            text = f"{100 * value:g} %" if isinstance(value, float) else str(value)
            button = QToolButton(self)
            button.setCheckable(True)
            button.setText(text)
            button.setObjectName("chip")
            button.setAccessibleName(f"{title}: {text}")
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.toggled.connect(self._on_toggled)
            self._buttons[name, value] = button
            line.addWidget(button)
        line.addStretch(1)
        return line

    @Slot()
    def _on_toggled(self) -> None:
        chosen: dict[str, Any] = {}
        for name, _, values in _ROWS:
            # What is scanned besides by a script has no button, and stays.
            others = [value for value in getattr(self._axes, name) if value not in values]
            pressed = [value for value in values if self._buttons[name, value].isChecked()]
            chosen[name] = tuple(sorted([*others, *pressed]))
        self.axes_wished.emit(replace(self._axes, **chosen))

    @Slot()
    def _on_usual(self) -> None:
        self.axes_wished.emit(ScanAxes())

    def _dress(self) -> None:
        tokens = self._theme.tokens
        # A frame besides the fill, so that colour is not the only cue.
        self.setStyleSheet(
            f"QToolButton#chip {{ border: 1px solid {tokens.border}; border-radius: 5px; padding: 4px 7px;"
            f" background: {tokens.surface}; color: {tokens.muted}; }}"
            f"QToolButton#chip:checked {{ border: 2px solid {tokens.accent}; padding: 3px 6px;"
            f" background: {tokens.accent_soft}; color: {tokens.text}; font-weight: 600; }}"
            f"QToolButton#chip:focus {{ border-color: {tokens.text}; }}"
        )
