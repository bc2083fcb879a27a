import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from workbench.engine.core.recipe import Recipe
from workbench.gui.panels.distribution import DistributionPanel
from workbench.gui.panels.layer_state import LayerStates


@pytest.fixture
def panel(bench, theme, qtbot):
    states = LayerStates()
    reset = lambda *_: states.reset(bench.model, bench.recipe)  # noqa: E731 - what the layer panel does
    bench.model_changed.connect(reset)
    bench.recipe_changed.connect(reset)
    panel = DistributionPanel(bench, theme, states)
    qtbot.addWidget(panel)
    panel.resize(800, 700)
    panel.show()
    return panel


def weight() -> np.ndarray:
    return np.linspace(-1, 1, 20_001, dtype=np.float32).reshape(3, -1)


def drag_line(panel, start: float, values: list[float]) -> None:
    plot = panel.histogram.plot
    view = plot.getViewWidget()
    box = plot.getViewBox()
    height = box.viewRange()[1][1] / 2

    def place(value: float) -> QPointF:
        return QPointF(view.mapFromScene(box.mapViewToScene(QPointF(value, height))))

    viewport = view.viewport()

    def send(kind: QEvent.Type, value: float, held: Qt.MouseButton) -> None:
        at = place(value)
        button = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        where = QPointF(viewport.mapToGlobal(at.toPoint()))
        QApplication.sendEvent(viewport, QMouseEvent(kind, at, where, button, held, Qt.KeyboardModifier.NoModifier))

    send(QEvent.Type.MouseMove, start, Qt.MouseButton.NoButton)
    send(QEvent.Type.MouseButtonPress, start, Qt.MouseButton.LeftButton)
    for value in values:
        send(QEvent.Type.MouseMove, value, Qt.MouseButton.LeftButton)
    send(QEvent.Type.MouseButtonRelease, values[-1], Qt.MouseButton.NoButton)


def test_dragging_the_threshold_is_one_undo_step(panel, bench):
    bench.put(a=weight())
    bench.select(("a",))
    panel.histogram.set_threshold(0.2)
    panel.grab()

    drag_line(panel, 0.2, [0.25, 0.3, 0.35, 0.4])

    prune = bench.recipe.settings_for("a", "Conv").prune("weights")
    assert abs(prune.threshold - 0.4) < 0.01
    assert (bench.undo_stack.count(), bench.num_releases) == (1, 1)
    assert panel.histogram.left.value() == -panel.histogram.right.value()


def test_pruned_share_is_read_from_the_weights(panel, bench):
    # Uniform on [-1, 1]: |w| < 0.4 holds for 40 %.
    bench.put(a=weight())
    bench.select(("a",))

    panel.histogram.threshold_moved.emit(0.4)

    assert panel.pruned.value == "40.0 %"
    assert panel.threshold.value == "0.4000"


def test_undo_moves_the_lines_back(panel, bench):
    bench.put(a=weight())
    bench.select(("a",))
    panel.histogram.threshold_moved.emit(0.4)

    bench.undo_stack.undo()

    assert bench.recipe == Recipe()
    assert panel.histogram.right.value() == 0.0


def test_channels_are_sorted_by_range(panel, bench, qtbot):
    bench.put(a=np.array([[0.0, 0.1], [-3.0, 1.0], [0.0, 2.0]], np.float32))
    bench.select(("a",))

    qtbot.waitUntil(lambda: panel.channels.low.size == 3)
    np.testing.assert_allclose(panel.channels.low, [-3, 0, 0])
    np.testing.assert_allclose(panel.channels.high, [1, 2, 0.1], rtol=1e-6)


def test_axes_keep_their_room_whatever_is_counted(panel, bench):
    bench.put(few=np.linspace(-1, 1, 10, dtype=np.float32)[None], many=np.ones((300, 300), np.float32))
    bench.select(("few",))
    panel.grab()
    axis = panel.histogram.plot.getAxis("left")
    room = axis.width()

    bench.select(("many",))
    panel.grab()

    assert axis.width() == room


def test_plots_are_not_built_before_a_layer_is_shown(panel):
    assert panel.histogram is None


@pytest.mark.parametrize(
    "values",
    [np.full((2, 3), np.nan, np.float32), np.zeros((2, 3), np.float32), np.ones((1, 1), np.float32)],
    ids=["nan", "zeros", "one weight"],
)
def test_hostile_weights_are_drawn(panel, bench, values):
    bench.put(a=values)
    bench.select(("a",))
    panel.scale.chosen.emit(True)
    panel.histogram.threshold_moved.emit(0.5)

    assert not panel.grab().isNull()


def test_a_model_without_weights_says_so(panel, bench, make_model):
    bench.model = make_model()
    bench.model_changed.emit()

    assert panel.empty.text() == "This model has no weights."
