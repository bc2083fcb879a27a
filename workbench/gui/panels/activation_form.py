"""How what goes in and out of the selected layers is quantized, as a form."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.engine.core.recipe import DYNAMIC, FLOAT, ActivationRule, LayerSettings
from workbench.gui.panels.settings_in_common import in_common
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.form_rows import make_form_rows
from workbench.gui.widgets.segmented import Segmented
from workbench.gui.widgets.switch import Switch

_BITS = ((FLOAT, "FP32"), (16, "16"), (8, "8"), (4, "4 simulated"))
_RANGES = (
    ("minmax", "Min/max"),
    ("percentile", "Percentile"),
    ("entropy", "Entropy"),
    ("mse", "MSE"),
    (DYNAMIC, "Dynamic"),
)
_BITS_TIP = "ONNX Runtime has integer kernels for 8 bits; other widths show what they cost, and run in float"
_RANGE_TIP = "How the kept range is found on the calibration samples; dynamic: anew at every run, without samples"


class ActivationForm(QWidget):
    """Shows settings and emits wishes: `wished(ActivationRule)` with the one setting that was chosen."""

    wished = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bits = Segmented(theme, "Activation bits", _BITS, self)
        self.range = Segmented(theme, "Range of activations", _RANGES, self)
        self.symmetric = Switch(theme, "Symmetric", self)
        self.signed = Switch(theme, "Signed codes", self)
        self._tips: dict[QWidget, str] = {
            self.bits: _BITS_TIP,
            self.range: _RANGE_TIP,
            self.symmetric: "Zero lies in the middle of the codes",
            self.signed: "Codes are signed integers, as some targets want",
        }
        rows = (
            ("Bits", (self.bits,)),
            ("Range", (self.range,)),
            ("", (self.symmetric, self.signed)),
        )
        self.note = make_label("", "muted", self)
        self.note.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(make_form_rows(self, rows))
        column.addWidget(self.note)
        column.addStretch(1)
        self.bits.chosen.connect(self._on_bits)
        self.range.chosen.connect(self._on_range)
        self.symmetric.toggled.connect(self._on_symmetric)
        self.signed.toggled.connect(self._on_signed)

    def show_settings(self, asked: Sequence[LayerSettings], reason: str = "") -> None:
        """Show what is asked of the layers that can be quantized; where they differ, no choice is marked.

        Args:
            asked: each of the different settings once; empty where no layer can be quantized.
            reason: why none can.
        """
        activations = [item.activations for item in asked if item.activations is not None]
        self.bits.setEnabled(bool(asked))
        self.bits.set_value(in_common(asked, lambda item: item.activations.bits if item.activations else FLOAT))
        for widget in (self.range, self.symmetric, self.signed):
            widget.setEnabled(bool(activations))
        self.range.set_value(in_common(activations, lambda item: item.range))
        self.symmetric.set_state(in_common(activations, lambda item: item.symmetric))
        self.signed.set_state(in_common(activations, lambda item: item.signed))
        for control, tip in self._tips.items():
            control.setToolTip(tip if asked else reason)
        is_simulated = any(item.bits != 8 for item in activations)
        self.note.setText("Widths other than 8 are simulated: they show the accuracy, not a speed." * is_simulated)

    def _on_bits(self, bits: int | str) -> None:
        self.wished.emit(ActivationRule(bits=bits))

    def _on_range(self, estimator: str) -> None:
        self.wished.emit(ActivationRule(range=estimator))

    def _on_symmetric(self, symmetric: bool) -> None:
        self.wished.emit(ActivationRule(symmetric=symmetric))

    def _on_signed(self, signed: bool) -> None:
        self.wished.emit(ActivationRule(signed=signed))
