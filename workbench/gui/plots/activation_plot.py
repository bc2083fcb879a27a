"""Histogram of an activation tensor, before and after quantization, with the range that is kept."""

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from workbench.engine.core.quantization_reports import ActivationPreview
from workbench.gui.plots.clip_lines import ClipLines
from workbench.gui.plots.plot_frame import dress_plot, make_plot, make_steps
from workbench.gui.quantized_histogram import code_steps
from workbench.gui.theme import Theme


class ActivationPlot(QWidget):
    """Bars are the values in float; the line over them is what they become, one step a code."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._preview: ActivationPreview | None = None
        self._log = True
        self.plot = make_plot(self, "activation value", "count")
        self.setAccessibleName("Histogram of activations")
        self.before = make_steps(0)
        self.after = make_steps()
        for item in (self.before, self.after):
            self.plot.addItem(item)
        self.clips = ClipLines(self.plot)
        self.plot.getViewBox().sigRangeChanged.connect(self._place_labels)
        theme.changed.connect(self._dress)
        self._dress()
        self.show_preview(None)

    def set_log(self, log: bool) -> None:
        """Count on a logarithmic axis, or on a linear one."""
        self._log = log
        self.show_preview(self._preview)

    def show_preview(self, preview: ActivationPreview | None) -> None:
        """Show another tensor, or nothing."""
        self._preview = preview
        self.before.setVisible(preview is not None)
        self._show_after(preview)
        self._show_clip(preview)
        self.plot.setLabel("left", "count, log₁₀(1 + n)" if self._log else "count")
        if preview is None:
            return
        counts = self._heights(preview.counts.astype(np.float64))
        self.before.setData(preview.edges, counts)
        low = min(float(preview.edges[0]), preview.clip_low if preview.clip_low is not None else np.inf)
        high = max(float(preview.edges[-1]), preview.clip_high if preview.clip_high is not None else -np.inf)
        margin = 0.04 * ((high - low) or 1.0)
        self.plot.setXRange(low - margin, high + margin, padding=0)
        self.plot.setYRange(0, max(1e-9, float(counts.max()) * 1.12), padding=0)

    def _show_after(self, preview: ActivationPreview | None) -> None:
        steps = code_steps(preview) if preview is not None else None
        self.after.setVisible(steps is not None)
        if steps is not None:
            self.after.setData(steps.edges, self._heights(steps.counts))

    def _show_clip(self, preview: ActivationPreview | None) -> None:
        values = (preview.clip_low, preview.clip_high) if preview is not None else (None, None)
        self.clips.show_range(*values)
        self._place_labels()

    def _heights(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.log10(1 + counts) if self._log else counts

    def _place_labels(self) -> None:
        self.clips.place_labels(self.plot.getViewBox().viewRange()[1][1] * 0.98)

    def _dress(self) -> None:
        color = self._theme.color
        dress_plot(self.plot, self._theme)
        self.before.setBrush(color("bar"))
        self.before.setPen(pg.mkPen(None))
        self.after.setPen(pg.mkPen(color("text"), width=1.2))
        self.clips.dress(self._theme)
