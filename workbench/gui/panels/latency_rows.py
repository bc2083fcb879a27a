"""Where the time goes on a device: a row for each layer and each operator without weights, as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from workbench.engine.core.format import format_fraction, format_ms
from workbench.engine.core.latency_estimate import LayerLatency

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole


class Column(IntEnum):
    """The columns, from left to right."""

    LAYER = 0
    TIME = 1
    SHARE = 2
    BOUND = 3
    VERDICT = 4


_TITLES = ("Layer", "Time", "Share of the time", "Bound by", "int8 vs. float")
_TIPS = {
    Column.SHARE: "Of the whole estimate; full: bound by compute, hatched: by memory, outlined: by overhead",
    Column.BOUND: "What most of the layer's time goes into: multiply-adds, numbers moved, or starting at all",
    Column.VERDICT: "What the layer takes there in int8 beside what it takes in float, whichever it is now",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether int8 is faster than float.

    Args:
        text: such as "▲ 1.8× faster".
        tone: token of its colour.
        speedup: float's time over int8's; None if one of them is not known.
    """

    text: str
    tone: str
    speedup: float | None = None


def verdict_of(layer: LayerLatency) -> Verdict:
    """The verdict on one layer."""
    speedup = layer.int8_speedup
    if speedup is None:
        return Verdict("–", "muted")
    if speedup == 1:
        return Verdict("≈ too close to tell", "muted", speedup)
    if speedup > 1:
        return Verdict(f"▲ {speedup:.1f}× faster", "good", speedup)
    return Verdict(f"▼ {1 / speedup:.1f}× slower", "bad", speedup)


class LatencyRows(QAbstractTableModel):
    """Sorted here and not by a proxy: at each move of a knob all rows are new."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._given: tuple[LayerLatency, ...] = ()
        self._rows: list[LayerLatency] = []
        self._sorted_by: tuple[int, Qt.SortOrder] = (Column.SHARE, Qt.SortOrder.DescendingOrder)

    def show_layers(self, layers: Sequence[LayerLatency]) -> None:
        """Show these times; the rows stay in place where their order does."""
        self._given = tuple(layers)
        rows = self._in_order()
        if [row.name for row in rows] == [row.name for row in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, Column.TIME), self.index(len(rows) - 1, Column.VERDICT))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    @property
    def rows(self) -> Sequence[LayerLatency]:
        """What is shown, from top to bottom."""
        return tuple(self._rows)

    def row_of(self, name: str) -> int | None:
        """Where a layer stands."""
        return next((row for row, layer in enumerate(self._rows) if layer.name == name), None)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; −1 for the order of running."""
        self._sorted_by = column, order
        self.beginResetModel()
        self._rows = self._in_order()
        self.endResetModel()

    def _in_order(self) -> list[LayerLatency]:
        column, order = self._sorted_by
        if column < 0:
            return list(self._given)
        return sorted(self._given, key=_KEYS[Column(column)], reverse=order is Qt.SortOrder.DescendingOrder)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Number of layers and operators."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Number of columns."""
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Column titles."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS.get(Column(section))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = section == Column.TIME
            return Qt.AlignmentFlag.AlignVCenter | (
                Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            )
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Values by role; roles that are not served return at once."""
        if role not in _SERVED:
            return None
        layer, column = self._rows[index.row()], Column(index.column())
        if role == ROW_ROLE:
            return layer
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = column is Column.TIME
            return Qt.AlignmentFlag.AlignVCenter | (
                Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            )
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tip(layer, column)
        return _TEXTS[column](layer)


_SERVED = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.AccessibleTextRole,
    Qt.ItemDataRole.TextAlignmentRole,
    ROW_ROLE,
)
_TEXTS: dict[Column, Callable[[LayerLatency], str]] = {
    Column.LAYER: lambda layer: layer.name,
    Column.TIME: lambda layer: format_ms(layer.ms),
    Column.SHARE: lambda layer: format_fraction(layer.share),
    Column.BOUND: lambda layer: str(layer.bound_by),
    Column.VERDICT: lambda layer: verdict_of(layer).text,
}
_KEYS: dict[Column, Callable[[LayerLatency], tuple[float, str]]] = {
    Column.LAYER: lambda layer: (0.0, layer.name.lower()),
    Column.TIME: lambda layer: (layer.ms, layer.name),
    Column.SHARE: lambda layer: (layer.share, layer.name),
    Column.BOUND: lambda layer: (0.0, f"{layer.bound_by} {layer.name}"),
    Column.VERDICT: lambda layer: (verdict_of(layer).speedup or 0.0, layer.name),
}


def _tip(layer: LayerLatency, column: Column) -> str:
    if column is Column.LAYER and layer.is_start:
        return "Once in each run, whatever the layers: starting, and moving what goes in and comes out"
    if column is Column.LAYER:
        return f"{layer.name} ({layer.op_type})"
    if column is Column.VERDICT and layer.float_ms is not None and layer.int8_ms is not None:
        now = "int8" if layer.is_int8 else "float"
        return f"it is {now} now; estimated: {format_ms(layer.float_ms)} in float, {format_ms(layer.int8_ms)} in int8"
    return ""
