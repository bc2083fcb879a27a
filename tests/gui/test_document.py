"""The document on the real engine: undo, drags as one step, measuring, exporting, and a worker that is killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from workbench.engine.core.recipe import Prune, WeightRule
from workbench.gui.document import Document
from workbench.project.budgets import Budgets
from workbench.project.demo_files import demo_files
from workbench.project.measurement_store import MeasurementStore
from workbench.session import Session

_LONG_MS = 15_000


@pytest.fixture
def document(qtbot: QtBot, forked_worker: None) -> Iterator[Document]:
    """A document with the demo's model and samples on the bench."""
    found = demo_files()
    assert found is not None
    document = Document()
    messages: list[str] = []
    document.message.connect(lambda text, details: messages.append(f"{text} {details}"))
    with qtbot.waitSignal(document.opening.one.ended, timeout=_LONG_MS):
        document.opening.open_model(found[0])
    document.opening.open_data(found[1])
    qtbot.waitUntil(
        lambda: (document.figures.baseline is not None and document.footprint is not None) or bool(messages),
        timeout=_LONG_MS,
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
        lambda: document.figures.accuracy is not None and document.figures.accuracy.recipe_digest == digest,
        timeout=_LONG_MS,
    )
    assert document.figures.accuracy is not None
    assert document.figures.accuracy.difference is not None


def test_the_size_shown_at_once_is_within_half_a_percent_of_the_file(document: Document, qtbot: QtBot):
    from workbench.gui.instant import instant_size

    recipe = document.recipe.with_rule("*", weights=WeightRule(bits=4))
    document.edit(recipe, "Bits")
    document.released()
    qtbot.waitUntil(lambda: document.figures.exact_bytes is not None, timeout=_LONG_MS)

    assert document.model is not None
    assert document.footprint is not None
    assert document.figures.exact_bytes is not None
    estimated = instant_size(document.model, document.footprint, recipe).total_bytes
    assert abs(estimated - document.figures.exact_bytes) <= 0.005 * document.figures.exact_bytes


def test_the_exported_file_is_the_one_that_the_session_writes(document: Document, qtbot: QtBot, tmp_path: Path):
    recipe = document.recipe.with_rule("*", weights=WeightRule(bits=4))
    document.edit(recipe, "Bits")

    with qtbot.waitSignal(document.awaited.exported, timeout=_LONG_MS) as caught:
        document.awaited.export(document.recipe, tmp_path / "window.onnx", force=False)

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
    recipe, baseline = document.recipe, document.figures.baseline
    assert baseline is not None
    # The original's figure may still become better while this runs, but never worse.
    known: list[int] = [baseline.done]
    document.figures.measured.connect(
        lambda _: known.append(document.figures.baseline.done if document.figures.baseline else 0)
    )
    document.awaited.evaluate(document.recipe)
    process = document.engine.process_id
    assert process is not None

    with qtbot.waitSignal(document.message, timeout=_LONG_MS) as caught:
        os.kill(process, signal.SIGKILL)

    assert "started again" in caught.args[0]
    assert document.recipe is recipe
    document.awaited.evaluate(document.recipe)
    qtbot.waitUntil(
        lambda: document.figures.accuracy is not None and document.figures.accuracy.done == 597, timeout=_LONG_MS
    )
    assert known == sorted(known)


def test_a_file_that_is_no_model_changes_nothing(document: Document, qtbot: QtBot, tmp_path: Path):
    model = document.model
    path = tmp_path / "page.onnx"
    path.write_text("<html>")

    with qtbot.waitSignal(document.message, timeout=_LONG_MS) as caught:
        document.opening.open_model(path)

    assert "web page" in caught.args[0]
    assert document.model is model


def test_all_samples_are_evaluated_behind_the_probe_without_being_asked(document: Document, qtbot: QtBot):
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=3)), "Bits")
    document.released()

    qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)
    assert document.figures.accuracy is not None
    assert document.figures.is_current(document.figures.accuracy)
    assert document.figures.accuracy.done == 597


def test_the_next_edit_ends_an_evaluation_in_the_background(document: Document, qtbot: QtBot):
    ended: list[tuple[str, str]] = []
    document.jobs.finished.connect(lambda job, text, tone: ended.append((text, tone)))
    qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)
    ended.clear()
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=3)), "Bits")
    with qtbot.waitSignal(document.jobs.started, timeout=_LONG_MS):
        document.released()

    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=2)), "Bits")
    qtbot.waitUntil(lambda: bool(ended), timeout=_LONG_MS)

    assert ended[0][1] == "muted"
    qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)
    assert document.figures.accuracy is not None
    assert document.figures.accuracy.recipe_digest == document.recipe.digest
    assert document.figures.accuracy.done == 597


def test_undo_shows_the_measured_figures_at_once_and_measures_nothing(document: Document, qtbot: QtBot):
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=3)), "Bits")
    document.released()
    qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)
    measured, size, latency = document.figures.accuracy, document.figures.exact_bytes, document.figures.latency
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=2)), "Bits")
    document.released()
    qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)
    started: list[object] = []
    document.jobs.started.connect(lambda job, title: started.append(title))
    document.figures.measured.connect(started.append)

    document.undo_stack.undo()

    assert document.figures.accuracy is measured
    assert document.figures.exact_bytes == size
    assert document.figures.latency is latency
    document.released()
    assert document.measuring.is_idle
    assert started == []


def test_a_job_that_somebody_stops_is_not_started_again_by_itself(document: Document, qtbot: QtBot):
    qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)
    jobs: list[int] = []
    document.jobs.started.connect(lambda job, title: jobs.append(job))
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=3)), "Bits")
    with qtbot.waitSignal(document.jobs.started, timeout=_LONG_MS):
        document.released()

    with qtbot.waitSignal(document.jobs.finished, timeout=_LONG_MS):
        document.awaited.cancel(jobs[0])
    document.released()

    assert len(jobs) == 1


def test_what_somebody_has_measured_is_not_measured_again_by_itself(document: Document, qtbot: QtBot):
    titles: list[str] = []
    document.jobs.started.connect(lambda job, title: titles.append(title))
    qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)
    document.edit(document.recipe.with_rule("*", weights=WeightRule(bits=3)), "Bits")
    titles.clear()

    document.awaited.measure_latency(document.recipe)
    document.awaited.evaluate(document.recipe)
    qtbot.waitUntil(
        lambda: (
            document.figures.accuracy is not None
            and document.figures.is_current(document.figures.accuracy)
            and document.figures.accuracy.done == 597
            and document.measuring.is_idle
        ),
        timeout=_LONG_MS,
    )

    assert titles == ["Latency", "Evaluate"]


def test_budgets_are_undone_like_every_edit(document: Document):
    document.set_budgets(document.budgets.with_accuracy(0.9))
    document.set_budgets(document.budgets.with_size(30_000))

    document.undo_stack.undo()

    assert document.budgets == Budgets(accuracy=0.9)
    assert document.saving.is_modified


def test_a_recipe_that_does_not_fit_the_model_is_not_laid_on_it(document: Document, qtbot: QtBot, tmp_path: Path):
    before = document.recipe
    path = tmp_path / "r.yaml"
    path.write_text("version: 1\nrules:\n  - select: nothing_here\n    weights: {bits: 4}\n")

    with qtbot.waitSignal(document.message, timeout=_LONG_MS) as caught:
        document.opening.open_recipe(path)

    assert "nothing_here" in caught.args[0]
    assert "line 3" in caught.args[0]
    assert document.recipe is before


def test_what_was_measured_is_known_in_the_next_run(qtbot: QtBot, tmp_path: Path):
    found = demo_files()
    assert found is not None
    store = MeasurementStore(tmp_path / "m.sqlite3")

    def run() -> tuple[int, list[str]]:
        """How many samples are known when the data is open, and which jobs are begun by themselves."""
        document = Document(store=store)
        titles: list[str] = []
        document.jobs.started.connect(lambda job, title: titles.append(title))
        with qtbot.waitSignal(document.model_changed, timeout=_LONG_MS):
            document.opening.open_model(found[0])
        with qtbot.waitSignal(document.dataset_changed, timeout=_LONG_MS):
            document.opening.open_data(found[1])
        known = document.figures.accuracy.done if document.figures.accuracy is not None else 0
        qtbot.waitUntil(lambda: document.measuring.is_idle, timeout=_LONG_MS)
        document.close()
        return known, titles

    first, titles = run()
    assert first == 0
    assert "Accuracy, all samples" in titles
    again, titles = run()
    assert again == 597
    assert "Accuracy, all samples" not in titles
