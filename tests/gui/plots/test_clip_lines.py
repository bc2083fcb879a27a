import pyqtgraph as pg
import pytest
from pytestqt.qtbot import QtBot

from workbench.gui.plots.clip_lines import ClipLines


@pytest.fixture
def plot(qtbot: QtBot) -> pg.PlotWidget:
    plot = pg.PlotWidget()
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    plot.setXRange(-1, 1, padding=0)
    plot.show()
    return plot


@pytest.mark.parametrize(
    ("ends", "anchors"),
    [
        pytest.param((-0.4, 0.4), (1, 0), id="outside where there is room"),
        pytest.param((-0.95, 0.95), (0, 1), id="inside at the edges"),
    ],
)
def test_a_label_is_never_cut_by_the_edge_of_the_plot(plot, ends: tuple[float, float], anchors: tuple[int, int]):
    clips = ClipLines(plot.getPlotItem())
    clips.show_range(*ends)

    clips.place_labels(0.5)

    # The side of the label that is held at its line: 0 for the left one.
    assert tuple(label.anchor.x() for label in clips.labels) == anchors
