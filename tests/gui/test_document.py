"""The document on the real engine: undo, drags as one step, measuring, exporting, and a worker that is killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from workbench.engine.core.recipe import Prune, WeightRule
from workbench.gui.demo_files import demo_files
from workbench.gui.document import Document
from workbench.session import Session

_LONG_MS = 15_000


@pytest.fixture
def document(qtbot: QtBot) -> Iterator[Document]:
    """A document with the demo's model and samples on the bench."""
    found = demo_files()
    assert found is not None
    document = Document()
    messages: list[str] = []
    document.message.connect(lambda text, details: messages.append(f"{text} {details}"))
    document.open_model(found[0])
    document.open_data(found[1])
    qtbot.waitUntil(
        lambda: (document.baseline is not None and document.footprint is not None) or bool(messages), timeout=_LONG_MS
    )
    assert not messages
    yield document
    document.close()


def test_undo_returns_the_very_same_recipe(document: Document):
    before = document.recipe

    document.edit(before.with_rule("hidden", prune=Prune("weights", sparsity=0.5)), "Sparsity")
    document.undo_stack.undo()

    assert document.recipe is before


def test_a_drag_is_one_undo_step(document: Document):
    gesture = object()
    for percent in range(1, 61):
        pruned = document.recipe.with_rule("hidden", prune=Prune("weights", sparsity=percent / 100))
        document.edit(pruned, "Sparsity of hidden", gesture)

    assert document.undo_stack.count() == 1
    assert len(document.recipe.rules) == 1
    document.undo_stack.undo()
    assert not document.recipe.rules


def test_a_release_brings_a_measured_figure_of_this_recipe(document: Document, qtbot: QtBot):
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=2)), "Bits")
    document.released()

    digest = document.recipe.digest
    qtbot.waitUntil(
        lambda: document.accuracy is not None and document.accuracy.recipe_digest == digest, timeout=_LONG_MS
    )
    assert document.accuracy is not None
    assert document.accuracy.difference is not None


def test_the_size_shown_at_once_is_within_half_a_percent_of_the_file(document: Document, qtbot: QtBot):
    from workbench.gui.instant import instant_size

    recipe = document.recipe.with_rule("*", weights=WeightRule(bits=4))
    document.edit(recipe, "Bits")
    document.released()
    qtbot.waitUntil(lambda: document.exact_bytes is not None, timeout=_LONG_MS)

    assert document.model is not None
    assert document.footprint is not None
    assert document.exact_bytes is not None
    estimated = instant_size(document.model, document.footprint, recipe).total_bytes
    assert abs(estimated - document.exact_bytes) <= 0.005 * document.exact_bytes


def test_the_exported_file_is_the_one_that_the_session_writes(document: Document, qtbot: QtBot, tmp_path: Path):
    recipe = document.recipe.with_rule("*", weights=WeightRule(bits=4))
    document.edit(recipe, "Bits")

    with qtbot.waitSignal(document.exported, timeout=_LONG_MS) as caught:
        document.export(tmp_path / "window.onnx", False)

    report = caught.args[0]
    found = demo_files()
    assert found is not None
    session = Session()
    session.open_model(found[0])
    session.open_data(found[1])
    own = session.export(recipe, tmp_path / "session.onnx")
    assert report.verified.ok
    assert report.output_sha256 == own.output_sha256
    assert (tmp_path / "window.onnx").read_bytes() == (tmp_path / "session.onnx").read_bytes()


def test_a_killed_engine_costs_a_message_but_no_edit_and_no_measurement(document: Document, qtbot: QtBot):
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=5)), "Bits")
    recipe, baseline = document.recipe, document.baseline
    assert baseline is not None
    # The original's figure may still become better while this runs, but never worse.
    known: list[int] = [baseline.done]
    document.measured.connect(lambda _: known.append(document.baseline.done if document.baseline else 0))
    document.evaluate()
    process = document.engine.process_id
    assert process is not None

    with qtbot.waitSignal(document.message, timeout=_LONG_MS) as caught:
        os.kill(process, signal.SIGKILL)

    assert "started again" in caught.args[0]
    assert document.recipe is recipe
    document.evaluate()
    qtbot.waitUntil(lambda: document.accuracy is not None and document.accuracy.done == 597, timeout=_LONG_MS)
    assert known == sorted(known)


def test_a_file_that_is_no_model_changes_nothing(document: Document, qtbot: QtBot, tmp_path: Path):
    model = document.model
    path = tmp_path / "page.onnx"
    path.write_text("<html>")

    with qtbot.waitSignal(document.message, timeout=_LONG_MS) as caught:
        document.open_model(path)

    assert "web page" in caught.args[0]
    assert document.model is model


def test_a_project_comes_back_as_it_was_saved(document: Document, qtbot: QtBot, tmp_path: Path):
    document.edit(document.recipe.with_rule("hidden", weights=WeightRule(bits=3)), "Bits")
    saved = document.recipe
    document.save_project(tmp_path / "p.wbproj")
    document.undo_stack.undo()

    document.open_project(tmp_path / "p.wbproj")

    qtbot.waitUntil(lambda: document.recipe == saved and document.dataset is not None, timeout=_LONG_MS)
