"""What is said of figures: in their own unit, by their own limits, and never of an earlier recipe as of this one."""

from dataclasses import replace

import pytest

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport, LatencyReport
from workbench.gui.panels.figure_texts import accuracy_texts, latency_texts


def _evaluation(value: float, unit: str, difference: float | None = None, metric: str = "top1") -> EvaluationReport:
    figure = Figure(value, unit, Origin.MEASURED, value - 0.1, value + 0.1, 50)
    paired = Figure(difference, unit, Origin.MEASURED, difference - 0.1, difference + 0.1, 50) if difference else None
    return EvaluationReport(metric, figure, 50, 50, 0.1, reference=figure, difference=paired)


def _latency(ms: float, *, niceness: int = 0, ratio: tuple[float, float, float] | None = None) -> LatencyReport:
    figure = Figure(ms, "ms", Origin.MEASURED, ms - 0.1, ms + 0.1, n=200)
    original = Figure(4.0, "ms", Origin.MEASURED, n=200) if ratio else None
    compared = Figure(ratio[1], "fraction", Origin.MEASURED, ratio[0], ratio[2], 20) if ratio else None
    return LatencyReport(figure, figure, "a processor", niceness=niceness, original=original, ratio=compared)


@pytest.mark.parametrize(
    ("value", "unit", "difference", "said"),
    [
        (0.812, "fraction", -0.012, ("81.2", "%", "−1.2 pp", "warn")),
        (0.812, "fraction", -0.03, ("81.2", "%", "−3.0 pp", "bad")),
        (31.2, "dB", -0.3, ("31.2", "dB", "−0.300 dB", "warn")),
        (31.2, "dB", -0.8, ("31.2", "dB", "−0.800 dB", "bad")),
        (31.2, "dB", 0.2, ("31.2", "dB", "+0.200 dB", "good")),
    ],
    ids=["small loss", "loss", "small loss in dB", "loss in dB", "gain in dB"],
)
def test_a_figure_keeps_its_unit_and_is_judged_by_it(value: float, unit: str, difference: float, said: tuple):
    texts = accuracy_texts(_evaluation(value, unit, difference), is_current=True)

    assert (texts.value, texts.unit, texts.delta, texts.tone) == said


def test_outputs_that_are_no_numbers_are_said_and_are_no_gain():
    texts = accuracy_texts(replace(_evaluation(0.1, "fraction", 0.01), num_nan=3), is_current=True)

    assert texts.line.startswith("3 of 50 outputs hold NaN · ")
    assert texts.tone == "bad"


def test_a_detector_that_lost_what_it_found_is_no_small_loss():
    report = _evaluation(0.983, "fraction", -0.017, metric="agreement")
    found = Figure(0.19, "fraction", Origin.MEASURED, 0.1, 0.3, 24)

    texts = accuracy_texts(replace(report, found_agreement=found, background=0), is_current=True)

    assert texts.line.startswith("same where the original finds something: 19.0 % · ")
    assert texts.tone == "bad"


def test_a_figure_whose_measuring_was_stopped_says_so_of_the_recipe_that_it_is_about():
    report = replace(_evaluation(0.8, "fraction"), total=500)

    own = accuracy_texts(report, is_current=True, stopped="stopped")
    earlier = accuracy_texts(report, is_current=False, stopped="stopped")

    assert own.line.endswith(" · stopped")
    assert own.detail == "n = 50 of 500"
    assert earlier.line.endswith("; this one: stopped")


def test_images_that_are_identical_have_a_bar_that_can_be_drawn():
    texts = accuracy_texts(_evaluation(float("inf"), "dB", metric="psnr"), is_current=True)

    assert (texts.value, texts.maximum) == ("∞", 100.0)


@pytest.mark.parametrize(
    "make",
    [lambda now: accuracy_texts(_evaluation(0.8, "fraction", -0.01), is_current=now),
     lambda now: latency_texts(_latency(3, ratio=(0.7, 0.75, 0.8)), is_current=now)],
    ids=["accuracy", "latency"],
)  # fmt: skip
def test_a_figure_of_an_earlier_recipe_says_so_and_gives_no_verdict(make):
    now, earlier = make(True), make(False)

    assert (now.origin, now.detail[:4]) == ("measured", "n = ")
    assert (earlier.origin, earlier.detail) == ("measured", "of an earlier recipe")
    assert (earlier.is_current, earlier.bar_value, earlier.band) == (False, None, None)
    assert (now.maximum, now.original) == (earlier.maximum, earlier.original)


def test_a_latency_that_was_measured_while_others_went_first_says_so():
    assert "niceness 10" in latency_texts(_latency(3, niceness=10), is_current=True).line
    assert latency_texts(_latency(3), is_current=True).line == "a processor"


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        ((0.7, 0.75, 0.8), "75.0 % of the original's time (70.0 … 80.0 %)"),
        ((0.55, 0.75, 1.01), "no difference seen (55.0 … 101.0 %)"),
    ],
    ids=["quicker", "perhaps not"],
)
def test_a_latency_is_quicker_than_the_original_only_where_its_interval_is(ratio: tuple, said: str):
    texts = latency_texts(_latency(3, ratio=ratio), is_current=True)

    assert texts.line == f"{said} · a processor"
    assert texts.original == 4.0


def test_no_speed_is_promised_of_activations_that_were_not_timed():
    recipe = Recipe().with_rule("*", weights=WeightRule(8), activations=ActivationRule(8))

    line = latency_texts(_latency(3), is_current=False, recipe=recipe).line

    assert line == "not measured of this recipe yet; whether integers are faster here, measuring tells"
    assert latency_texts(_latency(3), is_current=True, recipe=recipe).origin == "measured"
