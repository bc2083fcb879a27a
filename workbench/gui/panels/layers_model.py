"""The layers as a table: values, texts and sort keys; nothing is painted here."""

from collections.abc import Callable, Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from workbench.engine.core.channel_group import ChannelGroup
from workbench.engine.core.format import format_count, format_fraction
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.gui.channels_now import LayerChannels, group_text
from workbench.gui.panels.channel_view import ODD_TIP
from workbench.gui.panels.layer_state import LayerState
from workbench.gui.panels.noise_table import NoiseTable
from workbench.gui.panels.sensitivity_chips import NO_SCAN, TITLE_TIP, SensitivityChip, SensitivityChips
from workbench.gui.setting_now import SettingNow

Index = QModelIndex | QPersistentModelIndex
SORT_ROLE = Qt.ItemDataRole.UserRole
LAYER_ROLE = Qt.ItemDataRole.UserRole + 1
STATE_ROLE = Qt.ItemDataRole.UserRole + 2
NOISE_ROLE = Qt.ItemDataRole.UserRole + 3
CHANNELS_ROLE = Qt.ItemDataRole.UserRole + 4
IN_GROUP_ROLE = Qt.ItemDataRole.UserRole + 5
CHIP_ROLE = Qt.ItemDataRole.UserRole + 6
_MANY_ROWS = 8
SQNR_TIP = (
    "Signal to quantization noise, dB: of the layer's output with all before it quantized, and of its weights; "
    "by Measure SQNR (F7)"
)


class Column(IntEnum):
    """The columns, from left to right."""

    LAYER = 0
    PARAMS = 1
    WEIGHTS = 2
    PRUNE = 3
    BITS = 4
    ACTIVATIONS = 5
    SQNR = 6
    SENSITIVITY = 7


_TITLES = ("Layer", "Params", "Weights", "Prune", "Bits", "A", "SQNR", "Sens.")
_TITLE_TIPS = {
    5: "Bits of the activations: of what goes into a layer and comes out of it",
    6: SQNR_TIP,
    7: TITLE_TIP,
}


class LayersModel(QAbstractTableModel):
    """One row a layer, in graph order.

    Args:
        state_of: gives what the recipe asks of a layer; called for the rows that are looked at.
        channels_of: gives how many of a layer's channels stay, where some go.
        now_of: gives what a layer has, in the words of a scan.
    """

    def __init__(
        self,
        state_of: Callable[[Layer], LayerState],
        channels_of: Callable[[str], LayerChannels | None],
        now_of: Callable[[Layer], SettingNow],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._channels_of = channels_of
        self._now_of = now_of
        self._sensitivity = SensitivityChips()
        self._group: ChannelGroup | None = None
        self._state_of = state_of
        self._layers: tuple[Layer, ...] = ()
        self._rows: dict[str, int] = {}
        self._noise = NoiseTable()

    def set_noise(self, noise: NoiseTable) -> None:
        """Show these figures in the column of SQNR."""
        self._noise = noise
        if self._layers:
            self.dataChanged.emit(self.index(0, Column.SQNR), self.index(len(self._layers) - 1, Column.SQNR))

    def set_sensitivity(self, chips: SensitivityChips, names: Sequence[str] | None = None) -> None:
        """Show these figures in the column of sensitivities; where layers are named, only theirs are others."""
        self._sensitivity = chips
        if names is not None:
            self.refresh(names, Column.SENSITIVITY, Column.SENSITIVITY)
        elif self._layers:
            first, last = (self.index(row, Column.SENSITIVITY) for row in (0, len(self._layers) - 1))
            self.dataChanged.emit(first, last)

    @property
    def has_sensitivity(self) -> bool:
        """Whether the column of sensitivities says anything."""
        return not self._sensitivity.is_empty

    def set_group(self, group: ChannelGroup | None) -> None:
        """Mark the layers of this channel group; of none."""
        old = self._group
        if group is old:
            return
        self._group = group
        members = {*(old.members if old is not None else ()), *(group.members if group is not None else ())}
        rows = [self._rows[name] for name in members if name in self._rows]
        if rows:
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), len(Column) - 1))

    def set_model(self, model: ModelInfo | None) -> None:
        """Show the layers of a model, or none."""
        self.beginResetModel()
        self._layers = model.layers if model else ()
        self._rows = {layer.name: row for row, layer in enumerate(self._layers)}
        self.endResetModel()

    def refresh(self, names: Sequence[str], last: Column = Column.ACTIVATIONS, first: Column = Column.WEIGHTS) -> None:
        """The recipe changed for these layers: the view asks again for what it shows of them in these columns."""
        rows = [self._rows[name] for name in names if name in self._rows]
        if len(rows) > _MANY_ROWS:
            self.dataChanged.emit(self.index(min(rows), first), self.index(max(rows), last))
            return
        for row in rows:
            # One by one: for a range the view paints all of its rows and columns.
            for column in range(first, last + 1):
                cell = self.index(row, column)
                self.dataChanged.emit(cell, cell)

    def row_of(self, name: str) -> int | None:
        """The row of a layer, in graph order."""
        return self._rows.get(name)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Number of layers."""
        return 0 if parent.isValid() else len(self._layers)

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
            return _TITLE_TIPS.get(section)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = section in (Column.PARAMS, Column.SQNR)
            return Qt.AlignmentFlag.AlignVCenter | (
                Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            )
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Values by role; roles that are not served return at once, since a repaint asks for all of them."""
        if role not in _SERVED:
            return None
        layer = self._layers[index.row()]
        if role == LAYER_ROLE:
            return layer
        if role == STATE_ROLE:
            return self._state_of(layer)
        if role == NOISE_ROLE:
            return self._noise.texts(layer.name)
        if role == CHANNELS_ROLE:
            return self._channels_of(layer.name)
        if role == CHIP_ROLE:
            return self._chip(layer)
        if role == IN_GROUP_ROLE:
            return self._group is not None and layer.name in self._group.members
        if role == SORT_ROLE:
            return self._sort_key(layer, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(layer, index.column())
        text = self._text(layer, index.column())
        return f"{_TITLES[index.column()]}: {text}" if role == Qt.ItemDataRole.AccessibleTextRole else text

    def _text(self, layer: Layer, column: int) -> str:
        if column == Column.LAYER:
            return f"{layer.name}, {layer.op_type} {shape_text(layer)}"
        if column == Column.PARAMS:
            return format_count(layer.num_params)
        if column == Column.WEIGHTS:
            statistics = layer.statistics
            return f"{statistics.minimum:.3g} to {statistics.maximum:.3g}" if statistics else "not read"
        if column == Column.PRUNE:
            text = format_fraction(self._state_of(layer).sparsity) if layer.prunable else "not prunable"
            left = self._channels_of(layer.name)
            return text if left is None else f"{text}, {channels_text(left)}"
        if column == Column.BITS:
            return bits_text(self._state_of(layer).bits) if layer.quantizable else "not quantizable"
        if column == Column.ACTIVATIONS:
            return activation_text(self._state_of(layer).activation_bits) if layer.quantizable else "not quantizable"
        if column == Column.SQNR:
            return self._noise.tip(layer.name)
        chip = self._chip(layer)
        return f"{chip.text}, {chip.tip}" if chip is not None else "–"

    def _chip(self, layer: Layer) -> SensitivityChip | None:
        return self._sensitivity.chip(layer.name, self._now_of(layer))

    def _tip(self, layer: Layer, column: int) -> str:
        if column == Column.SQNR:
            return self._noise.tip(layer.name)
        if column == Column.SENSITIVITY:
            chip = self._chip(layer)
            return chip.tip if chip is not None else "not scanned" if self.has_sensitivity else NO_SCAN
        lines = [tool_tip(layer, column)]
        left = self._channels_of(layer.name) if column in (Column.LAYER, Column.PRUNE) else None
        if left is not None:
            lines.append(channels_text(left))
            if left.is_odd:
                lines.append(f"{left.left} is {ODD_TIP}")
        if self._group is not None and layer.name in self._group.members and len(self._group.members) > 1:
            lines.append(f"loses its channels with {group_text(self._group)}")
        return "\n".join(lines)

    def _sort_key(self, layer: Layer, column: int) -> object:
        if column == Column.LAYER:
            return layer.name
        if column == Column.PARAMS:
            return layer.num_params
        if column == Column.WEIGHTS:
            return layer.statistics.std if layer.statistics else -1.0
        if column == Column.PRUNE:
            return self._state_of(layer).sparsity if layer.prunable else -1.0
        if column == Column.BITS:
            return (self._state_of(layer).bits or 32) if layer.quantizable else 99
        if column == Column.ACTIVATIONS:
            return (self._state_of(layer).activation_bits or 32) if layer.quantizable else 99
        if column == Column.SQNR:
            return self._noise.sort_key(layer.name)
        chip = self._chip(layer)
        return chip.place if chip is not None else -1.0


class LayersFilter(QSortFilterProxyModel):
    """Rows whose name contains a text and whose operator is the chosen one, sorted by any column."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._op_type = ""
        self.setSortRole(SORT_ROLE)
        # Otherwise each drag of a slider would move its row away from under the pointer.
        self.setDynamicSortFilter(False)

    def set_filter(self, text: str, op_type: str) -> None:
        """Show layers whose name contains the text, in any case; an empty operator type means all."""
        self._text, self._op_type = text.casefold().strip(), op_type
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        """Whether a row is shown."""
        layer = self.sourceModel().index(row, 0, parent).data(LAYER_ROLE)
        return self._text in layer.name.casefold() and self._op_type in ("", layer.op_type)


def bits_text(bits: int | None) -> str:
    """The name of a bit width, FP32 where there is none.

    >>> bits_text(4)
    'INT4'
    """
    return "FP32" if bits is None else f"INT{bits}"


def activation_text(bits: int | None) -> str:
    """The name of a bit width of activations; the runtime has integer kernels for one of them.

    >>> activation_text(8), activation_text(4), activation_text(None)
    ('INT8', 'INT4 simulated', 'FP32')
    """
    return bits_text(bits) if bits in (None, 8) else f"{bits_text(bits)} simulated"


def channels_text(left: LayerChannels) -> str:
    """How many channels stay.

    >>> channels_text(LayerChannels(48, 64))
    '48 of 64 channels stay'
    """
    return f"{left.left} of {left.whole} channels stay"


def shape_text(layer: Layer) -> str:
    """The weight's shape: 64×3×7×7."""
    return "×".join(str(size) for size in layer.weight_shape)


def tool_tip(layer: Layer, column: int) -> str:
    """The full name, and why something cannot be edited."""
    lines = [f"{layer.name} ({layer.op_type} {shape_text(layer)})"]
    if layer.reason and (not layer.editable or column in _EXPLAINED):
        lines.append(layer.reason)
    if layer.statistics and layer.statistics.num_not_finite:
        lines.append(f"{layer.statistics.num_not_finite} weights are NaN or infinite")
    if layer.shares_weights_with:
        lines.append("Shares its weights with " + ", ".join(layer.shares_weights_with))
    return "\n".join(lines)


_EXPLAINED = (Column.LAYER, Column.PRUNE, Column.BITS, Column.ACTIVATIONS)
_SERVED = frozenset(
    {
        int(Qt.ItemDataRole.DisplayRole),
        int(Qt.ItemDataRole.ToolTipRole),
        int(Qt.ItemDataRole.AccessibleTextRole),
        int(SORT_ROLE),
        int(LAYER_ROLE),
        int(STATE_ROLE),
        int(NOISE_ROLE),
        int(CHANNELS_ROLE),
        int(CHIP_ROLE),
        int(IN_GROUP_ROLE),
    }
)
