"""Samples of their own for calibration, in the real window: opened, shown, saved, and given up again."""

import shutil

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication

from workbench.engine.core.recipe import ActivationRule, Calibration, WeightRule
from workbench.gui.document import Document

_LONG_MS = 40_000


@pytest.fixture
def calibration_file(demo_folder, tmp_path):
    """The first forty of the demo's samples."""
    with np.load(demo_folder / "digits.npz") as arrays:
        np.savez(tmp_path / "calibration.npz", **{name: values[:40] for name, values in arrays.items()})
    shutil.copy(demo_folder / "digits.data.yaml", tmp_path / "calibration.data.yaml")
    return tmp_path / "calibration.npz"


def open_calibration(window, answers, qtbot, path) -> None:
    answers.path = path
    with qtbot.waitSignal(window.document.calibration.changed, timeout=_LONG_MS):
        window.calibration.file.click()


def test_the_form_opens_samples_and_they_are_shown_with_the_data(demo_window, answers, qtbot, calibration_file):
    assert demo_window.calibration.path.text().startswith("the open data, digits.npz")

    open_calibration(demo_window, answers, qtbot, calibration_file)

    assert demo_window.calibration.path.text() == "calibration.npz (40)"
    items = [demo_window.title_bar.data.itemText(row) for row in range(demo_window.title_bar.data.count())]
    assert "Calibration: calibration.npz (40)…" in items
    assert str(calibration_file) in demo_window.title_bar.data.toolTip()
    assert demo_window.document.saving.is_modified is False


def test_activations_are_those_of_the_calibration_samples(demo_window, answers, qtbot, calibration_file):
    demo_window.document.select(("hidden",))
    open_calibration(demo_window, answers, qtbot, calibration_file)

    demo_window.distributions.side.chosen.emit("input")

    qtbot.waitUntil(lambda: demo_window.activations.has_answer, timeout=_LONG_MS)
    assert demo_window.activations.facts.text().endswith("40 samples")


def test_figures_of_before_hold_no_more_and_are_measured_again(demo_window, answers, qtbot, calibration_file):
    document = demo_window.document
    document.edit(document.recipe.with_rule("*", weights=WeightRule(8), activations=ActivationRule(8)), "W8A8")
    qtbot.waitUntil(lambda: document.figures.exact_bytes is not None and document.measuring.is_idle, timeout=_LONG_MS)

    open_calibration(demo_window, answers, qtbot, calibration_file)

    assert document.figures.exact_bytes is None
    assert document.figures.accuracy is None
    assert document.figures.baseline is not None
    qtbot.waitUntil(
        lambda: document.figures.exact_bytes is not None and document.figures.accuracy is not None, timeout=_LONG_MS
    )


def test_number_and_seed_are_one_undo_step_of_the_recipe(demo_window):
    document, form = demo_window.document, demo_window.calibration

    form.samples.setValue(32)
    form.seed.setValue(7)

    assert document.recipe.calibration == Calibration(32, 7)
    document.undo_stack.undo()
    assert (form.samples.value(), form.seed.value()) == (128, 0)


def test_the_form_says_how_many_of_the_samples_are_looked_at(demo_window):
    form = demo_window.calibration
    assert form.drawn.text() == "of 597"

    form.samples.setValue(1000)

    assert form.drawn.text() == "all 597 are looked at"


def test_number_and_seed_are_copied_and_kept_in_the_project(demo_window, qtbot, tmp_path):
    form = demo_window.calibration
    form.samples.setValue(32)
    form.seed.setValue(7)

    demo_window.edits.copy_as_command()
    command = QGuiApplication.clipboard().text()
    demo_window.edits.copy_as_python()
    script = QGuiApplication.clipboard().text()
    demo_window.document.saving.save_project(tmp_path / "p.wbproj")
    other = Document()
    other.opening.open_project(tmp_path / "p.wbproj")
    qtbot.waitUntil(lambda: other.saving.project_path is not None, timeout=_LONG_MS)

    assert '"calibration": {"samples": 32, "seed": 7}' in command
    assert '"calibration": {"samples": 32, "seed": 7}' in script
    assert other.recipe.calibration == Calibration(32, 7)
    other.close()


def test_samples_that_do_not_fit_are_refused_and_what_was_there_stays(demo_window, answers, qtbot, tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros((3, 5, 5), np.float32))
    answers.path = tmp_path / "other.npz"

    with qtbot.waitSignal(demo_window.document.calibration.failed, timeout=_LONG_MS):
        demo_window.calibration.file.click()

    assert demo_window.document.calibration.info is None
    assert not demo_window.calibration.banner.isHidden()


def test_a_project_keeps_them_by_a_relative_path(demo_window, answers, qtbot, calibration_file, demo_folder, tmp_path):
    open_calibration(demo_window, answers, qtbot, calibration_file)
    demo_window.document.saving.save_project(tmp_path / "p.wbproj")
    assert '"path": "calibration.npz"' in (tmp_path / "p.wbproj").read_text()

    other = Document()
    with qtbot.waitSignal(other.saving.saved_changed, timeout=_LONG_MS):
        other.opening.open_project(tmp_path / "p.wbproj")
    qtbot.waitUntil(lambda: other.saving.project_path is not None, timeout=_LONG_MS)

    assert other.calibration.info == demo_window.document.calibration.info
    assert not other.saving.is_modified
    other.close()


def test_the_open_data_calibrates_again_when_it_is_wished(demo_window, answers, qtbot, calibration_file):
    open_calibration(demo_window, answers, qtbot, calibration_file)

    with qtbot.waitSignal(demo_window.document.calibration.changed, timeout=_LONG_MS):
        demo_window.calibration.same.click()

    assert demo_window.document.calibration.info is None
    assert not demo_window.calibration.same.isEnabled()
