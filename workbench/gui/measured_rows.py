"""The rows of what was measured on a user's device: a model's file, its time there, and what a profile says of it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from workbench.engine.core.device_fit import FittedTime
from workbench.engine.core.format import format_ms
from workbench.engine.core.tool_time import ToolTime
from workbench.gui.change_text import format_change
from workbench.gui.device_wish import parse_ms

_TITLES = ("Model file", "Measured (ms)", "Estimate before", "After the fit")
_MODEL, _MS, _BEFORE, _AFTER = range(4)
_PATH_ROLE = Qt.ItemDataRole.UserRole
# Of a time that a tool has printed: the network that it names, and the text that is the tool's.
_TOOL_ROLE = Qt.ItemDataRole.UserRole + 1


class MeasuredRows(QTableWidget):
    """`edited` when a model or a time is another one; times are typed into the second column."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_TITLES), parent)
        self.setHorizontalHeaderLabels(list(_TITLES))
        self.setAccessibleName("Measured times")
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.AnyKeyPressed
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.SelectedClicked
        )
        self.horizontalHeader().setSectionResizeMode(_MODEL, QHeaderView.ResizeMode.Stretch)
        for column, width in ((_MS, 130), (_BEFORE, 140), (_AFTER, 140)):
            self.setColumnWidth(column, width)
        self.itemChanged.connect(self._on_item)

    def measured(self) -> tuple[tuple[Path, float], ...]:
        """The rows that have a model and a time."""
        rows = ((self.path(row), parse_ms(self._text(row))) for row in range(self.rowCount()))
        return tuple((path, ms) for path, ms in rows if path is not None and ms is not None)

    def lack(self) -> str:
        """What the first row that is not complete lacks; empty if none is."""
        for row in range(self.rowCount()):
            path = self.path(row)
            if path is None:
                return f"{self._cell(row, _MODEL).text()}: select the row and choose its model file"
            if parse_ms(self._text(row)) is None:
                name, text = path.name, self._text(row)
                return f"{name}: {text!r} is no time in ms" if text else f"{name}: type its time in ms"
        return ""

    def path(self, row: int) -> Path | None:
        """The model's file."""
        found = self._cell(row, _MODEL).data(_PATH_ROLE)
        return Path(found) if found else None

    def put_model(self, path: Path) -> None:
        """Give the selected row this model if it has none; or else add a row."""
        row = self.currentRow()
        if row < 0 or self.path(row) is not None:
            self._add(path.name, path, "")
        else:
            self._cell(row, _MODEL).setData(_PATH_ROLE, str(path))
            self._show_name(row)
        self.edited.emit()

    def put_times(self, times: Iterable[ToolTime]) -> None:
        """Take times of a tool: into the row of that network, or the one that lacks a time, or else into new ones."""
        times = tuple(times)
        for time in times:
            row = self._row_for(time, is_alone=len(times) == 1)
            text = f"{time.ms:g}"
            if row is None:
                row = self._add(time.network or time.tool, None, text)
            self._cell(row, _MS).setData(_TOOL_ROLE, (time, text))
            self._cell(row, _MS).setText(text)
            self._show_name(row)
        self.edited.emit()

    def drop_selected(self) -> None:
        """Remove the selected row."""
        if self.currentRow() >= 0:
            self.removeRow(self.currentRow())
            self.edited.emit()

    def show_fit(self, times: Sequence[FittedTime]) -> None:
        """What the profile says of each model before and after; nothing without."""
        said = {(str(time.model), time.measured_ms): time for time in times}
        for row in range(self.rowCount()):
            time = said.get((str(self.path(row)), parse_ms(self._text(row)) or 0.0))
            for column, ms, error in (
                (_BEFORE, time.before_ms if time else None, time.error_before if time else None),
                (_AFTER, time.after_ms if time else None, time.error_after if time else None),
            ):
                text = f"{format_ms(ms)} ({format_change(error)})" if ms is not None and error is not None else ""
                self._cell(row, column).setText(text or ("no figure" if time is not None else ""))

    def _row_for(self, time: ToolTime, *, is_alone: bool) -> int | None:
        rows = range(self.rowCount())
        paths = [self.path(row) for row in rows] if time.network else []
        same = [row for row, path in enumerate(paths) if path is not None and not time.names_other(path)]
        lacking = [row for row in rows if not self._text(row)]
        if same:
            return same[0]
        return lacking[0] if is_alone and lacking else None

    def _other_network(self, row: int) -> str:
        """The network that a tool's time is of, where that is not called as the row's model; empty otherwise."""
        path, said = self.path(row), self._cell(row, _MS).data(_TOOL_ROLE)
        if path is None or said is None:
            return ""
        time, text = said
        return time.network if text == self._text(row) and time.names_other(path) else ""

    def _show_name(self, row: int) -> None:
        """The model's name, and whose time stands beside it where that is another's."""
        path, other = self.path(row), self._other_network(row)
        if path is None:
            return
        self.blockSignals(True)
        item = self._cell(row, _MODEL)
        item.setText(f"{path.name}  (this is the time of {other})" if other else path.name)
        item.setToolTip(f"{path}\nThe tool names {other}: is it the same network?" if other else str(path))
        self.blockSignals(False)

    def _add(self, name: str, path: Path | None, ms: str) -> int:
        row = self.rowCount()
        self.blockSignals(True)
        self.insertRow(row)
        for column, text in ((_MODEL, name), (_MS, ms), (_BEFORE, ""), (_AFTER, "")):
            item = QTableWidgetItem(text)
            if column != _MS:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            if column:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        self._cell(row, _MODEL).setData(_PATH_ROLE, str(path) if path is not None else "")
        self._cell(row, _MODEL).setToolTip(str(path) if path is not None else "choose its model file")
        self.blockSignals(False)
        self.setCurrentCell(row, _MS)
        return row

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        assert item is not None
        return item

    def _text(self, row: int) -> str:
        return self._cell(row, _MS).text().strip()

    @Slot(QTableWidgetItem)
    def _on_item(self, item: QTableWidgetItem) -> None:
        if item.column() == _MS:
            self._show_name(item.row())
            self.edited.emit()
