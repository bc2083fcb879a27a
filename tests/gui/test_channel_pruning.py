"""Channels pruned in the real window, on the real engine: what a person sees and what is written."""

import json
import shlex
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from workbench.engine.core.format import format_bytes, format_count
from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.gui.panels.channel_edits import ChannelWish
from workbench.gui.panels.layers_model import CHANNELS_ROLE, IN_GROUP_ROLE, Column
from workbench.project.recipe_text import parse_recipe
from workbench.session import Session

_LONG_MS = 30_000
_GROUP = ("stem", "residual_2", "project")


@pytest.fixture
def pruning_window(demo_window, qtbot):
    """The demo's window, with the channels of one layer in front."""
    document = demo_window.document
    qtbot.waitUntil(
        lambda: document.channels.now.channels is not None and len(document.channels.criteria) > 0, timeout=_LONG_MS
    )
    document.select(("project",))
    demo_window.layers.card.show_page("channels")
    demo_window.distributions.show_side("channels")
    qtbot.waitUntil(lambda: demo_window.channels.has_scores, timeout=_LONG_MS)
    return demo_window


def _send(widget, kind: QEvent.Type, at: QPointF) -> None:
    moves = kind is QEvent.Type.MouseMove
    button = Qt.MouseButton.NoButton if moves else Qt.MouseButton.LeftButton
    held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
    place = QPointF(widget.mapToGlobal(at.toPoint()))
    QApplication.sendEvent(widget, QMouseEvent(kind, at, place, button, held, Qt.KeyboardModifier.NoModifier))


def _drag_slider(window, shares: list[float]) -> None:
    slider = window.layers.card.channels.slider
    places = [QPointF(8 + share * (slider.width() - 16), slider.height() / 2) for share in shares]
    _send(slider, QEvent.Type.MouseButtonPress, places[0])
    for place in places[1:]:
        _send(slider, QEvent.Type.MouseMove, place)
    _send(slider, QEvent.Type.MouseButtonRelease, places[-1])


def _scored_by(window) -> str:
    """The criterion of the scores that have arrived."""
    found = window.document.importance.find("project", window.document.recipe)
    return found.criterion if found is not None else ""


def _counts(window) -> dict[str, tuple[int, int]]:
    """What the table shows of each layer that loses channels."""
    model = window.layers.model
    cells = {
        layer.name: model.index(row, Column.PRUNE).data(CHANNELS_ROLE)
        for row, layer in enumerate(window.document.model.layers)
    }
    return {name: (left.left, left.whole) for name, left in cells.items() if left is not None}


def _rows_of(path: Path, layer: str) -> np.ndarray:
    graph = onnx.load(path).graph
    node = next(node for node in graph.node if node.name == layer)
    return next(numpy_helper.to_array(one) for one in graph.initializer if one.name == node.input[1])


def test_layers_of_a_group_move_together_in_one_undo_step(pruning_window):
    document = pruning_window.document
    before, steps = document.recipe, document.undo_stack.count()

    _drag_slider(pruning_window, [0.1, 0.2, 0.35, 0.5])

    assert _counts(pruning_window) == dict.fromkeys(_GROUP, (12, 24))
    assert len(document.recipe.rules) == 1
    assert document.undo_stack.count() == steps + 1
    document.undo_stack.undo()
    assert document.recipe is before
    assert _counts(pruning_window) == {}


def test_the_group_is_named_and_its_layers_are_marked(pruning_window):
    model = pruning_window.layers.model

    marked = [
        layer.name
        for row, layer in enumerate(pruning_window.document.model.layers)
        if model.index(row, Column.LAYER).data(IN_GROUP_ROLE)
    ]

    assert pruning_window.layers.card.channels.title.text() == "group stem · 3 layers"
    assert tuple(marked) == _GROUP


def test_dragging_the_cut_removes_the_least_important_channels(pruning_window):
    plot, document = pruning_window.channels.importance, pruning_window.document
    pruning_window.grab()
    view, box = plot.plot.getViewWidget(), plot.plot.getViewBox()
    height = box.viewRange()[1][1] / 2
    steps = document.undo_stack.count()
    places = [QPointF(view.mapFromScene(box.mapViewToScene(QPointF(x, height)))) for x in (0, 10, 20, 25)]

    _send(view.viewport(), QEvent.Type.MouseMove, places[0])
    _send(view.viewport(), QEvent.Type.MouseButtonPress, places[0])
    for place in places[1:]:
        QApplication.sendEvent(
            view.viewport(),
            QMouseEvent(
                QEvent.Type.MouseMove,
                place,
                QPointF(view.viewport().mapToGlobal(place.toPoint())),
                Qt.MouseButton.NoButton,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            ),
        )
    _send(view.viewport(), QEvent.Type.MouseButtonRelease, places[-1])

    assert document.channels.now.asked["stem"].prune.ratio == pytest.approx(0.25, abs=0.02)
    assert plot.num_gone == (6,)
    assert pruning_window.channels.stay.value == "18 of 24"
    assert document.undo_stack.count() == steps + 1


def test_the_strip_shows_the_very_channels_that_the_file_has_left(pruning_window, demo_folder, qtbot, tmp_path):
    pruning_window.layers.edits.set_channels(ChannelWish(ratio=0.4, criterion="l1"))
    strip = pruning_window.channels.strip

    qtbot.waitUntil(lambda: _scored_by(pruning_window) == "l1", timeout=_LONG_MS)
    path = tmp_path / "out.onnx"
    session = Session()
    session.open_model(demo_folder / "digits.onnx")
    session.export(pruning_window.document.recipe, path)

    assert strip.kept.sum() == 14
    whole = _rows_of(demo_folder / "digits.onnx", "stem")
    np.testing.assert_array_equal(_rows_of(path, "stem"), whole[strip.kept])


def test_totals_and_size_are_those_of_the_written_file(pruning_window, demo_folder, tmp_path):
    document, preview = pruning_window.document, pruning_window.preview
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=6)), "Bits")
    _drag_slider(pruning_window, [0.1, 0.5])

    estimated, shown = preview.sizes.total_bytes, preview.disk_size.badge.text
    session, path = Session(), tmp_path / "out.onnx"
    session.open_model(demo_folder / "digits.onnx")
    session.export(document.recipe, path)

    left = Session().open_model(path)
    assert preview.totals.cell("MACs", "now") == format_count(left.macs)
    assert preview.totals.cell("MACs", "original") == format_count(document.model.macs)
    assert preview.sizes.num_params < document.model.num_params
    assert estimated == pytest.approx(path.stat().st_size, rel=0.01)
    assert shown == "ESTIMATED"


def test_the_exact_size_takes_the_place_of_the_estimate(pruning_window, qtbot):
    document, preview = pruning_window.document, pruning_window.preview

    _drag_slider(pruning_window, [0.1, 0.5])
    qtbot.waitUntil(lambda: document.figures.exact_bytes is not None, timeout=_LONG_MS)

    shown = f"{preview.disk_size.value.text()} {preview.disk_size.unit.text()}"
    assert shown == format_bytes(document.figures.exact_bytes)
    assert preview.disk_size.badge.text == "MEASURED"


def test_a_number_that_is_no_multiple_of_eight_is_marked(pruning_window):
    edits, model = pruning_window.layers.edits, pruning_window.layers.model
    cell = model.index(model.row_of("stem"), Column.PRUNE)

    edits.set_channels(ChannelWish(ratio=0.4))

    # Any number was chosen: a hint, and no warning.
    assert "14 is no multiple of 8" in cell.data(Qt.ItemDataRole.ToolTipRole)
    assert pruning_window.channels.odd.value == "no: 14"
    assert not cell.data(CHANNELS_ROLE).falls_short
    assert "⚠" not in pruning_window.layers.card.channels.left.value
    edits.set_channels(ChannelWish(multiple_of=8))
    assert cell.data(CHANNELS_ROLE).left == 16
    assert "multiple" not in cell.data(Qt.ItemDataRole.ToolTipRole)
    assert pruning_window.channels.odd.value == "yes"


def test_a_multiple_of_eight_that_was_asked_and_is_not_reached_is_a_warning(pruning_window):
    edits, model = pruning_window.layers.edits, pruning_window.layers.model
    cell = model.index(model.row_of("stem"), Column.PRUNE)

    # More than the layer has: it is dropped.
    edits.set_channels(ChannelWish(ratio=0.4, multiple_of=32))

    assert cell.data(CHANNELS_ROLE).falls_short
    assert pruning_window.channels.odd.value == "⚠ no: 14"
    assert pruning_window.layers.card.channels.left.value.endswith("⚠")


def test_a_layer_whose_channels_stay_says_why(pruning_window):
    pruning_window.document.select(("head",))

    form = pruning_window.layers.card.channels
    assert form.reason.isVisible()
    assert not form.slider.isVisible()
    assert "output scores" in form.reason.text()
    assert "output scores" in pruning_window.channels.empty.text()


def test_plugins_criteria_are_offered_and_tell_other_channels(pruning_window, qtbot):
    form = pruning_window.layers.card.channels
    names = [form.criterion.itemData(row) for row in range(form.criterion.count())]

    form.criterion.activated.emit(names.index("next_layer"))
    qtbot.waitUntil(lambda: _scored_by(pruning_window) == "next_layer", timeout=_LONG_MS)

    assert pruning_window.document.channels.now.asked["stem"].criterion == "next_layer"
    assert pruning_window.channels.criterion.value == "next layer"


def test_one_target_over_several_groups_shows_what_the_engine_plans(pruning_window, qtbot):
    document = pruning_window.document
    document.select(("project", "expand"))

    pruning_window.layers.edits.set_channels(ChannelWish(ratio=0.3))
    pruning_window.layers.edits.set_channels(ChannelWish(scope="global"))
    qtbot.waitUntil(lambda: document.plans.is_current and not document.channels.now.is_spread, timeout=_LONG_MS)

    planned = {entry.group: entry.kept for entry in document.plans.plan.groups}
    assert set(planned) == {"stem", "expand"}
    assert dict(document.channels.now.kept) == planned
    assert len(document.recipe.rules) == 1


def test_one_target_by_a_criterion_of_samples_is_final_once_they_have_been_run(pruning_window, qtbot):
    document = pruning_window.document
    document.select(("project", "expand"))
    pruning_window.layers.edits.set_channels(ChannelWish(ratio=0.3))
    pruning_window.layers.edits.set_channels(ChannelWish(criterion="activation_magnitude"))

    pruning_window.layers.edits.set_channels(ChannelWish(scope="global"))
    qtbot.waitUntil(lambda: document.plans.is_current and not document.channels.now.is_spread, timeout=_LONG_MS)

    assert not document.plans.plan.awaits_samples
    assert dict(document.channels.now.kept) == {entry.group: entry.kept for entry in document.plans.plan.groups}


def test_the_export_says_how_the_channels_were_proven(pruning_window, qtbot, tmp_path):
    pruning_window.layers.edits.set_channels(ChannelWish(ratio=0.5))
    pruning_window.all_actions["export"].trigger()
    dialog = pruning_window.jobs.export_dialog
    dialog.path.setText(str(tmp_path / "out.onnx"))

    dialog.start.click()
    qtbot.waitUntil(lambda: not dialog.is_running and dialog.outcome.isVisible(), timeout=_LONG_MS)

    assert "proven: as with them at zero" in dialog.outcome.text()
    assert (tmp_path / "out.onnx").is_file()
    dialog.close()


def test_the_copied_command_and_script_hold_the_same_recipe(pruning_window):
    pruning_window.layers.edits.set_channels(ChannelWish(ratio=0.5, criterion="geometric_median", multiple_of=4))
    recipe = pruning_window.document.recipe

    pruning_window.edits.copy_as_command()
    command = QApplication.clipboard().text()
    pruning_window.edits.copy_as_python()
    script = QApplication.clipboard().text()

    assert parse_recipe(shlex.split(command)[2]) == recipe
    assert parse_recipe(json.dumps(recipe.to_json())) == recipe
    (line,) = (line for line in script.splitlines() if line.startswith("recipe = "))
    assert eval(line.removeprefix("recipe = "), {"parse_recipe": parse_recipe}) == recipe


def test_a_project_brings_the_channels_back(pruning_window, answers, qtbot, tmp_path):
    document = pruning_window.document
    pruning_window.layers.edits.set_channels(ChannelWish(ratio=0.5))
    recipe, answers.path = document.recipe, tmp_path / "net.wbproj"
    pruning_window.all_actions["save_project"].trigger()
    qtbot.waitUntil(answers.path.is_file, timeout=_LONG_MS)
    document.undo_stack.undo()

    document.opening.open_project(answers.path)
    qtbot.waitUntil(lambda: document.recipe == recipe and document.channels.now.channels is not None, timeout=_LONG_MS)

    assert _counts(pruning_window) == dict.fromkeys(_GROUP, (12, 24))


def test_resetting_one_layer_resets_its_group(pruning_window):
    pruning_window.layers.edits.set_channels(ChannelWish(ratio=0.5))

    pruning_window.layers.edits.reset()

    assert pruning_window.document.recipe == Recipe()
    assert _counts(pruning_window) == {}


def test_a_criterion_that_nobody_knows_is_said(pruning_window, qtbot):
    document = pruning_window.document

    document.edit(Recipe().with_rule("stem", prune=Prune("filters", ratio=0.5, criterion="wisdom")), "Open")
    qtbot.waitUntil(lambda: "wisdom" in pruning_window.channels.empty.text(), timeout=_LONG_MS)

    assert pruning_window.layers.card.channels.remark.text() == "no criterion wisdom is known here"
