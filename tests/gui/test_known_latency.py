from collections.abc import Iterator

import numpy as np
import pytest

from tests.gui.latency_values import PHONE, estimate_of, profile_of
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.gui.known_devices import KnownDevices
from workbench.gui.known_latency import KnownLatency

FOUR_BITS = Recipe().with_rule("*", weights=WeightRule(bits=4))
TWO_BITS = Recipe().with_rule("*", weights=WeightRule(bits=2))


@pytest.fixture
def model(make_model, make_layer):
    return make_model(make_layer("a", np.ones((2, 3), np.float32)))


@pytest.fixture
def devices(fake_engine) -> KnownDevices:
    return KnownDevices(fake_engine)


@pytest.fixture
def latency(fake_engine, devices) -> Iterator[KnownLatency]:
    latency = KnownLatency(fake_engine, devices)
    yield latency
    latency.choose("")


def asked(engine, recipe: Recipe | None = None):
    """Questions that are open, oldest first."""
    found = [one for one in engine.of("estimate_latency", "quick") if one.ticket.is_open]
    return found if recipe is None else [one for one in found if one.ticket.args[1] == recipe]


def test_nothing_is_asked_before_a_device_is_chosen(fake_engine, latency, model):
    latency.begin_model(model, Recipe())

    assert not fake_engine.asked


def test_a_chosen_device_has_the_recipe_and_the_original_estimated(fake_engine, latency, model):
    latency.begin_model(model, FOUR_BITS)
    latency.choose(PHONE)
    asked(fake_engine, FOUR_BITS)[0].done(estimate_of(7.0))
    asked(fake_engine, Recipe())[0].done(estimate_of(10.0))

    assert (latency.estimate.figure.value, latency.original.figure.value) == (7.0, 10.0)
    assert latency.is_current


def test_of_many_moves_only_the_newest_waits(fake_engine, latency, model):
    latency.begin_model(model, Recipe())
    latency.choose(PHONE)
    for recipe in (FOUR_BITS, TWO_BITS):
        latency.set_recipe(recipe)
    before = {one.ticket.args[1] for one in asked(fake_engine)}
    for one in asked(fake_engine):
        one.done(estimate_of(10.0))

    assert FOUR_BITS not in before
    assert [one.ticket.args[1] for one in asked(fake_engine)] == [TWO_BITS]
    assert not latency.is_current


def test_an_answer_for_another_device_is_dropped(fake_engine, latency, model):
    latency.begin_model(model, Recipe())
    latency.choose(PHONE)
    old = asked(fake_engine)
    latency.choose("other")
    for one in old:
        one.done(estimate_of(10.0))

    assert latency.estimate is None
    assert latency.original is None


def test_an_answer_for_another_model_is_dropped(fake_engine, latency, model, make_model, make_layer):
    latency.begin_model(model, Recipe())
    latency.choose(PHONE)
    old = asked(fake_engine)
    latency.begin_model(make_model(make_layer("b", np.ones((2, 3), np.float32))), Recipe())
    for one in old:
        one.done(estimate_of(10.0))

    assert latency.estimate is None


def test_a_refusal_of_the_engine_stands_in_place_of_a_figure(fake_engine, latency, model):
    latency.begin_model(model, FOUR_BITS)
    latency.choose(PHONE)
    asked(fake_engine, FOUR_BITS)[0].failed("recipe: 'x' matches no layer")

    assert latency.refusal == "recipe: 'x' matches no layer"
    assert latency.estimate is None


def test_a_device_that_is_gone_is_chosen_no_more(fake_engine, latency, devices, model):
    latency.begin_model(model, Recipe())
    latency.choose(PHONE)
    devices.ask()
    fake_engine.of("device_profiles", "quick")[-1].done(((profile_of("other"),), ()))

    assert latency.device == ""


def test_a_device_that_was_fitted_anew_is_estimated_anew(fake_engine, latency, devices, model):
    devices.ask()
    fake_engine.of("device_profiles", "quick")[-1].done(((profile_of(),), ()))
    latency.begin_model(model, FOUR_BITS)
    latency.choose(PHONE)
    for one in asked(fake_engine):
        one.done(estimate_of(10.0))
    devices.ask()
    fake_engine.of("device_profiles", "quick")[-1].done(((profile_of(name="Another"),), ()))

    assert latency.estimate is None
    assert {one.ticket.args[1] for one in asked(fake_engine)} == {FOUR_BITS, Recipe()}


def test_a_figure_is_late_only_after_a_while(fake_engine, latency, model, qtbot):
    latency.begin_model(model, Recipe())
    latency.choose(PHONE)
    for one in asked(fake_engine):
        one.done(estimate_of(10.0))
    latency.set_recipe(FOUR_BITS)
    was_late = latency.is_late

    with qtbot.waitSignal(latency.changed):
        pass

    assert not was_late
    assert latency.is_late
