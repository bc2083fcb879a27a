"""What moves over a heat map: the cursor, the selected layers, and what each layer has now."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from workbench.gui.theme import Theme
from workbench.gui.widgets.heat_grid import CAPTION_PIXELS, HeatGrid


def paint_selection(painter: QPainter, theme: Theme, grid: HeatGrid, columns: Collection[int]) -> None:
    """A frame around each run of selected layers in each section, and a bar below it."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    bottom = grid.top + min(grid.height, grid.content_height - grid.scrolled_y)
    for first, last in _runs(sorted(columns)):
        left, width = grid.x_of(first), (last - first + 1) * grid.column
        painter.setPen(QPen(theme.color("accent"), 1))
        for section, number in enumerate(grid.sections):
            top = grid.caption_y(section) + CAPTION_PIXELS
            painter.drawRect(QRectF(left, top, width, min(number * grid.row, bottom - top)))
        painter.fillRect(QRectF(left, bottom, width, 3), theme.color("accent"))


def paint_marks(painter: QPainter, theme: Theme, grid: HeatGrid, marks: Sequence[tuple[int, float]]) -> None:
    """A dot with a rim in the cell that a layer has now, so that it is seen on every colour of the map."""
    first, last = grid.columns_in_sight
    half = grid.column / 2
    points = [
        QPointF(grid.x_of(column) + half, grid.y_of(row) + grid.row / 2)
        for column, row in marks
        if first <= column < last
    ]
    if not points:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    size = min(7.0, max(3.0, grid.column - 3))
    for color, width in (("window", size + 3), ("text", size)):
        painter.setPen(QPen(theme.color(color), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(points)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_cursor(painter: QPainter, theme: Theme, grid: HeatGrid, cell: tuple[int, int], *, is_focused: bool) -> None:
    """A frame in the colour of text with one in that of the ground in it; thinner without the keyboard."""
    column, row = cell
    frame = QRectF(grid.x_of(column), grid.y_of(row), grid.column, grid.row)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if is_focused:
        painter.setPen(QPen(theme.color("surface"), 4))
        painter.drawRect(frame)
    painter.setPen(QPen(theme.color("text", 255 if is_focused else 150), 2 if is_focused else 1))
    painter.drawRect(frame)


def _runs(columns: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbours.

    >>> _runs([1, 2, 3, 7])
    [(1, 3), (7, 7)]
    """
    runs: list[tuple[int, int]] = []
    for column in columns:
        if runs and runs[-1][1] == column - 1:
            runs[-1] = runs[-1][0], column
        else:
            runs.append((column, column))
    return runs
