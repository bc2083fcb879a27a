"""The page of sensitivities: the heat map with its legend, what a cell says in a line, and how it is measured."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from workbench.engine.core.sensitivity import ScanAxes
from workbench.gui.heat_scale import Measure
from workbench.gui.panels.layer_now import setting_now
from workbench.gui.panels.layer_state import LayerStates
from workbench.gui.panels.scan_axes_form import ScanAxesForm
from workbench.gui.panels.scan_texts import UNITS, cell_text, scan_facts, short_text
from workbench.gui.panels.setting_edits import with_setting
from workbench.gui.scan_table import ScanTable, setting_head
from workbench.gui.setting_now import rows_now
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.combo import Combo
from workbench.gui.widgets.elided_label import ElidedLabel
from workbench.gui.widgets.heat_content import HeatContent
from workbench.gui.widgets.heat_legend import HeatLegend
from workbench.gui.widgets.heat_map import HeatMap
from workbench.gui.widgets.segmented import Segmented

if TYPE_CHECKING:  # a test hands in a bench without an engine
    from workbench.gui.document import Document

_HINT = "Point at a cell, or go through them with the arrow keys; a click or Enter takes the setting"
_NO_MODEL = "Open a model to see how sensitive its layers are."
_NO_DATA = "Open samples to measure how sensitive each layer is to each setting."
_NO_LABELS = "no accuracy is known of these cells: the samples have no labels"
_SAMPLES = (32, 64, 128, 256, 512, 1000)


class SensitivityPage(QWidget):
    """Follows the bench and the scan while it is looked at.

    Args:
        document: the bench, its scan and its jobs.
        theme: colours and fonts.
        states: what the layers have now.
    """

    def __init__(self, document: "Document", theme: Theme, states: LayerStates, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._states = states
        self._measure = Measure.KL
        self._table: ScanTable | None = None
        self._alt = False
        self.title = ElidedLabel("Sensitivity", "head", self, least=60)
        self.facts = ElidedLabel("", "muted", self, fills=True)
        options = ((Measure.KL, "KL"), (Measure.DROP, "Accuracy drop"), (Measure.SQNR, "SQNR"))
        self.choice = Segmented(theme, "Figure", options, self)
        self.choice.set_value(self._measure)
        self.choice.setMaximumWidth(260)
        self.intervals = QPushButton("±", self)
        self.intervals.setCheckable(True)
        self.intervals.setAccessibleName("Intervals")
        self.intervals.setToolTip("Show figures with their 95 % intervals in the cells; while Alt is held, too")
        self.samples = Combo(theme, self)
        self.samples.setAccessibleName("Samples to measure on")
        self.axes = QPushButton("Settings…", self)
        self.axes.setToolTip("Which bits, zeros and channels are tried on each layer")
        self.measure = QPushButton("Measure", self)
        self.axes_form = ScanAxesForm(theme, self)
        self.map = HeatMap(theme, self)
        self.legend = HeatLegend(theme, self)
        self.line = make_label("", "muted", self)
        self.line.setWordWrap(True)
        self.empty = make_label("", "muted", self)
        self.empty.setWordWrap(True)
        self._lay_out()
        self._connect()
        self._show()

    def _lay_out(self) -> None:
        head, tools = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.title)
        head.addWidget(self.facts, 1)
        head.addWidget(self.samples)
        head.addWidget(self.measure)
        tools.addWidget(self.choice)
        tools.addWidget(self.intervals)
        tools.addStretch(1)
        tools.addWidget(self.axes)
        content, blank = QWidget(self), QWidget(self)
        inside, cells = QVBoxLayout(content), QHBoxLayout()
        inside.setContentsMargins(0, 0, 0, 0)
        cells.addWidget(self.map, 1)
        cells.addWidget(self.legend)
        for layout in (head, tools):
            inside.addLayout(layout)
        inside.addLayout(cells, 1)
        inside.addWidget(self.line)
        # Two lines always: a map that changes its height under the pointer would point at another cell.
        self.line.setMinimumHeight(2 * self.line.fontMetrics().lineSpacing())
        self.line.setAlignment(Qt.AlignmentFlag.AlignTop)
        QVBoxLayout(blank).addWidget(self.empty)
        self._stack = QStackedLayout()
        self._stack.addWidget(blank)
        self._stack.addWidget(content)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 8)
        column.addLayout(self._stack)

    def _connect(self) -> None:
        document = self._document
        document.scans.changed.connect(self._on_scan)
        document.model_changed.connect(self._on_bench)
        document.dataset_changed.connect(self._on_bench)
        document.recipe_changed.connect(self._on_recipe)
        document.channels.changed.connect(self._show_marks)
        document.selection_changed.connect(self._show_selected)
        document.searching.began.connect(self._show_running)
        document.jobs.finished.connect(self._show_running)
        self.choice.chosen.connect(self._on_measure)
        self.intervals.toggled.connect(self._show_intervals)
        self.samples.activated.connect(self._on_samples)
        self.axes.clicked.connect(self._on_axes_pressed)
        self.axes_form.axes_wished.connect(self._on_axes)
        self.measure.clicked.connect(self._on_measure_pressed)
        self.map.pointed.connect(self._on_pointed)
        self.map.taken.connect(self._on_taken)
        self.map.column_wished.connect(self._on_column)
        self.map.installEventFilter(self)

    # What is shown

    def showEvent(self, event: QShowEvent) -> None:
        """What has changed behind another page is drawn now."""
        super().showEvent(event)
        self._show()

    @Slot()
    def _on_scan(self) -> None:
        if self.isVisible():
            self._show()
        else:
            self._table = None

    @Slot()
    def _on_bench(self) -> None:
        self._show_samples()
        self._show()

    @Slot()
    def _show(self) -> None:
        """Draw the map of what is known now."""
        document = self._document
        table = document.scans.table
        if table is None:
            self.empty.setText(_NO_MODEL if document.model is None else _NO_DATA)
            self._stack.setCurrentIndex(0)
            return
        self._stack.setCurrentIndex(1)
        self._show_running()
        if not self.isVisible():
            return
        self._table = table
        scale = table.scale(self._measure)
        content = HeatContent(
            table.layers,
            tuple(setting_head(setting) for setting in table.settings),
            tuple((section.title, section.last - section.first) for section in table.sections),
            table.places(self._measure),
            table.has_error,
        )
        self.map.show_content(content)
        self.legend.show_scale(self._unit(table), scale.ticks)
        facts = scan_facts(table.scan, table.num_known, table.num_cells)
        if self._measure is Measure.DROP and table.scan.cells and not table.has_drops:
            facts = _NO_LABELS
        self.facts.setText(facts)
        self._show_intervals()
        self._show_marks()
        self._show_selected()
        self._on_pointed(*(self.map.cursor_cell or (-1, -1)))

    def _unit(self, table: ScanTable) -> str:
        # The first cells may be those that could not be measured.
        unit = next((cell.kl.unit for cell in table.scan.cells if cell.kl is not None), None)
        return "noise" if self._measure is Measure.KL and unit == "fraction" else UNITS[self._measure]

    @Slot(object, object)
    def _on_recipe(self, old: object, new: object) -> None:
        self._show_marks()

    @Slot()
    def _show_marks(self) -> None:
        table, model = self._table, self._document.model
        if table is None or model is None or not self.isVisible():
            return
        now = self._document.channels.now
        marks = [
            (table.place_of[layer.name], row)
            for layer in model.layers
            if layer.name in table.place_of
            for row in rows_now(table.settings, setting_now(layer, self._states, now))
        ]
        self.map.show_marks(marks)

    @Slot()
    def _show_selected(self) -> None:
        if self._table is not None:
            places = self._table.place_of
            self.map.show_selected([places[name] for name in self._document.selection if name in places])

    @Slot()
    def _show_running(self) -> None:
        document = self._document
        is_running = document.searching.is_scanning
        again = "Measure again" if document.scans.has_cells else "Measure"
        scan = document.scans.scan
        if scan is not None and scan.cells and not scan.is_complete:
            again = "Go on measuring"
        self.measure.setText("Cancel" if is_running else again)
        self.measure.setEnabled(document.dataset is not None)
        for widget in (self.samples, self.axes):
            widget.setEnabled(not is_running)

    def _show_samples(self) -> None:
        data = self._document.dataset
        self.samples.clear()
        self.samples.addItem("Samples: as needed", None)
        total = data.num_samples if data is not None else 0
        for number in _SAMPLES:
            if number < total:
                self.samples.addItem(f"{number:,} samples", number)
        if total:
            self.samples.addItem(f"all {total:,} samples", total)
        place = self.samples.findData(self._document.scans.samples)
        self.samples.setCurrentIndex(max(0, place))
        if place < 0:
            # All of the old samples are no number of these: what is shown is what is asked for.
            self._on_samples()

    @Slot()
    def _show_intervals(self) -> None:
        is_on = self.intervals.isChecked() or self._alt
        self.map.show_cell_texts(self._text_of if is_on else None)

    def _text_of(self, column: int, row: int) -> tuple[str, str]:
        return short_text(self._table.cell(column, row), self._measure) if self._table is not None else ("", "")

    # What is wished

    @Slot(object)
    def _on_measure(self, measure: Measure) -> None:
        self._measure = measure
        self._show()

    @Slot()
    def _on_samples(self) -> None:
        self._document.scans.samples = self.samples.currentData()

    @Slot()
    def _on_axes_pressed(self) -> None:
        self._show_axes()
        self.axes_form.open_below(self.axes)

    def _show_axes(self) -> None:
        scan = self._document.scans.scan
        self.axes_form.show_axes(self._document.scans.axes, len(scan.layers) if scan is not None else 0)

    @Slot(object)
    def _on_axes(self, axes: ScanAxes) -> None:
        # Of no setting at all there is nothing to draw and nothing to measure.
        if axes.settings:
            self._document.scans.set_axes(axes)
        self._show_axes()

    @Slot()
    def _on_measure_pressed(self) -> None:
        searching, scans = self._document.searching, self._document.scans
        if searching.is_scanning:
            searching.cancel_scan()
        else:
            searching.scan(scans.axes, scans.samples)

    @Slot(int, int)
    def _on_pointed(self, column: int, row: int) -> None:
        if self._table is None or column < 0:
            self.line.setText(_HINT)
            return
        setting = self._table.settings[row]
        name = self._table.layers[column]
        is_now = (column, float(row)) in self.map.marks
        text = cell_text(name, setting, self._table.cell(column, row), is_now=is_now)
        self.line.setText(text)
        self.map.say(text)

    @Slot(int, int)
    def _on_taken(self, column: int, row: int) -> None:
        document, table = self._document, self._table
        model = document.model
        self._on_pointed(column, row)
        if table is None or model is None or table.has_error[row, column]:
            return
        name, setting = table.layers[column], table.settings[row]
        if name not in document.selection:
            document.select((name,))
        layers = tuple(layer for layer in model.layers if layer.name in document.selection)
        recipe = with_setting(document.recipe, model, document.channels.now, layers, table.scan.axes, setting)
        subject = layers[0].name if len(layers) == 1 else f"{len(layers)} layers"
        document.edit(recipe, f"{setting.text} for {subject}")
        document.released()
        self._on_pointed(column, row)

    @Slot(int, bool)
    def _on_column(self, column: int, adds: bool) -> None:
        if self._table is None:
            return
        name, selection = self._table.layers[column], self._document.selection
        if not adds:
            self._document.select((name,))
        elif name in selection:
            self._document.select(tuple(other for other in selection if other != name))
        else:
            self._document.select((*selection, name))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Alt shows the intervals while it is held."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Alt:
            self._alt = event.type() is QEvent.Type.KeyPress
            self._show_intervals()
        elif event.type() is QEvent.Type.FocusOut and self._alt:
            self._alt = False
            self._show_intervals()
        return super().eventFilter(watched, event)
