"""The settings of the selected layers as a form."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QWidget,
)

from workbench.engine.core.format import magnitude_decimals
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import LayerSettings
from workbench.gui.magnitude_tables import max_magnitude
from workbench.gui.panels.activation_form import ActivationForm
from workbench.gui.panels.channel_form import ChannelForm
from workbench.gui.panels.layer_state import LayerState, weight_pruning
from workbench.gui.panels.plan_page import PlanPage, PlanTexts
from workbench.gui.panels.weight_form import WeightForm
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import Card
from workbench.gui.widgets.form_rows import make_form_rows
from workbench.gui.widgets.segmented import Segmented
from workbench.gui.widgets.value_slider import ValueSlider

_PAGES = (("weights", "Weights"), ("activations", "Activations"), ("channels", "Channels"), ("plan", "Plan"))


SettingsAmong = Callable[[Sequence[Layer]], Sequence[LayerSettings]]


@dataclass(frozen=True, slots=True, eq=False)
class _Selected:
    """What of a selection no edit changes, so that a move among a thousand layers need not look at each.

    Args:
        reason: why something cannot be done, of the first layer that has one.
        maximum: the largest threshold that is of use.
    """

    layers: tuple[Layer, ...]
    prunable: tuple[Layer, ...]
    quantizable: tuple[Layer, ...]
    reason: str
    maximum: float

    @classmethod
    def of(cls, layers: tuple[Layer, ...]) -> "_Selected":
        """Look at each layer once."""
        prunable = _those(layers, [layer.prunable for layer in layers])
        quantizable = _those(layers, [layer.quantizable for layer in layers])
        reason = next((layer.reason for layer in layers if layer.reason), "")
        maximum = max((max_magnitude(layer) for layer in prunable), default=1.0) or 1.0
        return cls(layers, prunable, quantizable, reason, maximum)


def _those(layers: tuple[Layer, ...], are_meant: Sequence[bool]) -> tuple[Layer, ...]:
    """Some of the layers; the very same tuple where it is all of them, so that nothing is asked of them twice."""
    return layers if all(are_meant) else tuple(itertools.compress(layers, are_meant))


class LayerCard(Card):
    """Shows what holds for the selected layers, and emits wishes; the panel turns them into edits.

    `amount_moved(unit, value)` has unit "sparsity" (0…1) or "threshold" (as the weights).
    """

    pruning_wished = Signal(object)
    amount_pressed = Signal()
    amount_moved = Signal(str, float)
    amount_released = Signal()
    scope_wished = Signal(str)
    weights_wished = Signal(object)
    activations_wished = Signal(object)
    reset_wished = Signal()
    similar_wished = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Layer", inner=True, parent=parent)
        self._selected: _Selected | None = None
        self._spin_range: tuple[bool, float, int] | None = None
        self._first: LayerState | None = None
        self._is_mixed = False
        self.pruning = Segmented(theme, "Pruning", ((False, "Off"), (True, "Magnitude")), self)
        self.scope = Segmented(theme, "Scope", (("layer", "Per layer"), ("global", "Global")), self)
        self.unit = Segmented(theme, "Amount as", (("sparsity", "%"), ("threshold", "θ")), self)
        self.unit.setMaximumWidth(64)
        self.slider = ValueSlider(theme, "Amount of pruning", self)
        self.spin = QDoubleSpinBox(self, decimals=1, maximum=100.0, singleStep=1.0, suffix=" %")
        self.spin.setKeyboardTracking(False)
        self.spin.setMinimumWidth(92)
        self.spin.setAccessibleName("Amount of pruning")
        self.page = Segmented(theme, "Settings of", _PAGES, self)
        self.weights = WeightForm(theme, self)
        self.activations = ActivationForm(theme, self)
        self.channels = ChannelForm(theme, self)
        self.plan = PlanPage(self)
        self._pages = QStackedWidget(self)
        self._pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.why = QPushButton("Not as asked: why?", self)
        self.why.setObjectName("link")
        # Its place stays, so that the buttons beside it do not move.
        policy = self.why.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.why.setSizePolicy(policy)
        self.reset = QPushButton("Reset layer", self)
        self.similar = QPushButton("Apply to similar layers", self)
        self.similar.setToolTip("Gives these settings to every layer with the same operator and kernel")
        self.unit.set_value("sparsity")
        self.page.set_value("weights")
        self._lay_out()
        self._connect()
        self.show_layers((), lambda layers: (), None, 0)

    def show_layers(
        self, layers: tuple[Layer, ...], settings_among: SettingsAmong, amount: LayerState | None, total: int
    ) -> None:
        """Show the settings of these layers; where they differ, no choice is marked. Emits nothing.

        Args:
            layers: those that are selected.
            settings_among: gives each of the different settings of some of them once.
            amount: the first one that can be pruned, as it stands; None if none can.
            total: number of layers in the table.
        """
        self.note.setText(f"{len(layers)} of {total} selected" if total else "")
        if self._selected is None or layers is not self._selected.layers:
            self._show_selected(_Selected.of(layers))
        assert self._selected is not None
        selected = self._selected
        each = {id(some): some for some in (layers, selected.prunable, selected.quantizable)}
        among = {key: settings_among(some) for key, some in each.items()}
        self._show_pruning(among[id(selected.prunable)])
        self._first = amount
        self._show_amount(self._first)
        asked = among[id(selected.quantizable)]
        self.weights.show_settings(asked, selected.reason)
        self.activations.show_settings(asked, selected.reason)
        for control in (self.pruning, self.slider, self.spin):
            control.setToolTip(selected.reason if not control.isEnabled() else "")
        is_editable = bool(selected.prunable or selected.quantizable)
        self.reset.setEnabled(is_editable and any(not item.is_empty for item in among[id(layers)]))
        self.similar.setEnabled(is_editable and len(layers) == 1)

    def _show_selected(self, selected: "_Selected") -> None:
        self._selected, layers = selected, selected.layers
        self.title.setText(
            layers[0].name if len(layers) == 1 else f"{len(layers)} layers" if layers else "No layer selected"
        )
        self.title.setToolTip("\n".join(layer.name for layer in layers[:20]))

    def show_plan(self, texts: PlanTexts, *, is_current: bool) -> None:
        """Show what the engine will do to the selected layers, and why."""
        self.plan.show_texts(texts, is_current=is_current)
        if texts.link:
            self.why.setText(texts.link)
        self.why.setVisible(bool(texts.link))
        self.why.setToolTip(texts.why)

    def show_page(self, page: str) -> None:
        """Show the page "weights", "activations", "channels" or "plan"."""
        self.page.set_value(page)
        self._pages.setCurrentIndex([name for name, _ in _PAGES].index(page))

    @property
    def _largest(self) -> float:
        return self._selected.maximum if self._selected is not None else 1.0

    def _show_pruning(self, settings: Sequence[LayerSettings]) -> None:
        for control in (self.pruning, self.slider, self.spin, self.unit):
            control.setEnabled(bool(settings))
        asked = {weight_pruning(item) for item in settings}
        self._is_mixed = len(asked) > 1
        pruned = {prune is not None for prune in asked}
        self.pruning.set_value(pruned.pop() if len(pruned) == 1 else None)
        scopes = {prune.scope for prune in asked if prune}
        by_threshold = any(prune and prune.threshold is not None for prune in asked)
        self.scope.setEnabled(bool(scopes) and not by_threshold)
        self.scope.set_value(scopes.pop() if len(scopes) == 1 else "layer" if not scopes else None)

    def _show_amount(self, state: LayerState | None) -> None:
        by_threshold = self.unit.value == "threshold"
        amount = 0.0 if state is None or self._is_mixed else state.threshold if by_threshold else state.sparsity
        self.slider.set_value(amount, self._largest if by_threshold else 1.0)
        with QSignalBlocker(self.spin):
            self._set_spin_range(amount, by_threshold=by_threshold)
            # Shown instead of the least value, which no single amount is.
            text = "mixed" if self._is_mixed else ""
            if self.spin.specialValueText() != text:
                self.spin.setSpecialValueText(text)
            self.spin.setValue(amount if by_threshold else 100 * amount)

    def _set_spin_range(self, amount: float, *, by_threshold: bool) -> None:
        maximum = self._largest if by_threshold else 100.0
        decimals = magnitude_decimals(amount or maximum) if by_threshold else 1
        # Each of these lays out the whole window above, also where it stays as it is.
        if (by_threshold, maximum, decimals) != self._spin_range:
            self._spin_range = (by_threshold, maximum, decimals)
            self.spin.setSuffix("" if by_threshold else " %")
            self.spin.setDecimals(decimals)
            self.spin.setMaximum(maximum)
            self.spin.setSingleStep(maximum / 200 if by_threshold else 1.0)

    def _lay_out(self) -> None:
        rows = (
            ("Pruning", (self.pruning, self.scope)),
            ("Amount", (self.slider, self.unit, self.spin)),
            ("Settings", (self.page,)),
        )
        self.column.addLayout(make_form_rows(self, rows))
        for page in (self.weights, self.activations, self.channels):
            self._pages.addWidget(page)
        # What a plan says may be long: it scrolls, so that the card stays as tall as its forms.
        scroll = QScrollArea(self, widgetResizable=True)
        scroll.setWidget(self.plan)
        scroll.viewport().setAutoFillBackground(False)
        self.plan.setAutoFillBackground(False)
        scroll.setMinimumHeight(0)
        scroll.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._pages.addWidget(scroll)
        self.column.addWidget(self._pages)
        buttons = QHBoxLayout()
        buttons.addWidget(self.why)
        buttons.addStretch(1)
        buttons.addWidget(self.reset)
        buttons.addWidget(self.similar)
        self.column.addLayout(buttons)

    def _connect(self) -> None:
        self.pruning.chosen.connect(self.pruning_wished)
        self.scope.chosen.connect(self._on_scope)
        self.unit.chosen.connect(self._on_unit)
        self.slider.pressed.connect(self.amount_pressed)
        self.slider.moved.connect(self._on_slider)
        self.slider.released.connect(self.amount_released)
        self.spin.valueChanged.connect(self._on_spin)
        self.page.chosen.connect(self.show_page)
        self.weights.wished.connect(self.weights_wished)
        self.activations.wished.connect(self.activations_wished)
        self.why.clicked.connect(self._on_why)
        self.reset.clicked.connect(self.reset_wished)
        self.similar.clicked.connect(self.similar_wished)

    def _on_why(self) -> None:
        self.show_page("plan")

    def _on_scope(self, scope: str) -> None:
        self.scope_wished.emit(scope)

    def _on_unit(self, unit: str) -> None:
        self._show_amount(self._first)

    def _on_slider(self, value: float) -> None:
        self.amount_moved.emit(str(self.unit.value), value)

    def _on_spin(self, value: float) -> None:
        self.amount_moved.emit(str(self.unit.value), value if self.unit.value == "threshold" else value / 100)
