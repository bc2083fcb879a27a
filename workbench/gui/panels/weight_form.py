"""How the weights of the selected layers are quantized, as a form."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from workbench.engine.core.granularity import PerGroup, parse_granularity
from workbench.engine.core.recipe import FLOAT, LayerSettings, WeightRule, WeightSettings
from workbench.gui.panels.settings_in_common import in_common
from workbench.gui.theme import Theme
from workbench.gui.widgets.form_rows import make_form_rows
from workbench.gui.widgets.segmented import Segmented
from workbench.gui.widgets.switch import Switch

_BITS = ((FLOAT, "FP32"), *((bits, str(bits)) for bits in (8, 7, 6, 5, 4, 3, 2)))
_PER_GROUP = "per_group"
_SCALES = (("per_tensor", "Per tensor"), ("per_channel", "Per channel"), (_PER_GROUP, "Per group"))
_RANGES = (("minmax", "Min/max"), ("percentile", "Percentile"), ("mse", "MSE"))
_ROUNDINGS = (("nearest", "Nearest"), ("learned", "Learned on samples"))
_GROUP_SIZE = 32
# Below the smallest group; shown as a dash where sizes differ or there are none.
_NO_SIZE = 1


class WeightForm(QWidget):
    """Shows settings and emits wishes: `wished(WeightRule)` with the one setting that was chosen."""

    wished = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bits = Segmented(theme, "Weight bits", _BITS, self)
        self.scales = Segmented(theme, "Scales", _SCALES, self)
        self.group_size = QSpinBox(self, minimum=_NO_SIZE, maximum=4096)
        self.group_size.setSpecialValueText("–")
        self.group_size.setKeyboardTracking(False)
        self.group_size.setAccessibleName("Weights in a group")
        self.range = Segmented(theme, "Range of weights", _RANGES, self)
        self.rounding = Segmented(theme, "Rounding", _ROUNDINGS, self)
        self.symmetric = Switch(theme, "Symmetric", self)
        self.bias_correction = Switch(theme, "Bias correction", self)
        self.reduce_range = Switch(theme, "Reduce range", self)
        self._controls = (
            self.bits,
            self.scales,
            self.group_size,
            self.range,
            self.rounding,
            self.symmetric,
            self.bias_correction,
            self.reduce_range,
        )
        self._tips = {
            self.group_size: "How many weights that are summed into one output share a scale",
            self.rounding: "Learned: the codes that keep the layer's outputs on the calibration samples; takes a while",
            self.symmetric: "Zero lies in the middle of the codes",
            self.bias_correction: "The bias takes back what the weights' error does to the outputs' mean",
            self.reduce_range: "8-bit codes stay within 7 bits, so that no older CPU saturates when it adds products",
        }
        rows = (
            ("Bits", (self.bits,)),
            ("Scales", (self.scales, self.group_size)),
            ("Range", (self.range,)),
            ("Rounding", (self.rounding,)),
            ("", (self.symmetric, self.bias_correction, self.reduce_range)),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(make_form_rows(self, rows))
        column.addStretch(1)
        self._connect()

    def show_settings(self, asked: Sequence[LayerSettings], reason: str = "") -> None:
        """Show what is asked of the layers that can be quantized; where they differ, no choice is marked.

        Args:
            asked: each of the different settings once; empty where no layer can be quantized.
            reason: why none can.
        """
        weights = [item.weights for item in asked if item.weights is not None]
        self.bits.setEnabled(bool(asked))
        self.bits.set_value(in_common(asked, lambda item: item.weights.bits if item.weights else FLOAT))
        for control in self._controls[1:]:
            control.setEnabled(bool(weights))
        self.scales.set_value(in_common(weights, _kind_of_scales))
        self._show_group_size(weights)
        self.range.set_value(in_common(weights, lambda item: item.range))
        self.rounding.set_value(in_common(weights, lambda item: item.rounding))
        self.symmetric.set_state(in_common(weights, lambda item: item.symmetric))
        self.bias_correction.set_state(in_common(weights, lambda item: item.bias_correction))
        self.reduce_range.set_state(in_common(weights, lambda item: item.reduce_range))
        for control in self._controls:
            control.setToolTip(self._tips.get(control, "") if asked else reason)

    def _show_group_size(self, weights: Sequence[WeightSettings]) -> None:
        size = in_common(weights, _group_size)
        self.group_size.setEnabled(any(_group_size(item) for item in weights))
        with QSignalBlocker(self.group_size):
            self.group_size.setValue(size or _NO_SIZE)

    def _connect(self) -> None:
        self.bits.chosen.connect(self._on_bits)
        self.scales.chosen.connect(self._on_scales)
        self.group_size.valueChanged.connect(self._on_group_size)
        self.range.chosen.connect(self._on_range)
        self.rounding.chosen.connect(self._on_rounding)
        self.symmetric.toggled.connect(self._on_symmetric)
        self.bias_correction.toggled.connect(self._on_bias_correction)
        self.reduce_range.toggled.connect(self._on_reduce_range)

    def _on_bits(self, bits: int | str) -> None:
        self.wished.emit(WeightRule(bits=bits))

    def _on_scales(self, scales: str) -> None:
        self.wished.emit(WeightRule(granularity=f"{_PER_GROUP}_{_GROUP_SIZE}" if scales == _PER_GROUP else scales))

    def _on_group_size(self, size: int) -> None:
        if size > _NO_SIZE:
            self.wished.emit(WeightRule(granularity=f"{_PER_GROUP}_{size}"))

    def _on_range(self, estimator: str) -> None:
        self.wished.emit(WeightRule(range=estimator))

    def _on_rounding(self, rounding: str) -> None:
        self.wished.emit(WeightRule(rounding=rounding))

    def _on_symmetric(self, symmetric: bool) -> None:
        self.wished.emit(WeightRule(symmetric=symmetric))

    def _on_bias_correction(self, corrected: bool) -> None:
        self.wished.emit(WeightRule(bias_correction=corrected))

    def _on_reduce_range(self, reduced: bool) -> None:
        self.wished.emit(WeightRule(reduce_range=reduced))


def _kind_of_scales(weights: WeightSettings) -> str:
    return _PER_GROUP if _group_size(weights) else weights.granularity


def _group_size(weights: WeightSettings) -> int:
    """Weights in a group; 0 for other granularities."""
    granularity = parse_granularity(weights.granularity)
    return granularity.size if isinstance(granularity, PerGroup) else 0
