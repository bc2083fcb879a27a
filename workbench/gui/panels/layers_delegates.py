"""How the cells of the layer table are painted. All painting, no widgets: a thousand rows cost nothing."""

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from workbench.engine.core.format import format_count
from workbench.engine.core.layer import Layer
from workbench.gui.channels_now import LANES, LayerChannels
from workbench.gui.heat_colors import heat_color, text_on
from workbench.gui.panels.layer_state import LayerState
from workbench.gui.panels.layers_model import (
    CHANNELS_ROLE,
    CHIP_ROLE,
    IN_GROUP_ROLE,
    LAYER_ROLE,
    NOISE_ROLE,
    STATE_ROLE,
    Column,
    bits_text,
    shape_text,
)
from workbench.gui.panels.noise_table import NoiseTexts
from workbench.gui.panels.sensitivity_chips import SensitivityChip
from workbench.gui.theme import SMALL_PIXELS, Theme

ROW_PIXELS = 38
_PERCENT_PIXELS = 40
_KEPT_PIXMAPS = 4096
_CHANNELS_PIXELS = 13

Index = QModelIndex | QPersistentModelIndex


class LayerCellDelegate(QStyledItemDelegate):
    """Paints every column of the layer table."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._pixmaps: dict[tuple[object, ...], QPixmap] = {}
        theme.changed.connect(self._pixmaps.clear)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Every row is as tall as two lines."""
        return QSize(60, ROW_PIXELS)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One cell."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = option.rect
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        self._paint_ground(painter, rect, index, selected=selected)
        layer: Layer = index.data(LAYER_ROLE)
        column = index.column()
        if column == Column.LAYER:
            self._paint_layer(painter, rect, layer)
        elif column == Column.PARAMS:
            painter.setPen(self._theme.color("muted"))
            inside = rect.adjusted(2, 0, -8, 0)
            painter.drawText(
                inside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, format_count(layer.num_params)
            )
        elif column == Column.WEIGHTS:
            state: LayerState = index.data(STATE_ROLE)
            self._paint_sparkline(painter, rect, layer, state, painter.device().devicePixelRatioF())
        elif column == Column.PRUNE:
            self._paint_prune(painter, rect, layer, index.data(STATE_ROLE), index.data(CHANNELS_ROLE))
        elif column == Column.BITS:
            self._paint_bits(painter, rect, layer.quantizable, index.data(STATE_ROLE).bits, "INT")
        elif column == Column.ACTIVATIONS:
            self._paint_bits(painter, rect, layer.quantizable, index.data(STATE_ROLE).activation_bits, "")
        elif column == Column.SQNR and index.data(NOISE_ROLE) is not None:
            self._paint_noise(painter, rect, index.data(NOISE_ROLE))
        elif column == Column.SENSITIVITY and (chip := index.data(CHIP_ROLE)) is not None:
            self._paint_chip(painter, rect, chip)
        else:
            painter.setPen(self._theme.color("muted"))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, "–")
        painter.restore()

    def _paint_ground(self, painter: QPainter, rect: QRect, index: Index, *, selected: bool) -> None:
        is_first = index.column() == Column.LAYER
        if selected:
            painter.fillRect(rect, self._theme.color("accent_soft"))
            if is_first:
                painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), self._theme.color("accent"))
        elif index.data(IN_GROUP_ROLE):
            # Fainter than what is selected, and with a broken edge, so that the tint is not the only cue.
            painter.fillRect(rect, self._theme.color("accent_soft", 110))
            if is_first:
                for top in range(rect.top() + 3, rect.bottom() - 3, 8):
                    painter.fillRect(QRect(rect.left(), top, 3, 4), self._theme.color("accent"))
        painter.setPen(QPen(self._theme.color("border", 130), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())

    def _paint_layer(self, painter: QPainter, rect: QRect, layer: Layer) -> None:
        inside = rect.adjusted(10, 4, -4, -4)
        middle = Qt.TextElideMode.ElideMiddle
        painter.setFont(self._theme.font(bold=True))
        painter.setPen(self._theme.color("text" if layer.editable else "muted"))
        name = painter.fontMetrics().elidedText(layer.name, middle, inside.width())
        painter.drawText(inside, Qt.AlignmentFlag.AlignTop, name)
        painter.setFont(self._theme.font(SMALL_PIXELS - 1))
        painter.setPen(self._theme.color("muted"))
        below = painter.fontMetrics().elidedText(f"{layer.op_type}  {shape_text(layer)}", middle, inside.width())
        painter.drawText(inside, Qt.AlignmentFlag.AlignBottom, below)

    def _paint_sparkline(self, painter: QPainter, rect: QRect, layer: Layer, state: LayerState, ratio: float) -> None:
        if layer.statistics is None:
            return
        size = QSize(min(56, rect.width() - 6), rect.height() - 12)
        left, top = rect.center().x() - size.width() // 2, rect.top() + 6
        painter.drawPixmap(left, top, self._bars(layer, "bar", size, ratio))
        first, last = pruned_bars(layer, state.threshold)
        if last > first:
            # Laid over, so that a drag draws no bar anew: every move marks another part of every layer.
            begin, end = (round(bar * size.width() / len(layer.statistics.bars)) for bar in (first, last))
            part = QRectF(begin * ratio, 0, (end - begin) * ratio, size.height() * ratio)
            pruned = self._bars(layer, "bad", size, ratio)
            painter.drawPixmap(QRectF(left + begin, top, end - begin, size.height()), pruned, part)

    def _bars(self, layer: Layer, token: str, size: QSize, ratio: float) -> QPixmap:
        """All bars of a layer in one colour."""
        key = (layer.name, id(layer.statistics), token, size.width(), size.height(), ratio)
        pixmap = self._pixmaps.get(key)
        if pixmap is None:
            if len(self._pixmaps) >= _KEPT_PIXMAPS:
                self._pixmaps.clear()
            assert layer.statistics is not None
            pixmap = self._draw_bars(layer.statistics.bars, token, size, ratio)
            self._pixmaps[key] = pixmap
        return pixmap

    def _draw_bars(self, bars: np.ndarray, token: str, size: QSize, ratio: float) -> QPixmap:
        pixmap = QPixmap(size * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setPen(Qt.PenStyle.NoPen)
        # The square root keeps the tails of a weight distribution visible at this height.
        heights = np.sqrt(bars / max(1, int(bars.max()))) * size.height()
        width = size.width() / len(bars)
        painter.setBrush(self._theme.color(token))
        for number, height in enumerate(heights.tolist()):
            painter.drawRect(QRectF(number * width, size.height() - height, width, height))
        painter.end()
        return pixmap

    def _paint_prune(
        self, painter: QPainter, rect: QRect, layer: Layer, state: LayerState, left: LayerChannels | None
    ) -> None:
        if left is not None:
            self._paint_channels(painter, rect.adjusted(9, 0, -6, -5), left)
            rect = rect.adjusted(0, 0, 0, -_CHANNELS_PIXELS)
        able = layer.prunable
        track = slider_track(rect)
        middle = rect.center().y() + 0.5
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("track"))
        painter.drawRoundedRect(QRectF(track.left(), middle - 2, track.width(), 4), 2, 2)
        if able:
            knob = track.left() + track.width() * state.sparsity
            painter.setBrush(self._theme.color("accent"))
            painter.drawRoundedRect(QRectF(track.left(), middle - 2, knob - track.left(), 4), 2, 2)
            painter.setPen(QPen(self._theme.color("accent" if state.is_pruned else "muted"), 2))
            painter.setBrush(self._theme.color("surface"))
            painter.drawEllipse(QPointF(knob, middle), 4.5, 4.5)
        painter.setPen(self._theme.color("text" if able and state.is_pruned else "muted"))
        text = f"{100 * state.sparsity:.0f}%" if able else "–"
        inside = rect.adjusted(0, 0, -6, 0)
        painter.drawText(inside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_channels(self, painter: QPainter, rect: QRect, left: LayerChannels) -> None:
        """How many channels stay, below the slider; and whether their number fills no lanes of eight."""
        painter.setFont(self._theme.font(SMALL_PIXELS - 1))
        painter.setPen(self._theme.color("warn" if left.falls_short else "accent"))
        bottom = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
        text = f"{left.left} of {left.whole}"
        sign = "⚠ " if left.falls_short else "· "
        text = f"{text}  {sign}not ×{LANES}" if left.is_odd else f"{text} channels"
        painter.drawText(
            rect, bottom, painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        )
        painter.setFont(self._theme.font())

    def _paint_bits(self, painter: QPainter, rect: QRect, able: bool, bits: int | None, prefix: str) -> None:
        """A box that opens a menu. Without a prefix it is the narrow one, where float is a dash."""
        box = QRectF(rect).adjusted(3.5, 7.5, -3.5, -8.5)
        painter.setPen(QPen(self._theme.color("border"), 1))
        painter.setBrush(self._theme.color("surface" if able else "raised"))
        painter.drawRoundedRect(box, 5, 5)
        tone = "text" if bits is None or bits >= 8 else "accent" if bits >= 5 else "warn"
        painter.setPen(self._theme.color(tone if able else "muted"))
        painter.setFont(self._theme.font(SMALL_PIXELS, bold=able and bits is not None))
        text = f"{prefix}{bits}" if bits is not None else bits_text(None) if prefix else "–"
        text = text if able else "–"
        painter.drawText(box.adjusted(7, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)
        if able:
            right, middle = box.right() - 8, box.center().y()
            painter.setPen(QPen(self._theme.color("muted"), 1.3))
            painter.drawPolyline(
                [QPointF(right - 3, middle - 1.5), QPointF(right, middle + 1.5), QPointF(right + 3, middle - 1.5)]
            )

    def _paint_noise(self, painter: QPainter, rect: QRect, texts: NoiseTexts) -> None:
        """The output's figure above that of the weights; faint where they are of an earlier recipe."""
        inside = rect.adjusted(2, 4, -6, -4)
        right = Qt.AlignmentFlag.AlignRight
        painter.setFont(self._theme.font(bold=texts.is_current))
        painter.setPen(self._theme.color("text" if texts.is_current else "muted", 255 if texts.is_current else 150))
        painter.drawText(inside, right | Qt.AlignmentFlag.AlignTop, texts.output)
        painter.setFont(self._theme.font(SMALL_PIXELS - 1))
        painter.setPen(self._theme.color("muted", 255 if texts.is_current else 150))
        painter.drawText(inside, right | Qt.AlignmentFlag.AlignBottom, texts.weights)

    def _paint_chip(self, painter: QPainter, rect: QRect, chip: SensitivityChip) -> None:
        """Filled where it is of the layer's setting; in a broken frame where it is a mean, so that the form says it."""
        box = QRectF(rect).adjusted(4.5, 10.5, -4.5, -10.5)
        ground = heat_color(self._theme.tokens, chip.place)
        if chip.is_of_setting:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(ground))
        else:
            painter.setPen(QPen(QColor(ground), 1.6, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(self._theme.font(SMALL_PIXELS))
        painter.setPen(QColor(text_on(ground)) if chip.is_of_setting else self._theme.color("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, chip.text)


def slider_track(rect: QRect) -> QRectF:
    """The part of a prune cell where its slider runs."""
    return QRectF(rect.left() + 9, rect.top(), max(10.0, rect.width() - 18 - _PERCENT_PIXELS), rect.height())


def pruned_bars(layer: Layer, threshold: float) -> tuple[int, int]:
    """First and one past the last bar of the sparkline that lie within ±threshold; equal where none does."""
    statistics = layer.statistics
    if statistics is None or threshold <= 0:
        return 0, 0
    span = statistics.maximum - statistics.minimum
    if not span > 0:
        return 0, 0
    count = len(statistics.bars)
    first = round((-threshold - statistics.minimum) / span * count)
    last = round((threshold - statistics.minimum) / span * count)
    return max(0, first), min(count, last)
