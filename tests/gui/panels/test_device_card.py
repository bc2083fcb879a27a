from collections.abc import Iterator

import numpy as np
import pytest

from tests.gui.latency_values import PHONE, estimate_of, profile_of
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.gui.known_devices import KnownDevices
from workbench.gui.known_latency import KnownLatency
from workbench.gui.panels.device_card import DeviceCard
from workbench.gui.panels.device_card_texts import device_texts

FOUR_BITS = Recipe().with_rule("*", weights=WeightRule(bits=4))


@pytest.fixture
def card(qtbot, theme, fake_engine, make_model, make_layer) -> Iterator[DeviceCard]:
    devices = KnownDevices(fake_engine)
    latency = KnownLatency(fake_engine, devices)
    card = DeviceCard(latency, devices, theme)
    qtbot.addWidget(card)
    card.show()
    latency.begin_model(make_model(make_layer("a", np.ones((2, 3), np.float32))), FOUR_BITS)
    devices.ask()
    fake_engine.of("device_profiles", "quick")[-1].done(((profile_of(),), ()))
    yield card
    latency.choose("")


def answer(engine, now, original) -> None:
    for one in engine.of("estimate_latency", "quick"):
        if one.ticket.is_open:
            one.done(now if one.ticket.args[1] == FOUR_BITS else original)


def test_the_figure_stands_with_its_band_and_the_originals(card, fake_engine):
    card.picker.chosen.emit(PHONE)
    answer(fake_engine, estimate_of(8.0), estimate_of(10.0))

    assert (card.value.text(), card.unit.text(), card.delta.text()) == ("8.00", "ms", "−20 %")
    assert card.line.text() == "6.40 … 10.0 ms (80 %) · original 10.0 ms"
    assert card.badge.text == "ESTIMATED"
    assert "cross-validated error" in card.value.toolTip()
    assert not card.rough.isVisible()


def test_a_rough_figure_says_so_in_word_and_form(card, fake_engine):
    card.picker.chosen.emit(PHONE)
    answer(fake_engine, estimate_of(8.0, is_rough=True), estimate_of(10.0, is_rough=True))

    assert card.rough.isVisible()
    assert "ROUGH" in card.rough.text()
    assert card.gauge.is_rough
    assert "rough" in card.gauge.accessibleName()
    assert "rough" in card.accessibleName()


def test_where_there_is_no_figure_the_reason_stands_alone(card, fake_engine):
    card.picker.chosen.emit(PHONE)
    notes = ("no figure: nothing quantized was measured there", "zeros bring no speed")
    answer(fake_engine, estimate_of(None, notes=notes), estimate_of(10.0))

    assert card.warning.text() == "⚠ No figure: nothing quantized was measured there"
    assert not card.value.isVisible()
    assert not card.gauge.isVisible()
    assert card.badge.text == ""


def test_without_a_device_nothing_is_claimed(card):
    assert not card.value.isVisible()
    assert not card.by_layer.isVisible()
    assert "Choose" in card.line.text()


def test_no_device_can_be_chosen_again(card, fake_engine):
    card.picker.chosen.emit(PHONE)
    answer(fake_engine, estimate_of(8.0), estimate_of(10.0))
    card.picker.chosen.emit("")

    assert card.picker.value == ""
    assert not card.value.isVisible()


def test_a_late_figure_is_faint_and_says_of_what_it_is():
    texts = device_texts(profile_of(), estimate_of(8.0), estimate_of(10.0), is_late=True)

    assert texts.is_faint
    assert texts.line == "of an earlier recipe; this one is being estimated"


@pytest.mark.parametrize(("now", "tone"), [(8.0, "good"), (10.0, "muted"), (12.0, "warn")])
def test_the_difference_has_the_tone_of_its_sign(now, tone):
    assert device_texts(profile_of(), estimate_of(now), estimate_of(10.0)).tone == tone
