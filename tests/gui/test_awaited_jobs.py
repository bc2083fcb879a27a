"""Jobs that somebody asked for, when what they were asked of leaves the bench: on a double of the engine."""

from pathlib import Path

import pytest

from workbench.engine.core.recipe import Recipe
from workbench.gui.awaited_jobs import AwaitedJobs
from workbench.gui.known_figures import KnownFigures
from workbench.gui.measuring import Measuring
from workbench.gui.running_jobs import RunningJobs


@pytest.fixture
def awaited(fake_engine) -> AwaitedJobs:
    jobs = RunningJobs(fake_engine)
    awaited = AwaitedJobs(jobs, Measuring(fake_engine, jobs, KnownFigures()))
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
