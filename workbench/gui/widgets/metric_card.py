"""One figure of the preview: value, difference to the original, where it comes from, budget and history."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from workbench.gui.theme import FIGURE_PIXELS, FONT_PIXELS, SMALL_PIXELS, Theme
from workbench.gui.widgets.budget_bar import BudgetBar
from workbench.gui.widgets.card import Card, make_label
from workbench.gui.widgets.elided_label import ElidedLabel
from workbench.gui.widgets.pill import Badge
from workbench.gui.widgets.trend import Trend

# As wide as "p90 12.34 ms": the history gives way first.
_LEAST_DELTA = 96


class MetricCard(Card):
    """Shows texts and a bar that it is given. `budget_moved(value)` in the bar's unit; negative to remove it.

    Args:
        action: what a button says that is hidden until it is of use; `action_wished` when it is pressed.
    """

    budget_moved = Signal(float)
    action_wished = Signal()

    def __init__(
        self, theme: Theme, title: str, *, floor: bool = False, action: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(title, inner=True, parent=parent)
        self._theme = theme
        self._tone = "muted"
        self._stale = False
        self.value = make_label("–", parent=self)
        self.unit = make_label("", "muted", self)
        self.delta = ElidedLabel("", "", self, least=_LEAST_DELTA)
        self.badge = Badge(theme, self)
        self.trend = Trend(theme, self)
        self.bar = BudgetBar(theme, title, floor=floor, parent=self)
        self.line = make_label("", "muted", self)
        self.line.setWordWrap(True)
        self.line.setFont(theme.font(SMALL_PIXELS))
        # Its text is long and changes often: it takes what room there is, and never widens the card.
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        figures = QHBoxLayout()
        figures.setSpacing(5)
        for widget in (self.value, self.unit, self.delta):
            figures.addWidget(widget)
        figures.addStretch(1)
        figures.addWidget(self.trend)
        self.column.setSpacing(3)
        self.column.addLayout(figures)
        below = QHBoxLayout()
        below.addWidget(self.badge)
        below.addWidget(self.line, 1)
        self.action = QPushButton(action, self)
        self.action.setVisible(False)
        self.action.clicked.connect(self.action_wished)
        self.column.addLayout(below)
        # In a row of its own: beside the badge it would leave the line no room.
        self.column.addWidget(self.action, 0, Qt.AlignmentFlag.AlignRight)
        self.column.addWidget(self.bar)
        self.bar.budget_moved.connect(self.budget_moved)
        theme.changed.connect(self._dress)
        self._dress()

    def show_figure(self, value: str, unit: str, delta: str = "", tone: str = "muted") -> None:
        """Show the figure's texts; the difference in the colour of a token."""
        self.value.setText(value)
        self.unit.setText(unit)
        self.delta.setText(delta)
        self.setAccessibleName(f"{self.title.text()}: {value} {unit}, {delta}".rstrip(", "))
        if tone != self._tone:
            self._tone = tone
            self._dress()

    def dim(self, stale: bool) -> None:
        """Show the figure fainter: it belongs to an earlier recipe."""
        if stale != self._stale:
            self._stale = stale
            self._dress()

    def _dress(self) -> None:
        self.value.setFont(self._theme.font(FIGURE_PIXELS))
        self.delta.setFont(self._theme.font(FONT_PIXELS, bold=True))
        value_tone = "muted" if self._stale else "text"
        self.value.setStyleSheet(f"color: {getattr(self._theme.tokens, value_tone)};")
        self.delta.setStyleSheet(f"color: {getattr(self._theme.tokens, self._tone)};")
