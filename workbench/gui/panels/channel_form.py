"""How the channels of the selected layers are pruned, as a form."""

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from workbench.engine.core.channel_importance import CriterionInfo
from workbench.gui.panels.channel_edits import ANY_NUMBER, ChannelWish
from workbench.gui.panels.channel_view import ChannelView
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.combo import Combo
from workbench.gui.widgets.form_rows import make_form_rows
from workbench.gui.widgets.pill import Pill
from workbench.gui.widgets.segmented import Segmented
from workbench.gui.widgets.value_slider import ValueSlider

_MULTIPLES = ((ANY_NUMBER, "Any"), (4, "4"), (8, "8"), (16, "16"))
_SCOPES = (("layer", "Per group"), ("global", "Global"), ("lamp", "LAMP"), ("erk", "ERK"))
_SCOPE_TIP = (
    "Per group: each loses this share of its own. Over all groups of one selection, so that this share of all goes: "
    "Global, where scores are least; LAMP, by scores that spare small layers; ERK, by the size of the kernels"
)
_MULTIPLE_TIP = "The number of channels that stay is a multiple of it; 8 suits phones"
_RATIO_TIP = "Share of the channels to remove, from all layers of the group together"
_DIFFERS = -1


class ChannelForm(QWidget):
    """Shows a `ChannelView` and emits wishes: `wished(ChannelWish)` with the one setting that was chosen.

    `pressed` and `released` are the ends of a drag of the ratio.
    """

    wished = Signal(object)
    pressed = Signal()
    released = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._criteria: Mapping[str, CriterionInfo] | None = None
        self.title = make_label("", "strong", self)
        # A pill keeps its room; a label would lay out the window with each move.
        self.left = Pill(theme, "stay", parent=self, keeps_room=True)
        self.slider = ValueSlider(theme, "Share of channels to remove", self)
        self.spin = QDoubleSpinBox(self, decimals=1, maximum=100.0, singleStep=1.0, suffix=" %")
        self.spin.setKeyboardTracking(False)
        self.spin.setMinimumWidth(92)
        self.spin.setAccessibleName("Share of channels to remove")
        self.criterion = Combo(theme, self)
        self.criterion.setAccessibleName("Criterion")
        self.multiple_of = Segmented(theme, "Multiple of", _MULTIPLES, self)
        self.scope = Segmented(theme, "Scope of the share", _SCOPES, self)
        self.remark = make_label("", parent=self)
        self.remark.setObjectName("muted")
        self.reason = make_label("", "muted", self)
        self.reason.setWordWrap(True)
        self.reason.setAlignment(Qt.AlignmentFlag.AlignTop)
        for control, tip in (
            (self.slider, _RATIO_TIP),
            (self.spin, _RATIO_TIP),
            (self.multiple_of, _MULTIPLE_TIP),
            (self.scope, _SCOPE_TIP),
        ):
            control.setToolTip(tip)
        self._pages = QStackedLayout(self)
        self._lay_out()
        self._connect()
        self.show_criteria({})
        self.show_view(ChannelView())

    def show_criteria(self, criteria: Mapping[str, CriterionInfo]) -> None:
        """Offer these criteria."""
        if criteria is self._criteria:
            return
        self._criteria = criteria
        with QSignalBlocker(self.criterion):
            self.criterion.clear()
            for row, one in enumerate(criteria.values()):
                self.criterion.addItem(one.name.replace("_", " "), one.name)
                needs = "; looks at samples" if one.needs_samples else ""
                self.criterion.setItemData(row, f"{one.summary}{needs}", Qt.ItemDataRole.ToolTipRole)

    def show_view(self, view: ChannelView) -> None:
        """Show the settings of the selected groups, or why there are none. Emits nothing."""
        self._pages.setCurrentIndex(1 if view.groups else 0)
        self._say(self.reason, view.reason)
        if not view.groups:
            return
        self._say(self.title, view.title)
        self.title.setToolTip(view.tip)
        self.left.set_value(f"{view.left} ⚠" if view.falls_short else view.left)
        self.left.setToolTip(view.odd)
        self.slider.set_value(view.ratio or 0.0, 1.0)
        with QSignalBlocker(self.spin):
            text = "mixed" if view.ratio is None else ""
            if self.spin.specialValueText() != text:
                self.spin.setSpecialValueText(text)
            self.spin.setValue(100 * (view.ratio or 0.0))
        self._show_criterion(view.criterion)
        self.multiple_of.set_value(view.multiple_of)
        self.scope.set_value(view.scope)
        self._say(self.remark, view.remark)
        self.remark.setToolTip(view.remark)

    def _show_criterion(self, name: str | None) -> None:
        row = self.criterion.findData(name) if name is not None else _DIFFERS
        if row == self.criterion.currentIndex():
            return
        with QSignalBlocker(self.criterion):
            self.criterion.setCurrentIndex(row)
        tip = self.criterion.itemData(row, Qt.ItemDataRole.ToolTipRole) if row >= 0 else name
        self.criterion.setToolTip(str(tip or "differs between the selected groups"))

    @staticmethod
    def _say(label: QLabel, text: str) -> None:
        # Each text lays out the whole window above, also where it stays as it is.
        if label.text() != text:
            label.setText(text)

    def _lay_out(self) -> None:
        rows = (
            ("Remove", (self.slider, self.spin)),
            ("Criterion", (self.criterion,)),
            ("Multiple of", (self.multiple_of,)),
            ("Scope", (self.scope,)),
        )
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.left)
        blank, content = QWidget(self), QWidget(self)
        QVBoxLayout(blank).addWidget(self.reason)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addLayout(make_form_rows(self, rows))
        column.addWidget(self.remark)
        column.addStretch(1)
        # A long reason is cut here, and whole in its tip.
        self.remark.setMinimumWidth(0)
        for page in (blank, content):
            self._pages.addWidget(page)

    def _connect(self) -> None:
        self.slider.pressed.connect(self.pressed)
        self.slider.moved.connect(self._on_slider)
        self.slider.released.connect(self.released)
        self.spin.valueChanged.connect(self._on_spin)
        self.criterion.activated.connect(self._on_criterion)
        self.multiple_of.chosen.connect(self._on_multiple_of)
        self.scope.chosen.connect(self._on_scope)

    def _on_slider(self, value: float) -> None:
        self.wished.emit(ChannelWish(ratio=value))

    def _on_spin(self, value: float) -> None:
        self.wished.emit(ChannelWish(ratio=value / 100))

    def _on_criterion(self, row: int) -> None:
        name = self.criterion.itemData(row)
        if isinstance(name, str):
            self.wished.emit(ChannelWish(criterion=name))

    def _on_multiple_of(self, multiple_of: int) -> None:
        self.wished.emit(ChannelWish(multiple_of=multiple_of))

    def _on_scope(self, scope: str) -> None:
        self.wished.emit(ChannelWish(scope=scope))
