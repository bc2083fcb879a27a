"""The view of activations on a double of the engine, and once on the real one with the demo."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.engine.core.quantization_reports import ActivationPreview, LayerActivations
from workbench.engine.core.recipe import ActivationRule, ActivationSettings, Recipe, WeightRule
from workbench.gui.panels.activation_view import NO_SAMPLES, ActivationView
from workbench.gui.quantized_histogram import Fate

_LONG_MS = 30_000


@pytest.fixture
def view(bench, theme, qtbot):
    view = ActivationView(bench, theme)
    qtbot.addWidget(view)
    view.resize(700, 700)
    view.show()
    bench.put(a=np.ones((2, 3), np.float32), b=np.ones((2, 3), np.float32))
    bench.select(("a",))
    return view


def tensor(*, is_input: bool = True) -> ActivationPreview:
    return ActivationPreview(
        "x", is_input, ActivationSettings(8), -4.0, 4.0, 0.0, 2.0, 2.0, 0, 0.5, 6.02,
        edges=np.arange(-4, 5, dtype=np.float64), counts=np.full(8, 10), octaves=np.array([0.25, 0.25, 0.5]),
        first_octave=-1, channel_low=np.array([-4, -1], np.float32), channel_high=np.array([4, 1], np.float32),
        num_samples=3,
    )  # fmt: skip


def answer(bench, *tensors: ActivationPreview, layer: str = "a", why: str = "") -> LayerActivations:
    return LayerActivations(layer, bench.recipe.digest, tensors, why)


def asked(bench) -> list:
    return bench.asks.of("layer_activations", "look")


def test_nothing_is_asked_until_somebody_looks(view, bench):
    assert asked(bench) == []

    view.look_at("input")

    assert [item.ticket.args for item in asked(bench)] == [("a", Recipe())]


def test_an_answer_shows_clip_lines_overlay_octaves_channels_and_figures(view, bench):
    view.look_at("input")

    asked(bench)[0].done(answer(bench, tensor()))

    histogram = view.histogram
    assert [line.value() for line in histogram.clips.lines] == [0.0, 2.0]
    assert histogram.after.isVisible()
    assert view.octaves.fates == (Fate.UNDERFLOWS, Fate.KEPT, Fate.PARTLY_CLIPPED)
    np.testing.assert_allclose(view.channels.low, [-4, -1])
    assert (view.clipped.value, view.underflow.value, view.sqnr.value) == ("50.00 %", "25.00 %", "6.0 dB")
    assert view.facts.text() == "input · 8 bit, by minmax · 3 samples"
    assert not view.grab().isNull()


def test_the_other_side_and_a_known_recipe_are_shown_without_asking(view, bench):
    view.look_at("input")
    asked(bench)[0].done(answer(bench, tensor(), replace(tensor(is_input=False), num_samples=7)))

    view.look_at("output")

    assert view.facts.text().startswith("output")
    assert len(asked(bench)) == 1


def test_working_is_said_while_the_engine_works(view, bench, qtbot):
    view.look_at("input")

    qtbot.waitUntil(lambda: view.empty.text() == "Working…")

    asked(bench)[0].done(answer(bench, tensor()))
    assert view.state.text() == ""


def test_an_answer_of_before_an_edit_is_shown_as_such_until_the_new_one_comes(view, bench):
    view.look_at("input")
    old = answer(bench, tensor())

    bench.edit(Recipe().with_rule("a", activations=ActivationRule(8)), "Bits")
    asked(bench)[0].done(old)
    assert view.state.text() == "of an earlier recipe"

    asked(bench)[1].done(answer(bench, tensor()))
    assert view.state.text() == ""


def test_without_samples_it_says_what_to_open(view, bench):
    view.look_at("input")

    asked(bench)[0].done(answer(bench, why="ranges need samples, and none are open"))

    assert view.empty.text() == NO_SAMPLES
    assert view.empty.isVisible()


def test_a_failure_is_said_in_its_place(view, bench):
    view.look_at("output")

    asked(bench)[0].failed("sample 3 cannot be read")

    assert view.empty.text() == "sample 3 cannot be read"


def test_answers_of_another_model_are_dropped(view, bench):
    view.look_at("input")
    bench.activations.forget()

    asked(bench)[0].done(answer(bench, tensor()))

    assert view.histogram is None


def test_why_activations_are_not_as_asked_stands_above_the_plots(view, bench):
    view.look_at("input")

    asked(bench)[0].done(answer(bench, replace(tensor(), scale=None, clip_low=None, clip_high=None), why="stay float"))

    assert view.why.text() == "stay float"
    assert view.clipped.value == "none"


def test_the_demos_activations_are_measured_on_its_samples(demo_window, qtbot):
    document, view = demo_window.document, demo_window.activations
    recipe = document.recipe.with_rule("*", weights=WeightRule(8), activations=ActivationRule(4, range="mse"))
    document.edit(recipe, "W8A4")
    document.select(("hidden",))

    demo_window.distributions.side.chosen.emit("input")

    qtbot.waitUntil(lambda: view.has_answer, timeout=_LONG_MS)
    assert view.facts.text() == "input · 4 bit simulated, by mse · 128 samples"
    assert all(line.isVisible() for line in view.histogram.clips.lines)
    assert view.sqnr.value.endswith("dB")
    assert not demo_window.distribution.isVisible()
