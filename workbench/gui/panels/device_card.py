"""The estimated latency on a device of the user's choice, in the preview: it follows every move of a knob."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from workbench.engine.core.format import format_ms
from workbench.gui.device_budget import DeviceBudget
from workbench.gui.device_texts import device_groups
from workbench.gui.known_devices import KnownDevices
from workbench.gui.known_latency import KnownLatency
from workbench.gui.panels.device_card_texts import NO_DEVICE, DeviceTexts, device_texts
from workbench.gui.panels.gesture import Gesture
from workbench.gui.theme import FIGURE_PIXELS, FONT_PIXELS, SMALL_PIXELS, Theme
from workbench.gui.widgets.budget_scale import BUDGET_TIP
from workbench.gui.widgets.card import Card, make_label
from workbench.gui.widgets.device_picker import DevicePicker
from workbench.gui.widgets.flow_layout import FlowLayout
from workbench.gui.widgets.latency_gauge import LatencyGauge
from workbench.gui.widgets.pill import Badge

_ROUGH_TIP = "The band is too wide to decide by: measure on the device, and give the time under My devices"
_IN_BAND_TIP = "The limit lies in the band of the estimate: the device may as well miss as meet it"
_GAP = 12
_MET = {True: ", met", False: ", missed", None: ""}


class DeviceCard(Card):
    """`layers_wished`: show the layers' times; `devices_wished`: open the user's own devices.

    A budget that is dragged is one step of the document's undo stack.

    Args:
        latency: of the recipe on the bench.
        devices: that can be chosen.
        budget: of the chosen one.
        theme: colours and fonts.
    """

    layers_wished = Signal()
    devices_wished = Signal()

    def __init__(
        self,
        latency: KnownLatency,
        devices: KnownDevices,
        budget: DeviceBudget,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Latency on a device", inner=True, parent=parent)
        self._latency = latency
        self._devices = devices
        self._budget = budget
        self._gesture = Gesture()
        self._theme = theme
        self._texts = DeviceTexts()
        self.picker = DevicePicker(theme, "Device", "Choose a device…", self, can_clear=True)
        self.value = make_label("–", parent=self)
        self.unit = make_label("", "muted", self)
        self.delta = make_label("", parent=self)
        self.rough = make_label("▨ ROUGH", parent=self)
        self.rough.setToolTip(_ROUGH_TIP)
        self.badge = Badge(theme, self)
        self.line = make_label("", "muted", self)
        self.line.setWordWrap(True)
        self.line.setFont(theme.font(SMALL_PIXELS))
        # As in the other cards: a long text takes what room there is, and never widens the card.
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.warning = make_label("", parent=self)
        self.warning.setWordWrap(True)
        self.warning.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.gauge = LatencyGauge(theme, self)
        self.by_layer = QPushButton("By layer", self)
        self.own = QPushButton("My devices…", self)
        for button, tip in (
            (self.by_layer, "Where the time goes, layer by layer (Ctrl+4)"),
            (self.own, "Add a device that you have measured on, or take one in (Ctrl+Alt+L)"),
        ):
            button.setObjectName("link")
            button.setToolTip(tip)
        self._lay_out()
        self.picker.opened.connect(devices.ask_once)
        self.picker.chosen.connect(latency.choose)
        self.by_layer.clicked.connect(self.layers_wished)
        self.own.clicked.connect(self.devices_wished)
        devices.changed.connect(self._show_devices)
        latency.changed.connect(self._show)
        budget.changed.connect(self._show_budget)
        self.gauge.budget_moved.connect(self._on_budget)
        self.gauge.pressed.connect(self._gesture.begin)
        self.gauge.released.connect(self._gesture.end)
        theme.changed.connect(self._dress)
        self._show_devices()
        self._show()
        self._dress()

    @property
    def texts(self) -> DeviceTexts:
        """What the card says."""
        return self._texts

    def _lay_out(self) -> None:
        self._figures, together = QWidget(self), QWidget(self)
        figure = QHBoxLayout(together)
        figure.setContentsMargins(0, 0, 0, 0)
        figure.setSpacing(5)
        for widget in (self.value, self.unit, self.delta):
            figure.addWidget(widget)
        # The warning goes below a figure that leaves it no room.
        figures = FlowLayout(_GAP)
        figures.addWidget(together)
        figures.addWidget(self.rough)
        self._figures.setLayout(figures)
        below, links = QHBoxLayout(), QHBoxLayout()
        below.addWidget(self.badge)
        below.addWidget(self.line, 1)
        links.addWidget(self.by_layer)
        links.addStretch(1)
        links.addWidget(self.own)
        self.column.setSpacing(3)
        self.column.addWidget(self.picker)
        self.column.addWidget(self._figures)
        self.column.addLayout(below)
        self.column.addWidget(self.warning)
        self.column.addWidget(self.gauge)
        self.column.addLayout(links)

    @Slot()
    def _show_devices(self) -> None:
        self.picker.set_groups(device_groups(self._devices.profiles))
        self._show()

    @Slot()
    def _show(self) -> None:
        latency = self._latency
        self.picker.set_value(latency.device)
        is_chosen = bool(latency.device)
        if is_chosen:
            texts = device_texts(
                latency.profile,
                latency.estimate,
                latency.original,
                refusal=latency.refusal,
                is_late=latency.is_late and latency.estimate is not None,
            )
        else:
            texts = DeviceTexts(line=NO_DEVICE)
        before, self._texts = self._texts, texts
        self.value.setText(texts.value)
        self.unit.setText(texts.unit)
        self.delta.setText(texts.delta)
        self.rough.setVisible(texts.is_rough)
        has_figure = texts.ms is not None
        self._figures.setVisible(has_figure)
        self.gauge.setVisible(has_figure)
        self.badge.set_origin("estimated" if has_figure else "")
        self.line.setText(texts.line)
        self.line.setVisible(bool(texts.line))
        self.warning.setText(f"⚠ No figure: {texts.warning}" if texts.warning else "")
        self.warning.setVisible(bool(texts.warning))
        self.by_layer.setVisible(is_chosen)
        for widget in (self.value, self.badge, self.line, self.warning):
            widget.setToolTip(texts.tip)
        self.gauge.setToolTip("\n".join(filter(None, (BUDGET_TIP, texts.tip))))
        self.gauge.show_times(texts.ms, texts.band, texts.original_ms, is_rough=texts.is_rough)
        self._show_budget()
        if (before.tone, before.is_faint, before.is_rough) != (texts.tone, texts.is_faint, texts.is_rough):
            self._dress()

    @Slot()
    def _show_budget(self) -> None:
        budget, texts = self._budget, self._texts
        self.gauge.show_budget(budget.ms, budget.is_met)
        self.note.setText(f"limit {format_ms(budget.ms)}" if budget.ms is not None else "")
        self.note.setToolTip(_IN_BAND_TIP if budget.is_in_band else "")
        rough = ", rough" if texts.is_rough else ""
        said = texts.warning or f"{texts.value} {texts.unit} estimated{rough} {texts.delta}".strip()
        band = ", in the band" if budget.is_in_band else ""
        limit = f", {self.note.text()}{band}{_MET[budget.is_met]}" if self.note.text() else ""
        name = self.title.text()
        self.setAccessibleName(f"{name}: {said}{limit}" if self._latency.device else name)

    @Slot(float)
    def _on_budget(self, ms: float) -> None:
        self._budget.set(ms, self._gesture.token(self._budget.device))

    @Slot()
    def _dress(self) -> None:
        tokens, texts = self._theme.tokens, self._texts
        self.value.setFont(self._theme.font(FIGURE_PIXELS))
        self.delta.setFont(self._theme.font(FONT_PIXELS, bold=True))
        self.rough.setFont(self._theme.font(FONT_PIXELS, bold=True))
        self.warning.setFont(self._theme.font(FONT_PIXELS))
        value = tokens.muted if texts.is_faint else tokens.warn if texts.is_rough else tokens.text
        self.value.setStyleSheet(f"color: {value};")
        self.delta.setStyleSheet(f"color: {getattr(tokens, texts.tone)};")
        self.warning.setStyleSheet(f"color: {tokens.warn};")
        self.rough.setStyleSheet(
            f"color: {tokens.warn}; background: {tokens.warn_soft}; border: 1px dashed {tokens.warn};"
            " border-radius: 4px; padding: 1px 6px;"
        )
        self.line.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
