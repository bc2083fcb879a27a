"""The table's mouse and keyboard: what a press on a cell means, as wishes."""

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from workbench.engine.core.layer import Layer
from workbench.gui.panels.layers_delegates import ROW_PIXELS, LayerCellDelegate, slider_track
from workbench.gui.panels.layers_model import LAYER_ROLE, STATE_ROLE, Column, Index
from workbench.gui.theme import Theme

_WIDTHS = {
    Column.PARAMS: 56,
    Column.WEIGHTS: 62,
    Column.PRUNE: 108,
    Column.BITS: 64,
    Column.ACTIVATIONS: 42,
    Column.SQNR: 52,
    Column.SENSITIVITY: 46,
}
# A name that is cut to fewer pixels tells no layer from the next.
_LEAST_NAME = 116
# These go before the name is cut further, the first one first: nothing is edited in them.
_GIVE_WAY = (Column.SENSITIVITY, Column.SQNR)
_STEPS = {Qt.Key.Key_Left: -0.01, Qt.Key.Key_Right: 0.01, Qt.Key.Key_Minus: -0.05, Qt.Key.Key_Plus: 0.05}


class LayersTable(QTableView):
    """Rows of layers. Dragging in a prune cell, digits and arrow keys become wishes; nothing is edited here."""

    prune_pressed = Signal()
    prune_moved = Signal(float)
    prune_released = Signal()
    prune_stepped = Signal(float)
    bits_wished = Signal(object)
    bits_menu_wished = Signal(QPoint)
    activations_menu_wished = Signal(QPoint)
    context_menu_wished = Signal(QPoint)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dragged = QModelIndex()
        self.setItemDelegate(LayerCellDelegate(theme, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Layers")
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_PIXELS)
        self.horizontalHeader().setHighlightSections(False)
        theme.changed.connect(self.viewport().update)

    def fit_columns(self) -> None:
        """Give the name what the other columns leave. Called once the table has its model."""
        header = self.horizontalHeader()
        header.setMinimumSectionSize(40)
        header.setSectionResizeMode(Column.LAYER, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            self.setColumnWidth(column, width)
        kept = sum(width for column, width in _WIDTHS.items() if column not in _GIVE_WAY)
        self.setMinimumWidth(kept + _LEAST_NAME + 2 * self.frameWidth())
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what gives way to the names, or show it again."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        if self.model() is None:
            return
        room = self.viewport().width() - _LEAST_NAME
        room -= sum(self.columnWidth(column) for column in _WIDTHS if column not in _GIVE_WAY)
        for column in reversed(_GIVE_WAY):
            room -= _WIDTHS[column]
            self.setColumnHidden(column, room < 0)

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Paint the columns that changed: for more than one cell the base class paints the whole table."""
        if first == last:
            super().dataChanged(first, last, roles)
            return
        left = self.columnViewportPosition(first.column())
        right = self.columnViewportPosition(last.column()) + self.columnWidth(last.column())
        self.viewport().update(left, 0, right - left, self.viewport().height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press on a slider starts a drag; on bits, their menu; anything else selects."""
        index = self.indexAt(event.position().toPoint())
        plain = event.button() is Qt.MouseButton.LeftButton and not event.modifiers()
        layer: Layer | None = index.data(LAYER_ROLE) if index.isValid() else None
        if layer is None or not plain:
            super().mousePressEvent(event)
        elif index.column() == Column.PRUNE and layer.prunable:
            self._select_row_of(index)
            self._dragged = index
            self.prune_pressed.emit()
            self._drag_to(event.position().x())
        elif index.column() == Column.BITS and layer.quantizable:
            self._select_row_of(index)
            self.bits_menu_wished.emit(self._below(index))
        elif index.column() == Column.ACTIVATIONS and layer.quantizable:
            self._select_row_of(index)
            self.activations_menu_wished.emit(self._below(index))
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow a drag, wherever the pointer goes."""
        if self._dragged.isValid():
            self._drag_to(event.position().x())
        else:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag."""
        if self._dragged.isValid():
            self._dragged = QModelIndex()
            self.prune_released.emit()
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right prune less and more, 2 to 8 choose bits, 0 is float, A opens the activations' menu."""
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        free = not modifiers & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if free and key in _STEPS:
            many = 10 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1
            self.prune_stepped.emit(_STEPS[key] * many)
        elif free and (key is Qt.Key.Key_0 or Qt.Key.Key_2 <= key <= Qt.Key.Key_8):
            self.bits_wished.emit(None if key is Qt.Key.Key_0 else int(key) - int(Qt.Key.Key_0))
        elif free and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.bits_menu_wished.emit(self._below(self.currentIndex().siblingAtColumn(Column.BITS)))
        elif free and key is Qt.Key.Key_A and self.currentIndex().isValid():
            self.activations_menu_wished.emit(self._below(self.currentIndex().siblingAtColumn(Column.ACTIVATIONS)))
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the selected layers."""
        self.context_menu_wished.emit(event.globalPos())

    def current_sparsity(self) -> float:
        """Sparsity shown in the current row; 0 without one."""
        state = self.currentIndex().data(STATE_ROLE) if self.currentIndex().isValid() else None
        return state.sparsity if state else 0.0

    def _below(self, index: QModelIndex) -> QPoint:
        return self.viewport().mapToGlobal(self.visualRect(index).bottomLeft())

    def _select_row_of(self, index: QModelIndex) -> None:
        if self.selectionModel().isRowSelected(index.row(), QModelIndex()):
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
            return
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.selectionModel().setCurrentIndex(index, flags)

    def _drag_to(self, x: float) -> None:
        track = slider_track(self.visualRect(self._dragged))
        self.prune_moved.emit(max(0.0, min(1.0, (x - track.left()) / track.width())))
