"""The form for preprocessing, on the real engine: guesses are marked, and what is changed reaches the tensors."""

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from workbench.gui.main_window import MainWindow

_LONG_MS = 20_000


@pytest.fixture
def samples(tmp_path: Path, demo_folder: Path) -> Path:
    """The demo's samples without the file that says how they are made ready."""
    path = tmp_path / "plain.npz"
    path.write_bytes((demo_folder / "digits.npz").read_bytes())
    return path


def _open(window: MainWindow, qtbot: QtBot, answers, samples: Path) -> None:
    answers.path = samples
    with qtbot.waitSignal(window.document.dataset_changed, timeout=_LONG_MS):
        window.all_actions["open_data"].trigger()


def test_samples_opened_by_hand_show_what_was_guessed(demo_window: MainWindow, qtbot: QtBot, answers, samples: Path):
    _open(demo_window, qtbot, answers, samples)

    form = demo_window.data_form
    guessed = demo_window.document.dataset.preprocessing.guessed
    assert form.isVisible()
    assert form.head.text() == "plain.npz"
    assert guessed
    assert {key for key, mark in form.marks.items() if mark.text() == "guessed"} == set(guessed)
    assert form.overrides == {}


def test_samples_that_are_dropped_show_no_form(demo_window: MainWindow):
    assert not demo_window.data_form.isVisible()


def test_what_is_changed_is_an_override_and_the_rest_stays_a_guess(
    demo_window: MainWindow, qtbot: QtBot, answers, samples: Path
):
    _open(demo_window, qtbot, answers, samples)
    document, form = demo_window.document, demo_window.data_form
    digest = document.dataset.digest
    form.inputs["scale"].setText("1/16")
    form.inputs["mean"].setText("0.25")

    with qtbot.waitSignal(document.dataset_changed, timeout=_LONG_MS):
        form.apply.click()

    settings = document.dataset.preprocessing
    assert settings.scale == 1 / 16
    assert settings.mean == (0.25,)
    assert document.data_overrides == {"scale": "1/16", "mean": ["0.25"]}
    assert "std" in settings.guessed
    assert document.dataset.digest != digest
    # What was changed once is kept when something else is changed.
    form.inputs["std"].setText("0.5")
    assert set(form.overrides) == {"scale", "mean", "std"}


def test_what_cannot_be_is_one_line_in_the_form_and_changes_nothing(
    demo_window: MainWindow, qtbot: QtBot, answers, samples: Path
):
    _open(demo_window, qtbot, answers, samples)
    document, form = demo_window.document, demo_window.data_form
    data = document.dataset
    form.inputs["mean"].setText("a lot")

    with qtbot.waitSignal(document.opening.data_refused, timeout=_LONG_MS):
        form.apply.click()

    assert "mean cannot be" in form.banner.accessibleName()
    assert document.dataset is data
    assert form.inputs["mean"].text() == "a lot"


def test_samples_that_do_not_fit_can_be_mended_in_the_form(
    demo_window: MainWindow, qtbot: QtBot, answers, tmp_path: Path
):
    # 12×12 pixels for a network of 8×8: a layout that is said wrong is refused, and the right crop is taken.
    path = tmp_path / "large.npz"
    np.savez(path, x=np.zeros((4, 12, 12, 1), np.uint8), y=np.arange(4))
    (tmp_path / "large.data.yaml").write_text("layout: nchw\ncrop: 11\n")
    answers.path = path
    document, form = demo_window.document, demo_window.data_form
    with qtbot.waitSignal(document.opening.data_refused, timeout=_LONG_MS):
        demo_window.all_actions["open_data"].trigger()
    assert form.isVisible()

    form.inputs["crop"].setText("8")
    with qtbot.waitSignal(document.dataset_changed, timeout=_LONG_MS):
        form.apply.click()

    assert document.dataset.preprocessing.crop == 8
    assert form.banner.isHidden()
