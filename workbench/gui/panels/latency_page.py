"""The page of the latency on a device: which layers take the time, what binds them, and what int8 would bring."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from workbench.engine.core.format import format_interval, format_ms
from workbench.gui.device_texts import device_text
from workbench.gui.panels.latency_delegates import ROW_HEIGHT, LatencyDelegate
from workbench.gui.panels.latency_rows import ROW_ROLE, Column, LatencyRows
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:  # a test hands in a bench without an engine
    from workbench.gui.bench import Bench
    from workbench.gui.known_latency import KnownLatency

_NO_MODEL = "Open a model to see where the time goes on a phone."
_NO_DEVICE = "Choose a device in the preview at the right to see where the time goes there."
_SIGNS = "full: bound by compute   hatched: by memory   outlined: by overhead"


class LatencyPage(QWidget):
    """Follows the estimate while it is looked at. `device_wished` when somebody asks for the list of devices.

    Args:
        bench: whose layers are selected.
        latency: the estimate.
        theme: colours and fonts.
    """

    device_wished = Signal()

    def __init__(self, bench: "Bench", latency: "KnownLatency", theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._latency = latency
        self._is_showing = False
        self.title = make_label("Latency by layer", "head", self)
        self.facts = ElidedLabel("", "muted", self, fills=True)
        self.signs = ElidedLabel(_SIGNS, "muted", self)
        self.rows = LatencyRows(self)
        self.table = QTableView(self)
        self.notes = make_label("", "muted", self)
        self.notes.setWordWrap(True)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.empty = make_label("", "muted", self)
        self.empty.setWordWrap(True)
        self.choose = QPushButton("Choose a device…", self)
        self._delegate = LatencyDelegate(theme, self)
        self._prepare_table()
        self._lay_out()
        bench.model_changed.connect(self._show)
        bench.selection_changed.connect(self._show_selected)
        latency.changed.connect(self._show)
        theme.changed.connect(self.table.viewport().update)
        self.choose.clicked.connect(self.device_wished)
        self.table.selectionModel().currentRowChanged.connect(self._on_current)
        self.table.clicked.connect(self._on_clicked)
        self._show()

    def _prepare_table(self) -> None:
        table, header = self.table, self.table.horizontalHeader()
        table.setModel(self.rows)
        table.setItemDelegate(self._delegate)
        table.setAccessibleName("Latency by layer")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.SHARE, QHeaderView.ResizeMode.Stretch)
        for column, width in ((Column.LAYER, 200), (Column.TIME, 80), (Column.BOUND, 84), (Column.VERDICT, 110)):
            table.setColumnWidth(column, width)
        header.setHighlightSections(False)
        header.setSortIndicator(Column.SHARE, Qt.SortOrder.DescendingOrder)
        table.setSortingEnabled(True)

    def _lay_out(self) -> None:
        content, blank = QWidget(self), QWidget(self)
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addWidget(self.facts, 1)
        inside = QVBoxLayout(content)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.signs)
        inside.addWidget(self.table, 1)
        inside.addWidget(self.notes)
        nothing = QVBoxLayout(blank)
        nothing.addStretch(1)
        nothing.addWidget(self.empty)
        nothing.addWidget(self.choose, 0, Qt.AlignmentFlag.AlignLeft)
        nothing.addStretch(2)
        self._stack = QStackedLayout()
        self._stack.addWidget(blank)
        self._stack.addWidget(content)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 8)
        column.addLayout(head)
        column.addLayout(self._stack, 1)

    def showEvent(self, event: QShowEvent) -> None:
        """What has changed behind another page is drawn now."""
        super().showEvent(event)
        self._show()

    @Slot()
    def _show(self) -> None:
        if self.isVisible():
            # A table that is filled, and one that gets the keyboard then, marks its first row: nobody has chosen that.
            self._is_showing = True
            self._show_estimate()
            # New figures are no reason to look elsewhere in the table.
            self.table.setAutoScroll(False)
            self._show_selected()
            self.table.setAutoScroll(True)
            self._is_showing = False

    def _show_estimate(self) -> None:
        latency, estimate = self._latency, self._latency.estimate
        self._show_facts()
        has_rows = estimate is not None and bool(estimate.layers)
        if estimate is None or not has_rows:
            self.rows.show_layers(())
            self.empty.setText(self._why_empty())
            self.choose.setVisible(self._bench.model is not None and not latency.device)
            self._stack.setCurrentIndex(0)
            return
        self._delegate.largest = max(layer.share for layer in estimate.layers)
        self.rows.show_layers(estimate.layers)
        self.notes.setText("\n".join(f"• {note}" for note in estimate.notes))
        self._stack.setCurrentIndex(1)

    def _show_facts(self) -> None:
        latency = self._latency
        profile, estimate = latency.profile, latency.estimate
        figure = estimate.figure if estimate is not None else None
        if profile is None or figure is None or estimate is None:
            self.facts.setText(device_text(profile) if profile is not None else "")
            return
        rough = ", rough" if estimate.is_rough else ""
        interval = format_interval(figure)
        self.facts.setText(
            f"{format_ms(figure.value)} estimated{rough} ({interval}, {figure.level} %) on {device_text(profile)}"
        )

    def _why_empty(self) -> str:
        latency = self._latency
        if self._bench.model is None:
            return _NO_MODEL
        if not latency.device:
            return _NO_DEVICE
        if latency.refusal:
            return latency.refusal
        if latency.estimate is None:
            return "Estimating…"
        notes = (f"{note[:1].upper()}{note[1:]}" for note in latency.estimate.notes)
        return "\n".join(notes) or "There is no figure for this device."

    @Slot()
    def _show_selected(self) -> None:
        """Mark the selected layer, without a word to the bench."""
        if not self.isVisible():
            return
        selection = self._bench.selection
        row = self.rows.row_of(selection[0]) if selection else None
        was_showing, self._is_showing = self._is_showing, True
        if row is None:
            self.table.clearSelection()
        else:
            self.table.selectRow(row)
        self._is_showing = was_showing

    @Slot(QModelIndex, QModelIndex)
    def _on_current(self, current: QModelIndex, previous: QModelIndex) -> None:
        if not self._is_showing:
            self._select(current)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        self._select(index)

    def _select(self, index: QModelIndex) -> None:
        layer, model = index.data(ROW_ROLE), self._bench.model
        if layer is None or model is None:
            return
        # Operators without weights stand here too; there is nothing of them to select.
        if any(one.name == layer.name for one in model.layers):
            self._bench.select((layer.name,))
