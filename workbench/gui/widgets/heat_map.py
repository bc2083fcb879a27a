"""Layers × settings as coloured cells: painted once into a pixmap; cursor, selection and marks are laid over it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from workbench.gui.theme import Theme
from workbench.gui.widgets.heat_content import HeatContent
from workbench.gui.widgets.heat_grid import LEAST_COLUMN, MOST_COLUMN, HeatGrid, fitted_column, fitted_row
from workbench.gui.widgets.heat_ground import head_pixels, paint_ground
from workbench.gui.widgets.heat_marks import paint_cursor, paint_marks, paint_selection
from workbench.gui.widgets.heat_names import HeatNames

_ZOOM = 1.25
_PAGE = 10


class HeatMap(QAbstractScrollArea):
    """Cells by mouse and keyboard. Nothing is edited here.

    Signals:
        pointed(column, row): the cell under the pointer or the cursor; -1, -1 for none.
        taken(column, row): the setting is wished for the layer.
        column_wished(column, adds): the layer shall be selected, beside those that are or alone.
    """

    pointed = Signal(int, int)
    taken = Signal(int, int)
    column_wished = Signal(int, bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._content = HeatContent()
        self._names = HeatNames(theme)
        self._column_width: float | None = None
        self._cursor: tuple[int, int] | None = None
        self._pressed: tuple[int, int] | None = None
        self._selected: frozenset[int] = frozenset()
        self._marks: tuple[tuple[int, float], ...] = ()
        self._cell_text: Callable[[int, int], tuple[str, str]] | None = None
        self._ground: QPixmap | None = None
        self._grid: HeatGrid | None = None
        self.num_grounds = 0
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setAccessibleName("Sensitivity by layer and setting")
        theme.changed.connect(self._dress)

    # What is shown

    @property
    def content(self) -> HeatContent:
        """What is shown."""
        return self._content

    @property
    def cursor_cell(self) -> tuple[int, int] | None:
        """Column and row of the cursor."""
        return self._cursor

    @property
    def selected_columns(self) -> frozenset[int]:
        """The columns that are marked as selected."""
        return self._selected

    @property
    def marks(self) -> tuple[tuple[int, float], ...]:
        """Column and row of what each layer has now; between two rows, what lies between their settings."""
        return self._marks

    @property
    def column_width(self) -> float:
        """In pixels."""
        return self.grid.column

    @property
    def grid(self) -> HeatGrid:
        """Where the cells lie now."""
        if self._grid is None:
            self._grid = self._make_grid()
        return self._grid

    def show_content(self, content: HeatContent) -> None:
        """Show other figures, perhaps of other layers."""
        is_same_shape = (content.columns, content.rows) == (self._content.columns, self._content.rows)
        self._content = content
        if not is_same_shape:
            self._cursor, self._marks, self._selected, self._column_width = None, (), frozenset(), None
            self._names = HeatNames(self._theme, content.columns)
        self._lay_out()

    def show_selected(self, columns: Sequence[int]) -> None:
        """Mark the layers that are selected; a single one has the cursor, and is brought into sight."""
        selected = frozenset(columns)
        if selected == self._selected:
            return
        self._selected = selected
        if len(selected) == 1:
            (column,) = selected
            if self._cursor is not None and self._cursor[0] != column:
                self._cursor = column, self._cursor[1]
            self._bring_into_sight(column)
        self.viewport().update()

    def show_marks(self, marks: Sequence[tuple[int, float]]) -> None:
        """Mark what the layers have now."""
        if tuple(marks) != self._marks:
            self._marks = tuple(marks)
            self.viewport().update()

    def show_cell_texts(self, text_of: Callable[[int, int], tuple[str, str]] | None) -> None:
        """Write a figure and its interval into each cell that is wide enough; None for none."""
        if text_of is not None or self._cell_text is not None:
            self._cell_text = text_of
            self._forget_ground()

    def say(self, text: str) -> None:
        """What the cursor stands on, for those who do not see it."""
        self.setAccessibleDescription(text)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    # Geometry

    def sizeHint(self) -> QSize:
        """Room for a dozen settings."""
        return QSize(560, 380)

    def _make_grid(self) -> HeatGrid:
        sections = tuple(number for _, number in self._content.sections)
        columns = self._content.columns
        left = head_pixels(self._theme, self._content.rows)
        width = max(1.0, self.viewport().width() - left - 1)
        column = self._column_width or fitted_column(len(columns), width)
        height = max(1.0, self.viewport().height() - self._names.room(column))
        row = fitted_row(sections, height)
        grid = HeatGrid(sections, len(columns), left, 0.0, width, height, column, row)
        x = min(self.horizontalScrollBar().value(), max(0, round(grid.content_width - width)))
        y = min(self.verticalScrollBar().value(), max(0, round(grid.content_height - height)))
        return HeatGrid(sections, len(columns), left, 0.0, width, height, column, row, x, y)

    def _lay_out(self) -> None:
        self._forget_ground()
        grid = self.grid
        for bar, content, page in (
            (self.horizontalScrollBar(), grid.content_width, grid.width),
            (self.verticalScrollBar(), grid.content_height, grid.height),
        ):
            bar.setRange(0, max(0, round(content - page)))
            bar.setPageStep(round(page))
            bar.setSingleStep(24)

    def _dress(self) -> None:
        self._names.forget_colors()
        self._forget_ground()

    def _forget_ground(self) -> None:
        self._ground, self._grid = None, None
        self.viewport().update()

    def _bring_into_sight(self, column: int) -> None:
        grid, bar = self.grid, self.horizontalScrollBar()
        left = column * grid.column
        if left < grid.scrolled_x:
            bar.setValue(round(left))
        elif left + grid.column > grid.scrolled_x + grid.width:
            bar.setValue(round(left + grid.column - grid.width))

    def zoom(self, factor: float, x: float | None = None) -> None:
        """Make the columns wider or narrower; what lies at x stays there."""
        grid, bar = self.grid, self.horizontalScrollBar()
        x = x if x is not None else grid.left + grid.width / 2
        at = (x - grid.left + grid.scrolled_x) / grid.column
        least = max(
            LEAST_COLUMN, min(fitted_column(grid.num_columns, grid.width), grid.width / max(1, grid.num_columns))
        )
        self._column_width = max(least, min(MOST_COLUMN, grid.column * factor))
        self._lay_out()
        bar.setValue(round(at * self.grid.column - (x - grid.left)))

    def fit(self) -> None:
        """All columns at once, as far as they can be told apart."""
        self._column_width = None
        self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other room."""
        super().resizeEvent(event)
        self._lay_out()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Another part is in sight."""
        self._forget_ground()

    # Mouse and keyboard

    def viewportEvent(self, event: QEvent) -> bool:
        """The pointer has left: the line speaks of the cursor again."""
        if event.type() is QEvent.Type.Leave:
            self._point(self._cursor)
        return super().viewportEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what lies under the pointer."""
        cell = self.grid.cell_at(event.position().x(), event.position().y())
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if cell else Qt.CursorShape.ArrowCursor)
        self._point(cell or self._cursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """What is taken must be under the pointer when it is let go, too."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = self.grid.cell_at(event.position().x(), event.position().y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take the setting of a cell, or select the layer whose name was clicked; with Ctrl only select."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        x, y = event.position().x(), event.position().y()
        cell, pressed = self.grid.cell_at(x, y), self._pressed
        self._pressed = None
        adds = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if cell is not None and cell == pressed and not adds:
            self._cursor = cell
            self.viewport().update()
            self.taken.emit(*cell)
        elif pressed is None or adds:
            column = self.grid.column_at(x)
            if column is not None and (cell is not None or y >= self.grid.top + self.grid.height):
                self.column_wished.emit(column, adds)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """With Ctrl wider or narrower columns; otherwise along them, as there are more layers than settings."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(_ZOOM if turned > 0 else 1 / _ZOOM, event.position().x())
        else:
            bar = self.horizontalScrollBar()
            if bar.maximum() == 0:
                bar = self.verticalScrollBar()
            bar.setValue(bar.value() - round(turned * 0.6))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the cursor, Home and End go to the first and last layer, Enter takes, + and - zoom, 0 fits."""
        key = Qt.Key(event.key())
        num_columns, num_rows = len(self._content.columns), len(self._content.rows)
        if event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier):
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(1 / _ZOOM if key is Qt.Key.Key_Minus else _ZOOM)
        elif key is Qt.Key.Key_0:
            self.fit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._cursor is not None:
            self.taken.emit(*self._cursor)
        elif key in _MOVES and num_columns and num_rows:
            across, down = _MOVES[key]
            column, row = self._cursor or (min(self._selected, default=0), 0)
            if self._cursor is not None:
                column = max(0, min(num_columns - 1, column + across))
                row = max(0, min(num_rows - 1, row + down))
            self._move_to(column, row)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: object) -> None:
        """The cursor shows where the keyboard is."""
        super().focusInEvent(event)  # type: ignore[arg-type] # Qt's own event
        if self._cursor is None and self._content.rows and self._content.columns:
            self._cursor = min(self._selected, default=0), 0
            self._point(self._cursor)
        self.viewport().update()

    def focusOutEvent(self, event: object) -> None:
        """The cursor is fainter without the keyboard."""
        super().focusOutEvent(event)  # type: ignore[arg-type] # as above
        self.viewport().update()

    def _move_to(self, column: int, row: int) -> None:
        is_other = self._cursor is None or self._cursor[0] != column
        self._cursor = column, row
        self._bring_into_sight(column)
        self._point(self._cursor)
        self.viewport().update()
        # One layer follows the cursor; several stay, as what is taken is taken for all of them.
        if is_other and len(self._selected) <= 1:
            self.column_wished.emit(column, False)

    def _point(self, cell: tuple[int, int] | None) -> None:
        self.pointed.emit(*(cell or (-1, -1)))

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground as it was painted, and over it what moves."""
        ratio = self.devicePixelRatioF()
        if self._ground is None:
            self._ground = QPixmap(self.viewport().size() * ratio)
            self._ground.setDevicePixelRatio(ratio)
            paint_ground(self._ground, self._theme, self.grid, self._content, self._names, self._cell_text)
            self.num_grounds += 1
        painter = QPainter(self.viewport())
        painter.drawPixmap(QPointF(0, 0), self._ground)
        grid = self.grid
        painter.setClipRect(QRectF(grid.left - 2, grid.top, grid.width + 3, self.viewport().height() - grid.top))
        paint_selection(painter, self._theme, grid, self._selected)
        painter.setClipRect(QRectF(grid.left - 2, grid.top, grid.width + 3, grid.height + 2))
        paint_marks(painter, self._theme, grid, self._marks)
        if self._cursor is not None:
            paint_cursor(painter, self._theme, grid, self._cursor, is_focused=self.hasFocus())


_MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
    Qt.Key.Key_Home: (-(10**6), 0),
    Qt.Key.Key_End: (10**6, 0),
    Qt.Key.Key_PageUp: (-_PAGE, 0),
    Qt.Key.Key_PageDown: (_PAGE, 0),
}
