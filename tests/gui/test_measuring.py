"""What is asked of the engine, and when: on a double of the engine that answers as it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pytestqt.qtbot import QtBot

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.core.reports import DataInfo, EvaluationReport, LatencyReport, Preprocessing
from workbench.gui.known_figures import KnownFigures
from workbench.gui.measuring import Measuring
from workbench.gui.running_jobs import RunningJobs
from workbench.worker.messages import Failed

if TYPE_CHECKING:
    from tests.gui.conftest import FakeEngine

_RECIPE = Recipe().with_rule("*", weights=WeightRule(bits=4))
_MODEL = "0" * 64
_DATA = DataInfo("/d.npz", 1000, True, 10, (8, 8, 1), Preprocessing(), "data")


@pytest.fixture
def engine(fake_engine: FakeEngine) -> FakeEngine:
    return fake_engine


@pytest.fixture
def measuring(engine: FakeEngine, make_layer: Callable, make_model: Callable) -> Measuring:
    import numpy as np

    measuring = Measuring(engine, RunningJobs(engine), KnownFigures())
    measuring.set_model(make_model(make_layer("a", np.ones((2, 2), np.float32))))
    measuring.set_data(_DATA)
    measuring.set_recipe(_RECIPE)
    measuring.take(_latency(1, Recipe()))
    return measuring


def _report(done: int, total: int, *, seconds_each: float = 0.001, recipe: Recipe = _RECIPE) -> EvaluationReport:
    figure = Figure(0.5, "fraction", Origin.MEASURED, n=done)
    return EvaluationReport(
        "top1", figure, done, total, done * seconds_each, recipe.digest, model_digest=_MODEL, dataset_digest="data"
    )


def _latency(ms: float, recipe: Recipe = _RECIPE) -> LatencyReport:
    figure = Figure(ms, "ms", Origin.MEASURED, n=200)
    return LatencyReport(figure, figure, "a processor", recipe.digest, model_digest=_MODEL)


@pytest.mark.parametrize(
    ("seconds_each", "samples"),
    [(0.0001, 128), (0.005, 40), (0.05, 4), (3.0, 2)],
    ids=["fast: at most 128", "a fifth of a second", "slow", "very slow: at least two"],
)
def test_a_probe_is_as_large_as_a_fifth_of_a_second_allows(
    measuring: Measuring, engine: FakeEngine, seconds_each: float, samples: int
):
    measuring.take(_report(16, 16, seconds_each=seconds_each, recipe=Recipe()))

    measuring.now()

    assert engine.of("evaluate", "probe")[0].ticket.kwargs == {"limit": samples}


def test_the_first_probe_goes_by_the_latency_where_it_is_known(measuring: Measuring, engine: FakeEngine):
    measuring.take(_latency(20, Recipe()))

    measuring.now()

    assert engine.of("evaluate", "probe")[0].ticket.kwargs == {"limit": 10}


def test_after_the_probe_come_size_latency_and_all_samples_in_turn(measuring: Measuring, engine: FakeEngine):
    measuring.now()
    assert len(engine.asked) == 1

    engine.of("evaluate", "probe")[0].done(_report(16, 16))
    assert len(engine.of("preview_bytes", "probe")) == 1
    assert engine.of("evaluate", "run") == []
    engine.of("measure_latency", "run")[0].done(_latency(3))
    full = engine.of("evaluate", "run")[0]
    assert full.ticket.args == (_RECIPE,)
    assert full.ticket.kwargs == {}
    engine.of("preview_bytes", "probe")[0].done(1234)
    full.done(_report(1000, 1000))

    assert measuring.is_idle
    assert measuring.figures.size(_RECIPE) == 1234


def test_the_original_is_timed_with_the_recipe_so_nothing_is_asked_for_besides(
    measuring: Measuring, engine: FakeEngine, make_layer: Callable, make_model: Callable
):
    import numpy as np

    measuring.set_model(make_model(make_layer("b", np.ones((2, 2), np.float32))))

    measuring.now()
    engine.of("measure_latency", "run")[0].done(_latency(2))

    assert [item.ticket.args for item in engine.of("measure_latency", "run")] == [(_RECIPE,)]


def test_an_edit_gives_up_what_runs_without_costing_the_worker(measuring: Measuring, engine: FakeEngine):
    measuring.take(_latency(3))
    measuring.now()
    engine.of("evaluate", "probe")[0].done(_report(16, 16))
    full = engine.of("evaluate", "run")[0]
    full.partial(_report(300, 1000))

    measuring.set_recipe(Recipe())
    assert full.ticket.is_cancelled
    full.stopped()
    measuring.set_recipe(_RECIPE)
    measuring.now()

    # What was known stays known, no probe is needed, and the full evaluation begins again.
    assert measuring.figures.evaluation(_RECIPE).done == 300
    assert len(engine.of("evaluate", "probe")) == 1
    assert len(engine.of("evaluate", "run")) == 2


def test_going_back_before_it_has_stopped_starts_it_again(measuring: Measuring, engine: FakeEngine):
    measuring.take(_latency(3))
    measuring.take(_report(16, 16))
    measuring.now()
    first = engine.of("evaluate", "run")[0]

    measuring.set_recipe(Recipe())
    measuring.set_recipe(_RECIPE)
    measuring.now()
    first.stopped()

    assert len(engine.of("evaluate", "run")) == 2


def test_what_somebody_waits_for_goes_first(measuring: Measuring, engine: FakeEngine):
    measuring.take(_latency(3))
    measuring.take(_report(16, 16))
    measuring.now()
    measuring.pause()
    engine.of("evaluate", "run")[0].stopped()

    measuring.now()
    assert len(engine.of("evaluate", "run")) == 1

    measuring.resume()
    assert len(engine.of("evaluate", "run")) == 2


def test_a_probe_that_fails_is_said_once_and_nothing_is_started_behind_it(
    measuring: Measuring, engine: FakeEngine, qtbot: QtBot
):
    measuring.now()

    with qtbot.waitSignal(measuring.failed) as caught:
        engine.of("evaluate", "probe")[0].ticket.on_failed(Failed(1, "images of 8×8 do not fit"))

    assert caught.args == ["images of 8×8 do not fit", ""]
    assert len(engine.asked) == 1


def test_a_size_that_was_lost_with_the_engine_is_asked_for_again(measuring: Measuring, engine: FakeEngine):
    measuring.take(_latency(3))
    measuring.take(_report(1000, 1000))
    measuring.now()
    engine.of("preview_bytes", "probe")[0].stopped()
    measuring.now()
    assert len(engine.of("preview_bytes", "probe")) == 1

    measuring.begin_again()
    measuring.now()

    assert len(engine.of("preview_bytes", "probe")) == 2


def test_the_original_is_known_by_one_digest_however_it_is_written(measuring: Measuring):
    measuring.take(replace(_report(1000, 1000), recipe_digest=""))

    plain = Recipe(encoding="plain")
    assert measuring.figures.evaluation(plain) is measuring.figures.evaluation(Recipe())
    assert measuring.figures.evaluation(_RECIPE) is None


@pytest.mark.parametrize("other", ["model_digest", "dataset_digest"])
def test_an_evaluation_of_another_model_or_of_other_samples_is_dropped(measuring: Measuring, other: str):
    seen: list[object] = []
    measuring.measured.connect(seen.append)

    measuring.take(replace(_report(1000, 1000), **{other: "another"}))

    assert measuring.figures.evaluation(_RECIPE) is None
    assert seen == []


def test_a_latency_of_another_model_is_dropped(measuring: Measuring):
    measuring.take(replace(_latency(3), model_digest="another"))

    assert measuring.figures.latency(_RECIPE) is None


_LEARNED = Recipe().with_rule("*", weights=WeightRule(bits=3, rounding="learned"))


def test_a_preview_that_takes_long_has_a_row_with_its_progress(measuring: Measuring, engine: FakeEngine, qtbot: QtBot):
    rows: list[tuple[object, ...]] = []
    measuring.probe._jobs.started.connect(lambda *row: rows.append(row))
    measuring.probe._jobs.progressed.connect(lambda job, progress: rows.append((job, progress.text)))
    measuring.now()
    probe = engine.of("evaluate", "probe")[0]
    probe.progress(3, 128, "calibration, 3 of 128 samples")

    qtbot.waitUntil(lambda: measuring.probe.is_shown)
    probe.progress(40, 128, "calibration, 40 of 128 samples")

    number = measuring.probe.number
    assert rows == [
        (number, "Preview"),
        (number, "calibration, 3 of 128 samples"),
        (number, "calibration, 40 of 128 samples"),
    ]


def test_a_quick_preview_has_none(measuring: Measuring, engine: FakeEngine):
    measuring.now()
    engine.of("evaluate", "probe")[0].done(_report(16, 16))

    assert not measuring.probe.is_shown
    assert not measuring.probe._long.isActive()


def test_an_edit_cancels_the_preview_that_is_being_built(measuring: Measuring, engine: FakeEngine):
    measuring.now()
    probe = engine.of("evaluate", "probe")[0]

    measuring.set_recipe(Recipe())

    assert probe.ticket.is_cancelled


def test_a_preview_that_somebody_cancelled_is_not_begun_again_by_itself(measuring: Measuring, engine: FakeEngine):
    measuring.now()
    probe = engine.of("evaluate", "probe")[0]

    measuring.give_up(measuring.probe.number)
    probe.stopped()
    measuring.now()

    assert probe.ticket.is_cancelled
    assert len(engine.of("evaluate", "probe")) == 1


def test_what_somebody_stopped_is_measured_when_it_is_wished(measuring: Measuring, engine: FakeEngine):
    changes: list[str] = []
    measuring.stopped_changed.connect(lambda: changes.append(measuring.stopped))
    measuring.now()
    measuring.give_up(measuring.probe.number)
    engine.of("evaluate", "probe")[0].stopped()

    measuring.again()

    assert changes == ["stopped", ""]
    assert len(engine.of("evaluate", "probe")) == 2


def test_a_stopped_evaluation_of_all_samples_says_so_until_it_is_taken_up(measuring: Measuring, engine: FakeEngine):
    measuring.take(_latency(1))
    measuring.take(_report(64, 1000))
    measuring.now()
    (running,) = engine.of("evaluate", "run")
    row = next(iter(measuring._background._rows.values()))

    measuring.give_up(row)
    running.stopped()
    measuring.now()

    assert measuring.stopped == "stopped"
    assert len(engine.of("evaluate", "run")) == 1
    measuring.again()
    assert measuring.stopped == ""
    assert len(engine.of("evaluate", "run")) == 2


def test_a_stop_is_of_one_recipe_and_of_these_samples(measuring: Measuring):
    measuring.give_up_recipe(_RECIPE)
    assert measuring.stopped == "stopped"

    measuring.set_recipe(Recipe())
    assert measuring.stopped == ""
    measuring.set_recipe(_RECIPE)
    assert measuring.stopped == "stopped"
    measuring.set_data(_DATA)
    assert measuring.stopped == ""


def test_an_accuracy_that_is_known_on_all_samples_is_not_stopped(measuring: Measuring):
    measuring.give_up_recipe(_RECIPE)

    measuring.take(_report(1000, 1000))

    assert measuring.stopped == ""


def test_a_preview_that_failed_says_why_and_is_not_begun_again_by_itself(measuring: Measuring, engine: FakeEngine):
    measuring.now()

    engine.of("evaluate", "probe")[0].failed("sample 3 cannot be read")
    measuring.now()

    assert measuring.stopped == "not measured: sample 3 cannot be read"
    assert len(engine.of("evaluate", "probe")) == 1


def test_learned_rounding_waits_until_the_slider_is_let_go(measuring: Measuring, engine: FakeEngine):
    measuring.hold()
    for recipe in (_LEARNED, replace(_LEARNED, encoding="plain")):
        measuring.set_recipe(recipe)
        measuring.after_rest()
        assert not measuring._rest.isActive()

    measuring.let_go()

    assert [item.ticket.args for item in engine.of("evaluate", "probe")] == [(replace(_LEARNED, encoding="plain"),)]


def test_other_recipes_are_measured_when_a_drag_rests(measuring: Measuring):
    measuring.hold()

    measuring.after_rest()

    assert measuring._rest.isActive()


def test_a_job_that_somebody_waits_for_is_not_built_twice(measuring: Measuring, engine: FakeEngine):
    measuring.now()

    measuring.pause()

    assert engine.of("evaluate", "probe")[0].ticket.is_cancelled


def test_without_samples_there_is_no_size_of_what_needs_ranges(
    measuring: Measuring, engine: FakeEngine, make_layer: Callable, make_model: Callable
):
    import numpy as np

    measuring.set_model(make_model(make_layer("a", np.ones((2, 2), np.float32))))
    measuring.set_recipe(Recipe().with_rule("*", activations=ActivationRule(bits=8)))

    measuring.now()

    assert engine.of("preview_bytes", "probe") == []
