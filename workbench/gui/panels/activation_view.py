"""What goes into the selected layer, or comes out of it, on samples: histogram, powers of two, channels, figures."""

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QGridLayout, QWidget

from workbench.engine.core.format import format_fraction, format_magnitude
from workbench.engine.core.layer import Layer
from workbench.engine.core.quantization_reports import ActivationPreview, LayerActivations
from workbench.gui.panels.plot_page import PlotPage
from workbench.gui.quantized_histogram import Fate, share_of
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.pill import Pill

if TYPE_CHECKING:  # a test hands in a double: the view needs no more than its face
    from workbench.gui.document import Document
    from workbench.gui.plots.activation_plot import ActivationPlot
    from workbench.gui.plots.channel_plot import ChannelPlot
    from workbench.gui.plots.octave_plot import OctavePlot

WORKING_MS = 150
NO_SAMPLES = (
    "No samples are open, so nothing is known of activations.\n"
    "Open data (Ctrl+D) or calibration samples (Ctrl+K) to see what flows through this layer."
)

_MOST_HEIGHT, _LEAST_HEIGHT = 180, 100


class ActivationView(PlotPage):
    """Asks for the shown layer only while it is looked at: the first answer runs all calibration samples."""

    def __init__(self, document: "Document", theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(document, theme, parent, is_log=True)
        self._side = ""
        self._found: LayerActivations | None = None
        self.histogram: ActivationPlot | None = None
        self.octaves: OctavePlot | None = None
        self.channels: ChannelPlot | None = None
        self._working = QTimer(self, interval=WORKING_MS, singleShot=True)
        self._working.timeout.connect(self._on_working)
        self.state = make_label("", "muted", self)
        self.range = Pill(theme, "range", parent=self, keeps_room=True)
        self.clipped = Pill(theme, "clipped", "warn", self, keeps_room=True)
        self.underflow = Pill(theme, "underflow", "bad", self, keeps_room=True)
        self.sqnr = Pill(theme, "SQNR", parent=self, keeps_room=True)
        self.step = Pill(theme, "step", parent=self, keeps_room=True)
        self.octave_note = make_label("", "muted", self)
        # On one line it would make the whole window wider.
        self.octave_note.setWordWrap(True)
        self.why = make_label("", "muted", self)
        self.why.setWordWrap(True)
        pills = (self.range, self.clipped, self.underflow, self.sqnr, self.step)
        self.lay_out(notes=(self.state,), pills=pills, remarks=(self.why,))
        for signal in (document.model_changed, document.selection_changed, document.dataset_changed):
            signal.connect(self._refresh)
        document.recipe_changed.connect(self._on_recipe)
        document.activations.arrived.connect(self._on_arrived)
        document.activations.failed.connect(self._on_failed)
        self.scale.chosen.connect(self._on_scale)

    def look_at(self, side: str) -> None:
        """Show "input" or "output" of the selected layer; "" while nobody looks."""
        self._side = side
        self._refresh()

    @property
    def has_answer(self) -> bool:
        """Whether what is shown is of the layer and the recipe as they are now."""
        layer, found = self.selected_layer(), self._found
        if layer is None or found is None:
            return False
        return (found.layer, found.recipe_digest) == (layer.name, self._document.recipe.digest)

    def _ensure_plots(self) -> None:
        """Build the plots when the first answer is shown: they cost an import of half a second."""
        if self.histogram is not None:
            return
        from workbench.gui.plots.activation_plot import ActivationPlot
        from workbench.gui.plots.channel_plot import ChannelPlot
        from workbench.gui.plots.octave_plot import OctavePlot

        self.histogram = ActivationPlot(self._theme, self)
        self.octaves = OctavePlot(self._theme, self)
        self.channels = ChannelPlot(self._theme, self, what="channel")
        self.histogram.set_log(bool(self.scale.value))
        self.histogram.setMinimumHeight(_LEAST_HEIGHT)
        self.plots.addWidget(self.histogram, 2)
        below = QGridLayout()
        below.setColumnStretch(0, 1)
        below.setColumnStretch(1, 1)
        titles = ("Dynamic range", "Per-channel range and clipping")
        for column, (title, plot) in enumerate(zip(titles, (self.octaves, self.channels), strict=True)):
            plot.setMinimumHeight(_LEAST_HEIGHT)
            plot.setMaximumHeight(_MOST_HEIGHT)
            below.addWidget(make_label(title, "strong", self), 0, column)
            below.addWidget(plot, 1, column)
        below.addWidget(self.octave_note, 2, 0, 1, 2)
        self.plots.addLayout(below, 1)

    @Slot(object, object)
    def _on_recipe(self, old: object, new: object) -> None:
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        """Show what is known; ask for the rest."""
        if not self._side:
            return
        layer = self.selected_layer()
        if layer is None:
            self.say("Select a layer to see its activations." if self._document.model is not None else "")
            return
        found = self._document.activations.find(layer.name, self._document.recipe)
        if found is not None:
            self._on_arrived(found)
            return
        self._working.start()
        if self._found is None or self._found.layer != layer.name:
            self.say("")

    @Slot()
    def _on_working(self) -> None:
        self.empty.setText("Working…")
        self.state.setText("Working…")

    @Slot(object)
    def _on_arrived(self, found: LayerActivations) -> None:
        layer = self.selected_layer()
        if not self._side or layer is None or found.layer != layer.name:
            return
        self._found = found
        if self.has_answer:
            self._working.stop()
        self.state.setText("" if self.has_answer else "of an earlier recipe")
        preview = next((item for item in found.tensors if item.is_input is (self._side == "input")), None)
        if preview is not None:
            self._show(layer, preview, found.why)
        elif not found.tensors and "samples" in found.why:
            self.say(NO_SAMPLES)
        else:
            self.say(f"{layer.name}: {found.why or 'this tensor is not in the graph'}")

    @Slot(str, str)
    def _on_failed(self, layer: str, text: str) -> None:
        shown = self.selected_layer()
        if shown is not None and shown.name == layer:
            self._working.stop()
            self.say(text)

    def _show(self, layer: Layer, preview: ActivationPreview, why: str) -> None:
        self._ensure_plots()
        assert self.histogram is not None
        assert self.octaves is not None
        assert self.channels is not None
        self.name.setText(layer.name)
        self.facts.setText(f"{self._side} · {_settings_text(preview)} · {preview.num_samples} samples")
        self.facts.setToolTip(f"tensor {preview.tensor}")
        self.why.setText(why)
        self.why.setVisible(bool(why))
        self.histogram.show_preview(preview)
        self.octaves.show_preview(preview)
        self.channels.show_ranges(preview.channel_low, preview.channel_high)
        self._show_figures(preview)
        self.show_plots()

    def _show_figures(self, preview: ActivationPreview) -> None:
        assert self.channels is not None
        self.range.set_value(f"{preview.low:.3g} … {preview.high:.3g}".replace("-", "−"))
        is_quantized = preview.scale is not None
        lost = share_of(preview, Fate.UNDERFLOWS)
        self.clipped.set_value(format_fraction(preview.clipped, 2) if is_quantized else "none")
        self.underflow.set_value(format_fraction(lost, 2) if is_quantized else "none")
        self.sqnr.set_value("exact" if math.isinf(preview.sqnr_db) else f"{preview.sqnr_db:.1f} dB")
        self.step.set_value(format_magnitude(preview.scale) if preview.scale is not None else "none")
        self.octave_note.setText(
            "Red underflows to zero (below half a step), orange is clipped; paler bars are so in part."
            if is_quantized
            else "In float nothing underflows and nothing is clipped."
        )
        clips = (preview.clip_low, preview.clip_high)
        self.channels.set_clip(*(_array(value) for value in clips))

    @Slot(object)
    def _on_scale(self, log: object) -> None:
        if self.histogram is not None:
            self.histogram.set_log(bool(log))


def _array(value: float | None) -> npt.NDArray[np.float32] | None:
    return None if value is None else np.array([value], np.float32)


def _settings_text(preview: ActivationPreview) -> str:
    settings = preview.settings
    if settings is None:
        return "float"
    if settings.is_dynamic:
        return f"{settings.bits} bit, ranges at run time"
    return f"{settings.bits} bit{'' if settings.bits == 8 else ' simulated'}, by {settings.range}"
