"""Jobs that somebody asked for, when what they were asked of leaves the bench: on a double of the engine."""

from pathlib import Path

import pytest

from workbench.engine.core.recipe import Recipe
from workbench.gui.awaited_jobs import AwaitedJobs
from workbench.gui.known_figures import KnownFigures
from workbench.gui.measuring import Measuring
from workbench.gui.running_jobs import RunningJobs


@pytest.fixture
def jobs(fake_engine) -> RunningJobs:
    return RunningJobs(fake_engine)


@pytest.fixture
def measuring(fake_engine, jobs) -> Measuring:
    return Measuring(fake_engine, jobs, KnownFigures())


@pytest.fixture
def awaited(jobs, measuring) -> AwaitedJobs:
    awaited = AwaitedJobs(jobs, measuring)
    awaited.evaluate(Recipe())
    awaited.measure_latency(Recipe())
    awaited.export(Recipe(), Path("out.onnx"), force=False)
    return awaited


def _cancelled(fake_engine) -> list[str]:
    return [item.ticket.verb for item in fake_engine.asked if item.ticket.is_cancelled]


def test_another_model_ends_what_was_asked_of_the_old_one(awaited: AwaitedJobs, fake_engine):
    awaited.give_up_model()

    assert _cancelled(fake_engine) == ["evaluate", "measure_latency", "export"]


def test_other_samples_end_evaluations_alone(awaited: AwaitedJobs, fake_engine):
    awaited.give_up_data()

    assert _cancelled(fake_engine) == ["evaluate"]


def test_what_has_ended_is_not_cancelled(awaited: AwaitedJobs, fake_engine):
    fake_engine.of("evaluate", "run")[0].done(None)

    awaited.give_up_data()

    assert _cancelled(fake_engine) == []


def test_an_evaluation_that_is_cancelled_is_stopped_until_it_is_asked_for_again(awaited: AwaitedJobs, measuring):
    awaited.cancel(1 + measuring.probe.number)
    assert measuring.stopped == "stopped"

    awaited.evaluate(Recipe())

    assert measuring.stopped == ""


def test_cancelling_something_else_stops_no_accuracy(awaited: AwaitedJobs, measuring):
    awaited.cancel_export()

    assert measuring.stopped == ""
