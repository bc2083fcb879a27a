"""Where the time goes on this computer: operators by their measured time, beside what the estimate says of each."""

from itertools import pairwise

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyledItemDelegate, QStyleOptionViewItem, QTableWidgetItem, QWidget

from workbench.engine.core.format import format_fraction, format_interval, format_ms
from workbench.engine.core.operator_times import OperatorTime, OperatorTimes
from workbench.gui.measured_dialog import MeasuredDialog, figure_table
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label

_TITLES = ("Operator", "Type", "Measured", "Estimated", "Share: bar measured, line estimated")
_EXPLANATION = (
    "Each operator of what the recipe gives is timed by ONNX Runtime in single inferences on this computer. The line "
    "across a bar is where the estimate for devices puts it, scaled to the same sum: it shows how far such an estimate "
    "can be trusted for this model."
)
_TOGETHER = "runs together with another"
_NUMBERS = (2, 3)
_SHARES = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class OperatorsDialog(MeasuredDialog):
    """Stays beside the window; there is nothing to take over."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Time by operator on this computer", _EXPLANATION, "", parent)
        self._times: OperatorTimes | None = None
        self.resize(860, 620)
        self.table = figure_table(_TITLES, (230, 110, 110, 100), "Operators by their time", self)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        self.table.setItemDelegateForColumn(len(_TITLES) - 1, _ShareBar(theme, self.table))
        self.note = make_label("", "muted", self)
        self.note.setWordWrap(True)
        self._lay_out((self.table, 1), (self.note, 0))
        self.apply.hide()
        for first, second in pairwise((self.table, self.close_button, self.again)):
            self.setTabOrder(first, second)
        self.begin()

    def begin(self) -> None:
        """Timing has begun."""
        self._times = None
        self.table.setRowCount(0)
        self.note.clear()
        super().begin()

    def show_times(self, times: OperatorTimes) -> None:
        """What was measured, the slowest operator first."""
        self._times, self._is_running = times, False
        operators = sorted(times.operators, key=lambda one: -(one.measured.value if one.measured is not None else 0.0))
        whole = times.sum_ms
        largest = max((_share(one, whole) for one in operators), default=0.0)
        self.table.setRowCount(len(operators))
        for row, one in enumerate(operators):
            self._fill_row(row, one, whole, largest)
        other = (
            f"{format_ms(times.other_ms)} belong to no operator, such as changes of the layout."
            if times.other_ms
            else ""
        )
        self.note.setText(" ".join((other, *(f"{note[:1].upper()}{note[1:]}." for note in times.notes))).strip())
        self._show_verdict(times)
        self._show_state()

    def show_recipe(self, recipe_digest: str) -> None:
        """This recipe lies on the bench; times of another one say so."""
        if self._times is None or self._is_running:
            return
        if self._times.recipe_digest == recipe_digest:
            self._show_verdict(self._times)
        else:
            self.banner.set_state("accent", "Of an earlier recipe", "measure again for the one on the bench")

    def _show_verdict(self, times: OperatorTimes) -> None:
        whole = f"{format_ms(times.whole.value)} ({format_interval(times.whole)}) an inference on {times.device}"
        one_by_one = f"{format_ms(times.sum_ms)} operator by operator"
        if times.misplaced is None:
            self.banner.set_state("accent", whole, one_by_one)
        else:
            text = f"{one_by_one}; the estimate puts {format_fraction(times.misplaced)} of it at other operators"
            self.banner.set_state("good", whole, text)

    def _fill_row(self, row: int, one: OperatorTime, whole: float, largest: float) -> None:
        measured, estimated = one.measured, one.estimated_ms
        texts = (
            one.name,
            one.op_type,
            format_ms(measured.value) if measured is not None else "–",
            format_ms(estimated) if estimated is not None else "–",
            format_fraction(_share(one, whole)) if measured is not None else _TOGETHER,
        )
        items = [QTableWidgetItem(text) for text in texts]
        for column, item in enumerate(items):
            item.setToolTip(item.text())
            if column in _NUMBERS:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, column, item)
        if measured is not None:
            items[_NUMBERS[0]].setToolTip(f"{format_interval(measured)}, median of {measured.n} runs")
            items[-1].setData(_SHARES, (_share(one, whole), (estimated or 0.0) / whole if whole else 0.0, largest))


class _ShareBar(QStyledItemDelegate):
    """A bar for what was measured, a line across for what was estimated, and the share beside."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One cell; the longest bar is that of the slowest operator."""
        shares = index.data(_SHARES)
        if not shares:
            super().paint(painter, option, index)
            return
        measured, estimated, largest = shares
        color, rect = self._theme.color, option.rect.adjusted(6, 0, -60, 0)
        # An estimate may be longer than all bars; it ends at the edge.
        scale = rect.width() * 0.75 / (largest or 1.0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("bar"))
        painter.drawRoundedRect(QRectF(rect.left(), rect.center().y() - 5, max(2.0, measured * scale), 11), 2, 2)
        painter.setPen(QPen(color("text"), 2))
        at = rect.left() + min(estimated * scale, rect.width())
        painter.drawLine(round(at), rect.center().y() - 8, round(at), rect.center().y() + 9)
        painter.setPen(color("muted"))
        painter.drawText(
            option.rect.adjusted(0, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
            str(index.data(Qt.ItemDataRole.DisplayRole)),
        )  # fmt: skip
        painter.restore()


def _share(one: OperatorTime, whole: float) -> float:
    return one.measured.value / whole if one.measured is not None and whole else 0.0
