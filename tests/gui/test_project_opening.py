"""Projects on the real engine: what is not as it was saved is said, and the bench changes only as a whole."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from pytestqt.qtbot import QtBot

from workbench.engine.core.errors import ExportError, WorkbenchError
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.gui.document import Document
from workbench.project.budgets import Budgets

_LONG_MS = 20_000
_RECIPE = Recipe().with_rule("hidden", weights=WeightRule(bits=3))


@pytest.fixture
def document(qtbot: QtBot, forked_worker: None) -> Iterator[Document]:
    document = Document()
    yield document
    document.close()


@pytest.fixture
def project(document: Document, qtbot: QtBot, tmp_path: Path, demo_folder: Path) -> Path:
    """A project of the demo with a recipe that has been measured, in a folder of its own; the bench is empty again."""
    for name in ("digits.onnx", "digits.npz", "digits.data.yaml"):
        shutil.copy(demo_folder / name, tmp_path)
    other = Document()
    with qtbot.waitSignal(other.model_changed, timeout=_LONG_MS):
        other.opening.open_model(tmp_path / "digits.onnx")
    with qtbot.waitSignal(other.dataset_changed, timeout=_LONG_MS):
        other.opening.open_data(tmp_path / "digits.npz", {"labels_offset": 0})
    other.edit(_RECIPE, "Bits")
    other.set_budgets(Budgets(accuracy=0.9, size_bytes=100_000))
    other.notes = "a note"
    other.released()
    qtbot.waitUntil(lambda: other.figures.accuracy is not None and other.figures.accuracy.done == 597, timeout=_LONG_MS)
    assert other.saving.is_modified
    other.saving.save_project(tmp_path / "p.wbproj")
    assert not other.saving.is_modified
    other.close()
    return tmp_path / "p.wbproj"


def _open(document: Document, project: Path, qtbot: QtBot) -> list[str]:
    """Open it, and wait until the bench has changed; what was said."""
    said: list[str] = []
    document.message.connect(lambda text, details: said.append(text))
    with qtbot.waitSignal(document.saving.saved_changed, timeout=_LONG_MS):
        document.opening.open_project(project)
    qtbot.waitUntil(lambda: document.saving.project_path == project, timeout=_LONG_MS)
    return said


def test_a_project_comes_back_as_it_was_saved_with_its_figures(document: Document, project: Path, qtbot: QtBot):
    said = _open(document, project, qtbot)

    assert said == []
    assert document.recipe == _RECIPE
    assert document.budgets == Budgets(accuracy=0.9, size_bytes=100_000)
    assert document.notes == "a note"
    assert document.data_overrides == {"labels_offset": 0}
    assert document.dataset is not None
    assert not document.saving.is_modified
    assert document.undo_stack.count() == 0
    assert document.figures.accuracy is not None
    assert document.figures.is_current(document.figures.accuracy)
    assert document.figures.accuracy.done == 597
    assert document.figures.exact_bytes is not None


def test_the_bench_changes_once_and_with_everything_there(document: Document, project: Path, qtbot: QtBot):
    seen: list[tuple[object, object]] = []
    document.model_changed.connect(lambda: seen.append((document.model and document.model.sha256, document.recipe)))

    _open(document, project, qtbot)

    assert len(seen) == 1
    assert seen[0][1] == _RECIPE


def test_a_model_that_has_changed_is_said_and_its_figures_are_left_out(document: Document, project: Path, qtbot: QtBot):
    model = project.with_name("digits.onnx")
    # A field that no reader looks at: the doc string of the model, written at the end.
    model.write_bytes(model.read_bytes() + b"\x32\x01a")

    said = _open(document, project, qtbot)

    assert len(said) == 1
    assert "has changed since it was saved" in said[0]
    assert document.recipe == _RECIPE
    assert document.figures.accuracy is None


def test_external_weights_that_have_changed_are_said_and_their_figures_are_left_out(
    document: Document, qtbot: QtBot, tmp_path: Path, demo_folder: Path
):
    _save_with_external_weights(demo_folder / "digits.onnx", tmp_path / "big.onnx")
    with qtbot.waitSignal(document.model_changed, timeout=_LONG_MS):
        document.opening.open_model(tmp_path / "big.onnx")
    qtbot.waitUntil(lambda: document.figures.exact_bytes is not None, timeout=_LONG_MS)
    document.saving.save_project(tmp_path / "p.wbproj")
    weights = bytearray((tmp_path / "big.data").read_bytes())
    weights[0] ^= 1
    (tmp_path / "big.data").write_bytes(weights)

    other = Document()
    said = _open(other, tmp_path / "p.wbproj", qtbot)
    other.close()

    assert len(said) == 1
    assert "has changed since it was saved" in said[0]


def _save_with_external_weights(source: Path, target: Path) -> None:
    proto = onnx.load(source)
    onnx.save(proto, target, save_as_external_data=True, location=f"{target.stem}.data", size_threshold=0)


def test_samples_that_are_gone_are_said_and_the_rest_is_open(document: Document, project: Path, qtbot: QtBot):
    project.with_name("digits.npz").unlink()

    said = _open(document, project, qtbot)

    assert len(said) == 1
    assert "open without samples" in said[0]
    assert document.model is not None
    assert document.dataset is None
    assert document.recipe == _RECIPE


def test_a_recipe_that_does_not_fit_is_never_laid_on_the_model(document: Document, project: Path, qtbot: QtBot):
    values = json.loads(project.read_text())
    values["recipe"]["rules"][0]["select"] = "nothing_here"
    project.write_text(json.dumps(values))

    said = _open(document, project, qtbot)

    assert len(said) == 1
    assert "nothing_here" in said[0]
    assert document.model is not None
    assert document.recipe == Recipe()


def test_a_model_that_cannot_be_read_leaves_the_bench_as_it_was(
    document: Document, project: Path, qtbot: QtBot, demo_folder: Path
):
    with qtbot.waitSignal(document.model_changed, timeout=_LONG_MS):
        document.opening.open_model(demo_folder / "digits.onnx")
    document.edit(_RECIPE.with_rule("*", weights=WeightRule(bits=5)), "Bits")
    model, recipe = document.model, document.recipe
    path = project.with_name("digits.onnx")
    path.write_bytes(path.read_bytes()[:1000])

    with qtbot.waitSignal(document.message, timeout=_LONG_MS) as caught:
        document.opening.open_project(project)

    assert "not opened" in caught.args[0]
    assert document.model is model
    assert document.recipe is recipe
    assert document.undo_stack.count() == 1


def test_an_engine_that_cannot_measure_the_model_keeps_the_one_that_the_window_shows(
    project: Path, qtbot: QtBot, demo_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    # The child gets this process's sys.path.
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    document = Document("session_without_footprint:SessionWithoutFootprint")
    with qtbot.waitSignal(document.model_changed, timeout=_LONG_MS):
        document.opening.open_model(demo_folder / "digits.onnx")

    said: list[str] = []
    document.message.connect(lambda text, details: said.append(text))
    document.opening.open_project(project)
    qtbot.waitUntil(lambda: any("not opened" in text for text in said), timeout=_LONG_MS)
    open_now: list[object] = []
    document.engine.request("quick", "open_path", on_done=open_now.append)
    qtbot.waitUntil(lambda: bool(open_now), timeout=_LONG_MS)

    assert document.model is not None
    assert open_now == [document.model.path] == [str(demo_folder / "digits.onnx")]
    document.close()


def test_a_model_that_is_gone_is_one_clear_line(document: Document, project: Path):
    project.with_name("digits.onnx").unlink()

    with pytest.raises(WorkbenchError, match="is not there"):
        document.opening.open_project(project)


def test_a_project_of_the_first_format_opens(document: Document, project: Path, qtbot: QtBot):
    values = json.loads(project.read_text())
    old = {
        "format": 1,
        "model": {"path": str(project.with_name("digits.onnx")), "sha256": values["model"]["sha256"]},
        "dataset": {"path": str(project.with_name("digits.npz"))},
        "recipe": "version: 1\nrules:\n  - select: hidden\n    weights: {bits: 3}\n",
    }
    project.write_text(json.dumps(old))

    said = _open(document, project, qtbot)

    assert said == []
    assert document.recipe == _RECIPE
    assert document.dataset is not None


def test_a_save_that_fails_is_not_taken_for_a_save(document: Document, project: Path, qtbot: QtBot):
    _open(document, project, qtbot)
    document.edit(Recipe(), "Reset")

    with pytest.raises(ExportError, match="cannot be written"):
        document.saving.save_project(project.with_name("gone") / "p.wbproj")

    assert document.saving.is_modified
    assert document.saving.project_path == project


def _other_project(project: Path) -> Path:
    """The same project of a model of its own, in the same folder."""
    shutil.copy(project.with_name("digits.onnx"), project.with_name("other.onnx"))
    values = json.loads(project.read_text())
    values["model"]["path"] = "other.onnx"
    other = project.with_name("other.wbproj")
    other.write_text(json.dumps(values))
    return other


def test_of_two_projects_opened_at_once_window_and_engine_have_the_first(
    project: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    document = Document("session_that_tells:SessionThatTells")
    said: list[str] = []
    document.message.connect(lambda text, details: said.append(text))

    document.opening.open_project(project)
    document.opening.open_project(_other_project(project))
    qtbot.waitUntil(lambda: document.saving.project_path is not None, timeout=_LONG_MS)
    open_now: list[object] = []
    document.engine.request("quick", "open_path", on_done=open_now.append)
    qtbot.waitUntil(lambda: bool(open_now), timeout=_LONG_MS)

    assert document.model is not None
    assert open_now == [document.model.path] == [str(project.with_name("digits.onnx"))]
    assert document.saving.project_path == project
    assert said == [f"{project.with_name('other.wbproj')}: wait until p.wbproj is open, then try again"]
    document.close()


@pytest.mark.parametrize("what", ["open_model", "open_data", "open_recipe", "open_project"])
def test_nothing_else_is_opened_while_a_project_is(
    document: Document, project: Path, qtbot: QtBot, tmp_path: Path, what: str
):
    names = {"open_model": "digits.onnx", "open_data": "digits.npz", "open_recipe": "r.yaml"}
    path = project.with_name(names.get(what, project.name))
    (tmp_path / "r.yaml").write_text("version: 1\nrules:\n  - select: hidden\n    weights: {bits: 7}\n")
    said: list[str] = []
    document.message.connect(lambda text, details: said.append(text))

    document.opening.open_project(project)
    getattr(document.opening, what)(path)
    document.calibration.open(project.with_name("digits.npz"))
    qtbot.waitUntil(lambda: document.saving.project_path == project, timeout=_LONG_MS)

    waits = "wait until p.wbproj is open, then try again"
    assert said == [f"{path}: {waits}", f"{project.with_name('digits.npz')}: {waits}"]
    assert document.recipe == _RECIPE
    assert document.calibration.info is None


def test_after_an_opening_that_was_lost_with_the_engine_another_one_may_begin(
    document: Document, project: Path, qtbot: QtBot
):
    with qtbot.waitSignal(document.model_changed, timeout=_LONG_MS):
        document.opening.open_model(project.with_name("digits.onnx"))
    assert document.engine.process_id is not None

    document.opening.open_project(project)
    with qtbot.waitSignal(document.opening.model_refused, timeout=_LONG_MS):
        os.kill(document.engine.process_id, signal.SIGKILL)
    said = _open(document, project, qtbot)

    assert said == []
    assert document.recipe == _RECIPE
