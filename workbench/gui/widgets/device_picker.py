"""A choice among many devices: a box that opens a list, which is narrowed down by typing."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.device_texts import DeviceGroup, matching
from workbench.gui.theme import RADIUS, Theme

_ID_ROLE = Qt.ItemDataRole.UserRole
_WIDTH, _HEIGHT = 520, 420
_STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}


class DevicePicker(QPushButton):
    """`chosen(id)` tells what the user wants, empty for no device; `opened` before the list is seen.

    Args:
        empty: what the box says while nothing is chosen.
        can_clear: whether "no device" may be chosen.
    """

    chosen = Signal(str)
    opened = Signal()

    def __init__(self, theme: Theme, name: str, empty: str, parent: QWidget | None = None, *, can_clear: bool) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._empty = empty
        self._can_clear = can_clear
        self._groups: tuple[DeviceGroup, ...] = ()
        self._value = ""
        self.popup = QFrame(self, Qt.WindowType.Popup)
        self.popup.setObjectName("card")
        self.filter = QLineEdit(self.popup, placeholderText="Type a name, a chip, a runtime, npu, 4 threads…")
        self.filter.setObjectName("filter")
        self.filter.setAccessibleName("Find a device")
        self.list = QListWidget(self.popup)
        self.list.setAccessibleName(name)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self.popup)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.filter)
        column.addWidget(self.list)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.clicked.connect(self.open)
        self.filter.textChanged.connect(self._fill)
        self.filter.installEventFilter(self)
        self.list.itemClicked.connect(self._on_item)
        theme.changed.connect(self.update)
        self._say()

    @property
    def value(self) -> str:
        """Id of the device that is shown; empty for none."""
        return self._value

    @property
    def shown(self) -> tuple[str, ...]:
        """Ids of the devices in the list, as it is narrowed down."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return tuple(item.data(_ID_ROLE) for item in items if item.data(_ID_ROLE))

    @property
    def shown_text(self) -> str:
        """What the closed box says, as far as there is room."""
        return self.fontMetrics().elidedText(self._text(), Qt.TextElideMode.ElideMiddle, self._text_width)

    @property
    def _text_width(self) -> int:
        return self.width() - 34

    def set_groups(self, groups: Sequence[DeviceGroup]) -> None:
        """Offer these devices."""
        self._groups = tuple(groups)
        if self.popup.isVisible():
            self._fill(self.filter.text())
        self._say()

    def set_value(self, device: str) -> None:
        """Show a device; emits nothing."""
        self._value = device
        self._say()

    def sizeHint(self) -> QSize:
        """As high as the other controls."""
        return QSize(180, 28)

    def minimumSizeHint(self) -> QSize:
        """Long names are cut in their middle: what runs there, and in which numbers, stands at the end."""
        return QSize(90, 28)

    @Slot()
    def open(self, text: str = "") -> None:
        """Open the list, narrowed down by a text."""
        self.opened.emit()
        self.filter.setText(text if isinstance(text, str) else "")
        self._fill(self.filter.text())
        self.popup.resize(max(_WIDTH, self.width()), _HEIGHT)
        below = self.mapToGlobal(QPoint(self.width() - self.popup.width(), self.height() + 2))
        screen = self.screen().availableGeometry()
        below.setY(max(screen.top(), min(below.y(), screen.bottom() - _HEIGHT)))
        below.setX(max(screen.left(), below.x()))
        self.popup.move(below)
        self.popup.show()
        self.filter.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Down opens the list, and so does typing, which narrows it down at once."""
        text = event.text()
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open()
        elif text.strip() and text.isprintable():
            self.open(text)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the field, keys that go up and down go through the list, and Enter takes what is marked there."""
        if watched is self.filter and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            if event.key() in _STEPS:
                self._step(_STEPS[Qt.Key(event.key())])
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._on_item(self.list.currentItem())
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.popup.hide()
                return True
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Frame, text, arrow, as a combo box has them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setPen(QPen(color("accent" if self.hasFocus() else "border"), 1))
        painter.setBrush(color("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.setPen(color("text" if self._value else "muted"))
        room = QRectF(10, 0, self._text_width, self.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self.shown_text)
        right, middle = self.width() - 14, self.height() / 2
        painter.setPen(QPen(color("muted"), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(
            [QPointF(right - 4, middle - 2), QPointF(right, middle + 2), QPointF(right + 4, middle - 2)]
        )

    def _text(self) -> str:
        for group in self._groups:
            for entry in group.entries:
                if entry.id == self._value:
                    return entry.short
        return self._value or self._empty

    @Slot(str)
    def _fill(self, text: str) -> None:
        self.list.clear()
        if self._can_clear and not text.strip():
            self._add("No device", "", "Estimate for no device")
        for group in matching(self._groups, text):
            title = QListWidgetItem(group.title, self.list)
            title.setFlags(Qt.ItemFlag.NoItemFlags)
            title.setFont(self._theme.font(bold=True))
            for entry in group.entries:
                self._add(f"    {entry.text}", entry.id, entry.tip)
        if not self.list.count():
            nothing = QListWidgetItem("No device is called so", self.list)
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
        self._mark()

    def _add(self, text: str, device: str, tip: str) -> None:
        item = QListWidgetItem(text, self.list)
        item.setData(_ID_ROLE, device)
        item.setToolTip(tip)

    def _mark(self) -> None:
        """Mark what is chosen; where that is not in the list, the first."""
        able = [row for row in range(self.list.count()) if self._is_able(row)]
        chosen = [row for row in able if self.list.item(row).data(_ID_ROLE) == self._value]
        if able:
            self.list.setCurrentRow((chosen or able)[0])
            self.list.scrollToItem(self.list.currentItem())

    def _step(self, step: int) -> None:
        able = [row for row in range(self.list.count()) if self._is_able(row)]
        if not able:
            return
        now = able.index(self.list.currentRow()) if self.list.currentRow() in able else 0
        self.list.setCurrentRow(able[max(0, min(len(able) - 1, now + step))])

    def _is_able(self, row: int) -> bool:
        return bool(self.list.item(row).flags() & Qt.ItemFlag.ItemIsSelectable)

    @Slot(QListWidgetItem)
    def _on_item(self, item: QListWidgetItem | None) -> None:
        if item is None or not item.flags() & Qt.ItemFlag.ItemIsSelectable:
            return
        self.popup.hide()
        self.setFocus(Qt.FocusReason.PopupFocusReason)
        device = str(item.data(_ID_ROLE) or "")
        self.set_value(device)
        self.chosen.emit(device)

    def _say(self) -> None:
        self.setAccessibleName(f"{self._name}: {self._text()}")
        tip = next((one.tip for group in self._groups for one in group.entries if one.id == self._value), "")
        # The box cuts what does not fit.
        self.setToolTip("\n".join(filter(None, (self._text() if self._value else "", tip))))
        self.update()
