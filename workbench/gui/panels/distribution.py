"""The weights of the selected layer: histogram with draggable thresholds, ranges of its channels, and figures."""

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QWidget

from workbench.engine.core.format import format_count, format_fraction, format_magnitude
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import LayerPreview
from workbench.engine.core.weight_curves import WeightCurves
from workbench.gui.panels import layer_edits
from workbench.gui.panels.gesture import Gesture
from workbench.gui.panels.layer_state import LayerState, LayerStates
from workbench.gui.panels.layers_model import shape_text
from workbench.gui.panels.plot_page import PlotPage
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.pill import Pill

if TYPE_CHECKING:  # a test hands in a double: the panel needs no more than its face
    from workbench.gui.document import Document
    from workbench.gui.plots.channel_plot import ChannelPlot
    from workbench.gui.plots.histogram_plot import HistogramPlot

_BEAT_MS = 40
_CHANNELS_HEIGHT, _LEAST_HEIGHT = 180, 110


class DistributionPanel(PlotPage):
    """Follows the first selected layer. Plots are built when the first layer is shown, not before."""

    def __init__(self, document: "Document", theme: Theme, states: LayerStates, parent: QWidget | None = None) -> None:
        super().__init__(document, theme, parent, is_log=False)
        self._states = states
        self._gesture = Gesture()
        self._curves: WeightCurves | None = None
        self._layer: Layer | None = None
        self._preview: LayerPreview | None = None
        self.histogram: HistogramPlot | None = None
        self.channels: ChannelPlot | None = None
        # The channels are drawn a beat behind the histogram, so that no move of a drag pays for both.
        self._beat = QTimer(self, interval=_BEAT_MS, singleShot=True)
        self._beat.timeout.connect(self._show_channels)
        self.scales_note = make_label("", "muted", self)
        self.bins = QSpinBox(self, minimum=20, maximum=1024, value=240, singleStep=20)
        self.bins.setKeyboardTracking(False)
        self.bins.setAccessibleName("Bins")
        self.pruned = Pill(theme, "pruned", "bad", self, keeps_room=True)
        self.threshold = Pill(theme, "threshold", parent=self, keeps_room=True)
        self.clipped = Pill(theme, "clipped", "warn", self, keeps_room=True)
        self.sqnr = Pill(theme, "SQNR", parent=self, keeps_room=True)
        self.sigma = Pill(theme, "σ", parent=self, keeps_room=True)
        self.kurtosis = Pill(theme, "kurtosis", parent=self, keeps_room=True)
        pills = (self.pruned, self.threshold, self.clipped, self.sqnr, self.sigma, self.kurtosis)
        self.lay_out(controls=(make_label("Bins", "muted", self), self.bins), pills=pills)
        document.model_changed.connect(self._on_selection)
        document.selection_changed.connect(self._on_selection)
        document.recipe_changed.connect(self._on_recipe)
        document.looks.previewed.connect(self._on_previewed)
        self.bins.valueChanged.connect(self._on_bins)
        self.scale.chosen.connect(self._on_scale)
        self._on_selection()

    @property
    def layer(self) -> Layer | None:
        """The layer that is shown."""
        return self._layer

    @property
    def has_curves(self) -> bool:
        """Whether the tables of the shown layer have arrived."""
        return self._curves is not None

    def _ensure_plots(self) -> None:
        """Build the plots now: importing pyqtgraph takes as long as opening the rest of the window."""
        if self.histogram is not None:
            return
        from workbench.gui.plots.channel_plot import ChannelPlot
        from workbench.gui.plots.histogram_plot import HistogramPlot

        self.histogram = HistogramPlot(self._theme, self)
        self.channels = ChannelPlot(self._theme, self)
        self.channels.setMinimumHeight(_LEAST_HEIGHT)
        self.channels.setMaximumHeight(_CHANNELS_HEIGHT)
        self.histogram.setMinimumHeight(_LEAST_HEIGHT)
        self.histogram.threshold_pressed.connect(self._on_pressed)
        self.histogram.threshold_moved.connect(self._on_threshold)
        self.histogram.threshold_released.connect(self._on_released)
        self.plots.addWidget(self.histogram, 2)
        title = QHBoxLayout()
        title.addWidget(make_label("Per-channel range and clipping", "strong", self))
        title.addStretch(1)
        title.addWidget(self.scales_note)
        self.plots.addLayout(title)
        self.plots.addWidget(self.channels, 1)

    @Slot()
    def _on_selection(self) -> None:
        layer = self.selected_layer()
        if layer is self._layer and layer is not None:
            return
        self._layer, self._curves, self._preview = layer, None, None
        if layer is None or layer.statistics is None:
            self.say(self._why_empty(layer))
            return
        self._ensure_plots()
        self.name.setText(layer.name)
        macs = f" · {format_count(layer.macs)} MACs" if layer.macs is not None else ""
        bad = layer.statistics.num_not_finite
        warning = f" · {format_count(bad)} weights are NaN or infinite" if bad else ""
        self.facts.setText(
            f"{layer.op_type} · {shape_text(layer)} · {format_count(layer.num_params)} params{macs}{warning}"
        )
        self._show_curves(None)
        self._show_figures()
        self.show_plots()
        self._document.looks.request_curves(layer.name, self._on_curves)

    def _why_empty(self, layer: Layer | None) -> str:
        if layer is not None:
            return f"{layer.name}: {layer.reason or 'its weights were not read'}"
        if self._document.model is None:
            return ""
        return "Select a layer to see its weights." if self._document.model.layers else "This model has no weights."

    @Slot(str, object)
    def _on_curves(self, name: str, curves: WeightCurves) -> None:
        if self._layer is None or name != self._layer.name:
            return
        self._curves = curves
        self._states.take_curves(name, curves)
        self._show_curves(curves)
        self._show_figures()
        self._show_preview()

    @Slot(object, object)
    def _on_recipe(self, old: Recipe, new: Recipe) -> None:
        if self._layer is None or self._layer.statistics is None:
            return
        if old.settings_for(self._layer.name, self._layer.op_type) != self._state().settings:
            self._show_figures()

    @Slot(object)
    def _on_previewed(self, preview: LayerPreview) -> None:
        if self._layer is not None and preview.layer == self._layer.name:
            self._preview = preview
            self._show_preview()

    def _show_curves(self, curves: WeightCurves | None) -> None:
        if self.histogram is None or self.channels is None:
            return
        self.histogram.show_curves(curves)
        if curves is None:
            self.channels.show_curves(None)
            self._beat.stop()
        else:
            self._beat.start()

    @Slot()
    def _show_channels(self) -> None:
        if self.channels is not None:
            self.channels.show_curves(self._curves)
            self._show_preview()

    def _state(self) -> LayerState:
        assert self._layer is not None
        return self._states.of(self._layer)

    def _show_figures(self) -> None:
        """What can be read from the tables at once; the worker's own figures follow."""
        state = self._state()
        threshold, sparsity = state.threshold, state.sparsity
        if self._curves is not None:
            sparsity = self._curves.sparsity_at(threshold) if threshold > 0 else sparsity
            self.sigma.set_value(f"{self._curves.std:.4f}")
            self.kurtosis.set_value(f"{self._curves.kurtosis:.1f}")
        self._show_threshold(threshold)
        self.pruned.set_value(format_fraction(sparsity))
        if state.bits is None:
            self.clipped.set_value("none")
            if self._preview is None or self._preview.recipe_digest != self._document.recipe.digest:
                self.sqnr.set_value("exact" if sparsity <= 0 else "…")
            self._show_clip(None)
        else:
            self.clipped.set_value("…")
            self.sqnr.set_value("…")
        self.scales_note.setText(
            state.settings.weights.granularity.replace("_", " ") + " scales" if state.settings.weights else "float"
        )

    def _show_preview(self) -> None:
        preview = self._preview
        if preview is None or self._curves is None or preview.recipe_digest != self._document.recipe.digest:
            return
        self._states.take_preview(preview)
        self.sqnr.set_value("exact" if math.isinf(preview.sqnr_db) else f"{preview.sqnr_db:.1f} dB")
        quantized = preview.clip_low is not None
        self.clipped.set_value(format_fraction(preview.clipped) if quantized else "none")
        self._show_threshold(preview.threshold)
        self.pruned.set_value(format_fraction(preview.pruned))
        self._show_clip(preview if quantized else None)

    def _show_threshold(self, threshold: float) -> None:
        self.threshold.set_value(format_magnitude(threshold) if threshold > 0 else "none")
        if self._curves is not None and self.histogram is not None and threshold != self.histogram.threshold:
            self.histogram.set_threshold(threshold)

    def _show_clip(self, preview: LayerPreview | None) -> None:
        if self.histogram is None or self.channels is None:
            return
        self.histogram.set_clip(*((preview.clip_low, preview.clip_high) if preview else (None, None)))
        self.channels.set_clip(*((preview.channel_clip_low, preview.channel_clip_high) if preview else (None, None)))

    @Slot(float)
    def _on_threshold(self, threshold: float) -> None:
        model = self._document.model
        if model is None or self._layer is None or not self._layer.prunable:
            return
        recipe = layer_edits.with_threshold(self._document.recipe, model, (self._layer,), threshold)
        if recipe != self._document.recipe:
            text = f"Threshold of {self._layer.name}"
            self._document.edit(recipe, text, gesture=self._gesture.token(text))

    @Slot()
    def _on_pressed(self) -> None:
        self._gesture.begin()
        self._document.pressed()

    @Slot()
    def _on_released(self) -> None:
        self._gesture.end()
        self._document.released()

    @Slot(int)
    def _on_bins(self, bins: int) -> None:
        if self.histogram is not None:
            self.histogram.set_num_bins(bins)

    @Slot(object)
    def _on_scale(self, log: object) -> None:
        if self.histogram is not None:
            self.histogram.set_log(bool(log))
