"""The still part of a heat map: cells, heads of rows and names of layers, painted once for each state."""

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPaintDevice, QPainter, QPen, QPixmap

from workbench.gui.heat_colors import heat_color, heat_numbers, text_on
from workbench.gui.theme import SMALL_PIXELS, Theme
from workbench.gui.widgets.heat_content import HeatContent
from workbench.gui.widgets.heat_grid import CAPTION_PIXELS, HeatGrid
from workbench.gui.widgets.heat_names import HeatNames

_GAP = 8
_HATCH = 8
# Below this cells touch: lines between them would hide them.
_LEAST_LINED = 6.0
_LEAST_TEXT = 26.0
_TALL_ROW = 28.0

CellText = Callable[[int, int], tuple[str, str]]


def head_pixels(theme: Theme, rows: Sequence[str]) -> float:
    """Room for the heads of the rows."""
    metrics = QFontMetrics(theme.font(SMALL_PIXELS))
    return max((metrics.horizontalAdvance(row) for row in rows), default=30) + _GAP + 2.0


def paint_ground(
    device: QPaintDevice,
    theme: Theme,
    grid: HeatGrid,
    content: HeatContent,
    names: HeatNames,
    cell_text: CellText | None,
) -> None:
    """Paint everything that does not move.

    Args:
        device: a pixmap as large as the viewport.
        theme: colours and fonts.
        grid: where what lies.
        content: what is shown.
        names: of the layers, below the cells.
        cell_text: figure and interval of a cell; None for none.
    """
    device.fill(theme.color("surface"))  # type: ignore[attr-defined] # a pixmap's own method
    if not content.columns or not content.rows:
        return
    painter = QPainter(device)
    painter.setClipRect(QRectF(0, grid.top, grid.left + grid.width, grid.height))
    _paint_heads(painter, theme, grid, content)
    painter.setClipRect(QRectF(grid.left, grid.top, grid.width, grid.height))
    _paint_cells(painter, theme, grid, content)
    _paint_errors(painter, theme, grid, content)
    if cell_text is not None and grid.column >= _LEAST_TEXT:
        _paint_texts(painter, theme, grid, content, cell_text)
    painter.setClipping(False)
    names.paint(painter, grid)
    painter.end()


def _paint_heads(painter: QPainter, theme: Theme, grid: HeatGrid, content: HeatContent) -> None:
    painter.setFont(theme.font(SMALL_PIXELS))
    painter.setPen(theme.color("muted"))
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for row, text in enumerate(content.rows):
        painter.drawText(QRectF(0, grid.y_of(row), grid.left - _GAP, grid.row), right, text)
    painter.setFont(theme.font(SMALL_PIXELS - 1, bold=True))
    for section, (title, _) in enumerate(content.sections):
        room = QRectF(grid.left, grid.caption_y(section), grid.width, CAPTION_PIXELS - 3)
        painter.drawText(room, Qt.AlignmentFlag.AlignBottom, title)


def _paint_cells(painter: QPainter, theme: Theme, grid: HeatGrid, content: HeatContent) -> None:
    """One pixel a cell, made large: what is not known stays transparent, and the hatching below it shows."""
    numbers = np.ascontiguousarray(heat_numbers(theme.tokens, content.places))
    first, last = grid.columns_in_sight
    hatch = _hatching(theme)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    rows = 0
    for number in grid.sections:
        target = QRectF(grid.x_of(first), grid.y_of(rows), (last - first) * grid.column, number * grid.row)
        part = numbers[rows : rows + number]
        if not part[:, first:last].all():
            painter.drawTiledPixmap(target, hatch)
        image = QImage(part.data, part.shape[1], number, 4 * part.shape[1], QImage.Format.Format_ARGB32)
        painter.drawImage(target, image, QRectF(first, 0, last - first, number))
        _paint_lines(painter, theme, grid, target, (first, last), (rows, rows + number))
        rows += number


def _hatching(theme: Theme) -> QPixmap:
    """One tile of the hatching: an opaque one is laid ten times as quickly as a brush that lets the ground through."""
    tile = QPixmap(_HATCH, _HATCH)
    tile.fill(theme.color("raised"))
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.color("muted", 110), 1))
    for shift in (-_HATCH, 0, _HATCH):
        painter.drawLine(QPointF(shift, _HATCH), QPointF(shift + _HATCH, 0))
    painter.end()
    return tile


def _paint_lines(
    painter: QPainter, theme: Theme, grid: HeatGrid, target: QRectF, columns: tuple[int, int], rows: tuple[int, int]
) -> None:
    painter.setPen(QPen(theme.color("surface"), 1))
    lines = [
        QLineF(target.left(), grid.y_of(row), target.right(), grid.y_of(row)) for row in range(rows[0] + 1, rows[1])
    ]
    if grid.column >= _LEAST_LINED:
        xs = (grid.x_of(column) for column in range(columns[0], columns[1] + 1))
        lines += [QLineF(x, target.top(), x, target.bottom()) for x in xs]
    if lines:
        painter.drawLines(lines)


def _paint_errors(painter: QPainter, theme: Theme, grid: HeatGrid, content: HeatContent) -> None:
    """A cross: the form says that nothing comes here any more, not that it is still to come."""
    first, last = grid.columns_in_sight
    rows, columns = np.nonzero(content.has_error[:, first:last])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    crosses = []
    for row, column in zip(rows.tolist(), (columns + first).tolist(), strict=True):
        cell = QRectF(grid.x_of(column), grid.y_of(row), grid.column, grid.row).adjusted(1, 1, -1, -1)
        painter.fillRect(cell, theme.color("bad_soft"))
        middle, half = cell.center(), max(1.0, min(5.0, cell.width() / 2 - 2, cell.height() / 2 - 2))
        for down in (half, -half):
            crosses.append(QLineF(middle + QPointF(-half, -down), middle + QPointF(half, down)))
    if crosses:
        painter.setPen(QPen(theme.color("bad"), 1.4))
        painter.drawLines(crosses)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _paint_texts(painter: QPainter, theme: Theme, grid: HeatGrid, content: HeatContent, cell_text: CellText) -> None:
    first, last = grid.columns_in_sight
    painter.setFont(theme.font(SMALL_PIXELS - 2))
    middle = Qt.AlignmentFlag.AlignCenter
    for row in range(len(content.rows)):
        for column in range(first, last):
            place = float(content.places[row, column])
            if place != place:  # NaN: nothing is known
                continue
            painter.setPen(text_on(heat_color(theme.tokens, place)))
            value, interval = cell_text(column, row)
            cell = QRectF(grid.x_of(column), grid.y_of(row), grid.column, grid.row)
            if interval and grid.row >= _TALL_ROW:
                painter.drawText(cell.adjusted(0, 2, 0, -cell.height() / 2), middle, value)
                painter.drawText(cell.adjusted(0, cell.height() / 2 - 2, 0, -2), middle, interval)
            else:
                painter.drawText(cell, middle, value)
