"""Share of the values by powers of two, with what quantization does to each."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from workbench.engine.core.quantization_reports import ActivationPreview
from workbench.gui.plots.plot_frame import dress_plot, make_plot
from workbench.gui.quantized_histogram import Fate, octave_fates
from workbench.gui.theme import Theme

# One value in a million is the least that a bar shows.
_DECADES = 6
_SHARES = ((0, "0.0001"), (2, "0.01"), (4, "1"), (6, "100"))
_MOST_NUMBERS = 9
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_TOKENS = {
    Fate.KEPT: ("bar", 255),
    Fate.PARTLY_UNDERFLOWS: ("bad", 110),
    Fate.UNDERFLOWS: ("bad", 255),
    Fate.PARTLY_CLIPPED: ("warn", 130),
    Fate.CLIPPED: ("warn", 255),
}
# The form says it too: what is lost whole is hatched.
_HATCHED = {Fate.UNDERFLOWS: Qt.BrushStyle.BDiagPattern, Fate.CLIPPED: Qt.BrushStyle.FDiagPattern}


class OctavePlot(QWidget):
    """A bar an octave, on a logarithmic axis: the rare ones are the ones that matter."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._preview: ActivationPreview | None = None
        self.fates: tuple[Fate, ...] = ()
        self.plot = make_plot(self, "magnitude, powers of two", "% of values")
        self.plot.getAxis("left").setTicks([_SHARES])
        self.setAccessibleName("Dynamic range by powers of two")
        self.bars = pg.BarGraphItem(x=[0], height=[0], width=0.86)
        self.plot.addItem(self.bars)
        theme.changed.connect(self._dress)
        self._dress()

    def show_preview(self, preview: ActivationPreview | None) -> None:
        """Show another tensor, or nothing."""
        self._preview = preview
        is_shown = preview is not None and preview.octaves.size > 0
        self.bars.setVisible(is_shown)
        self.fates = octave_fates(preview) if preview is not None else ()
        if preview is None or not is_shown:
            return
        exponents = preview.first_octave + np.arange(preview.octaves.size)
        heights = np.maximum(0.0, _DECADES + np.log10(np.maximum(preview.octaves, 10.0**-_DECADES / 10)))
        brushes = [self._brush(fate) for fate in self.fates]
        pens = [pg.mkPen(self._theme.color(_TOKENS[fate][0])) for fate in self.fates]
        self.bars.setOpts(x=exponents, height=heights, width=0.86, brushes=brushes, pens=pens)
        step = -(-exponents.size // _MOST_NUMBERS)
        numbers = [(k, "2" + str(k).translate(_RAISED)) for k in exponents[::step].tolist()]
        self.plot.getAxis("bottom").setTicks([numbers])
        self.plot.setXRange(float(exponents[0]) - 0.7, float(exponents[-1]) + 0.7, padding=0)
        self.plot.setYRange(0, _DECADES * 1.04, padding=0)

    def _brush(self, fate: Fate) -> object:
        brush = pg.mkBrush(self._theme.color(*_TOKENS[fate]))
        if fate in _HATCHED:
            brush.setStyle(_HATCHED[fate])
        return brush

    def _dress(self) -> None:
        dress_plot(self.plot, self._theme)
        self.show_preview(self._preview)
