from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from tests.gui.latency_values import PHONE, estimate_of, profile_of
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.gui.device_budget import DeviceBudget
from workbench.gui.known_devices import KnownDevices
from workbench.gui.known_latency import KnownLatency
from workbench.gui.panels.device_card import DeviceCard
from workbench.gui.panels.device_card_texts import device_texts
from workbench.gui.panels.preview import PreviewPanel
from workbench.project.budgets import Budgets

BOARD = "a-board/tflite/cpu-4t"
FOUR_BITS = Recipe().with_rule("*", weights=WeightRule(bits=4))


@pytest.fixture
def latency(fake_engine) -> Iterator[KnownLatency]:
    latency = KnownLatency(fake_engine, KnownDevices(fake_engine))
    yield latency
    latency.choose("")


@pytest.fixture
def budget(bench, latency) -> DeviceBudget:
    return DeviceBudget(bench, latency)


@pytest.fixture
def card(qtbot, theme, fake_engine, bench, latency, budget) -> DeviceCard:
    devices = latency._devices
    card = DeviceCard(latency, devices, budget, theme)
    qtbot.addWidget(card)
    card.resize(324, 300)
    card.show()
    bench.put(a=np.ones((2, 3), np.float32))
    latency.begin_model(bench.model, FOUR_BITS)
    devices.ask()
    fake_engine.of("device_profiles", "quick")[-1].done(((profile_of(), profile_of(BOARD, "A board")), ()))
    return card


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


@pytest.fixture
def figure(card, fake_engine) -> None:
    """8 ms, 6.4 to 10, on the phone, where the original takes 10."""
    card.picker.chosen.emit(PHONE)
    answer(fake_engine, estimate_of(8.0), estimate_of(10.0))


def drag(gauge, *ms: float) -> None:
    points = [QPointF(gauge.x_of(value), 16) for value in ms]
    kinds = QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * (len(ms) - 1), QEvent.Type.MouseButtonRelease
    for kind, at in zip(kinds, (*points, points[-1]), strict=True):
        button = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
        place = gauge.mapToGlobal(at)
        QApplication.sendEvent(gauge, QMouseEvent(kind, at, place, button, held, Qt.KeyboardModifier.NoModifier))


def test_a_budget_that_is_dragged_on_the_gauge_is_the_devices_in_one_step_of_undo(card, figure, bench):
    drag(card.gauge, 3.0, 7.0, 11.0)

    assert bench.budgets == Budgets(device_ms={PHONE: pytest.approx(11.0)})
    assert bench.undo_stack.count() == 1
    bench.undo_stack.undo()
    assert bench.budgets == Budgets()
    assert card.gauge.budget is None


def test_keys_move_and_remove_the_budget_of_the_device(card, figure, bench, qtbot):
    bench.set_budgets(Budgets(device_ms={PHONE: 9.0}))
    before = card.gauge.budget

    qtbot.keyClick(card.gauge, Qt.Key.Key_Right)
    # The scale ends 5 % after the high end of the original's band, which is a quarter above it.
    assert bench.budgets.on_device(PHONE) == pytest.approx(9.0 + 13.125 / 100)
    qtbot.keyClick(card.gauge, Qt.Key.Key_Delete)

    assert before == 9.0
    assert bench.budgets == Budgets()
    assert card.note.text() == ""


@pytest.mark.parametrize(
    ("limit", "is_met", "said"),
    [
        (11.0, True, "limit 11.0 ms, met"),
        (9.0, True, "limit 9.00 ms, in the band, met"),
        (7.0, False, "limit 7.00 ms, in the band, missed"),
        (5.0, False, "limit 5.00 ms, missed"),
    ],
)
def test_the_card_says_whether_the_estimate_keeps_the_budget(card, figure, bench, limit, is_met, said):
    bench.set_budgets(Budgets(device_ms={PHONE: limit}))

    assert card.gauge.is_met is is_met
    assert card.note.text() == said.partition(",")[0]
    assert bool(card.note.toolTip()) is ("in the band" in said)
    assert card.accessibleName().endswith(said)
    assert card.gauge.accessibleName().endswith(f" ms, {'met' if is_met else 'missed'}")


@pytest.mark.parametrize(("limit", "is_met"), [(11.0, True), (9.0, None), (7.0, None), (5.0, False)])
def test_a_rough_band_that_holds_the_budget_decides_nothing(card, fake_engine, bench, limit, is_met):
    card.picker.chosen.emit(PHONE)
    answer(fake_engine, estimate_of(8.0, is_rough=True), estimate_of(10.0, is_rough=True))

    bench.set_budgets(Budgets(device_ms={PHONE: limit}))

    assert card.gauge.is_met is is_met


def test_a_budget_is_its_own_devices_and_comes_back_with_it(card, figure, fake_engine, bench):
    bench.set_budgets(Budgets(device_ms={PHONE: 9.0}))

    card.picker.chosen.emit(BOARD)
    answer(fake_engine, estimate_of(8.0, device=BOARD), estimate_of(10.0, device=BOARD))
    on_board = card.gauge.budget, card.gauge.is_met, card.note.text()
    card.picker.chosen.emit(PHONE)
    answer(fake_engine, estimate_of(8.0), estimate_of(10.0))

    assert on_board == (None, None, "")
    assert (card.gauge.budget, card.gauge.is_met) == (9.0, True)
    assert bench.undo_stack.count() == 1


def test_a_device_without_a_figure_shows_no_budget(card, fake_engine, bench, budget):
    bench.set_budgets(Budgets(device_ms={PHONE: 9.0}))
    card.picker.chosen.emit(PHONE)
    answer(fake_engine, estimate_of(None, notes=("no figure: nothing",)), estimate_of(10.0))

    assert not card.gauge.isVisible()
    assert card.note.text() == ""
    assert (budget.ms, budget.is_met, budget.waits) == (None, None, True)
    assert bench.budgets.on_device(PHONE) == 9.0


def test_a_figure_of_an_earlier_recipe_meets_no_budget(card, figure, bench, latency, qtbot):
    bench.set_budgets(Budgets(device_ms={PHONE: 9.0}))
    latency.set_recipe(Recipe().with_rule("*", weights=WeightRule(bits=2)))
    at_once = card.gauge.is_met

    with qtbot.waitSignal(latency.changed):
        pass

    assert at_once is True
    assert card.gauge.is_met is None


def test_the_banner_counts_the_budget_of_the_chosen_device_alone(card, figure, bench, theme, qtbot, budget):
    bench.put_data()
    preview = PreviewPanel(bench, theme, device_budget=budget)
    qtbot.addWidget(preview)
    said = [preview.banner.headline]

    for limits in ({BOARD: 1.0}, {BOARD: 1.0, PHONE: 9.0}, {BOARD: 1.0, PHONE: 5.0}):
        bench.set_budgets(Budgets(device_ms=limits))
        said.append(preview.banner.headline)

    assert said == ["No budgets set", "No budgets set", "Budget met: device", "Over budget: device"]
