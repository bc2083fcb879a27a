"""The page of the trade-off: points that are taken, and budgets that are dragged."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from tests.gui.latency_values import PHONE, estimate_of, profile_of
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import ParetoPoint, SearchBudgets, SearchResult
from workbench.gui.device_budget import DeviceBudget
from workbench.gui.device_times import DeviceTimes
from workbench.gui.known_devices import KnownDevices
from workbench.gui.known_latency import KnownLatency
from workbench.gui.panels.trade_off_page import TradeOffPage
from workbench.gui.panels.trade_off_texts import Across
from workbench.gui.plot_point import Mark
from workbench.project.budgets import Budgets

W2, W4, W8 = (Recipe().with_rule("*", weights=WeightRule(bits)) for bits in (2, 4, 8))
ORIGINAL = Figure(0.99, "fraction", Origin.MEASURED, n=500)


def estimated(value: float) -> Figure:
    return Figure(value, "fraction", Origin.ESTIMATED, value - 0.02, value + 0.01, 500)


@pytest.fixture
def now():
    return {"size": None, "accuracy": None}


@pytest.fixture
def figures_now(now):
    return lambda: (now["size"], now["accuracy"])


@pytest.fixture
def page(bench, theme, qtbot: QtBot, figures_now) -> TradeOffPage:
    page = TradeOffPage(bench, theme, figures_now)
    qtbot.addWidget(page)
    page.resize(700, 500)
    page.show()
    bench.put(a=np.ones((40, 50), np.float32))
    bench.put_data()
    bench.measuring.set_model(bench.model)
    bench.measuring.set_data(bench.dataset)
    bench.figures.accuracy = EvaluationReport("top1", ORIGINAL, 500, 500, 0.1, W4.digest, reference=ORIGINAL)
    points = tuple(
        ParetoPoint(recipe, size, None, estimated(value), 0.1)
        for recipe, size, value in ((W2, 2000, 0.4), (W4, 3000, 0.9), (W8, 5000, 0.98))
    )
    bench.trade_off.take(SearchResult(SearchBudgets(max_bytes=4000), "top1", ORIGINAL, front=points, is_final=True))
    return page


def place_of(page: TradeOffPage, recipe: Recipe) -> int:
    return next(index for index, point in enumerate(page.shown) if point.recipe == recipe)


def click_on(page: TradeOffPage, qtbot: QtBot, index: int) -> None:
    view = page.plot.plot.getViewWidget()
    at = view.mapFromScene(page.plot.scene_place(index))
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_points_are_drawn_by_size_and_accuracy_with_their_marks(page):
    marks = {point.mark: (point.x, point.y) for point in page.plot.points}

    assert marks[Mark.ORIGINAL] == (9.0, 99.0)
    assert [(point.x, round(point.y)) for point in page.plot.points if point.is_front] == [(2, 40), (3, 90), (5, 98)]
    assert page.facts.text() == "4 recipes, 1 measured"


def test_what_the_search_noted_stands_below_the_points(page, bench):
    assert not page.remarks.isVisible()

    bench.trade_off.take(replace(bench.trade_off.result, notes=("the scan is not complete",)))

    assert page.remarks.isVisible()
    assert page.remarks.text() == "the scan is not complete"


def test_a_click_takes_the_recipe_in_one_step(page, bench, qtbot):
    steps = bench.undo_stack.count()

    click_on(page, qtbot, place_of(page, W8))

    assert bench.recipe == W8
    assert bench.undo_stack.count() == steps + 1
    assert bench.undo_stack.undoText() == "Recipe of 5.0 kB"
    assert bench.num_releases == 1


def test_the_keyboard_goes_from_point_to_point_and_takes_one(page, bench, qtbot):
    page.below.click()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right):
        qtbot.keyClick(page.plot, key)
    assert page.line.text().startswith("3.0 kB: Accuracy (top1) 90.0 %, 88.0 … 91.0 % (90 %), estimated")

    qtbot.keyClick(page.plot, Qt.Key.Key_Return)

    assert bench.recipe == W4


def test_budgets_are_lines_that_follow_the_cards(page, bench):
    bench.set_budgets(Budgets(accuracy=0.9, size_bytes=4000))

    assert float(page.plot.lines["y"].value()) == pytest.approx(90)
    # Sizes differ by more than a factor of three, so the axis is logarithmic.
    assert float(page.plot.lines["x"].value()) == pytest.approx(np.log10(4.0))
    assert page.plot.labels["x"].toPlainText() == "size budget 4.0 kB"


def test_a_line_that_is_dragged_is_one_step_of_undo(page, bench):
    bench.set_budgets(Budgets(size_bytes=4000))
    steps = bench.undo_stack.count()
    line = page.plot.lines["y"]

    line.moving = True
    for value in (80, 85, 88):
        line.setPos(value)
        line.sigDragged.emit(line)
    line.moving = False
    line.sigPositionChangeFinished.emit(line)

    assert bench.budgets.accuracy == pytest.approx(0.88)
    assert bench.budgets.size_bytes == 4000
    assert bench.undo_stack.count() == steps + 1
    bench.undo_stack.undo()
    assert bench.budgets.accuracy is None


def test_the_star_follows_a_drag_with_what_is_estimated(page, bench, now):
    now |= {"size": 3500, "accuracy": estimated(0.93)}
    bench.set_recipe(Recipe().with_rule("a", weights=WeightRule(5)))
    assert page.plot.now == pytest.approx((3.5, 93.0))

    now["accuracy"] = None
    bench.set_recipe(W2)
    assert page.plot.now is None


def view_of(page: TradeOffPage) -> tuple[float, float]:
    """Least and greatest accuracy in sight."""
    low, high = page.plot.plot.getViewBox().viewRange()[1]
    return low, high


def test_a_hopeless_recipe_does_not_press_the_others_together(page, qtbot):
    # Of 99, 98, 90 and 40 %, the last lies far below a tenth less than the original has.
    low, _ = view_of(page)
    assert 80 < low < 90
    assert page.below.isVisible()
    assert page.below.text() == "▼ 1 point below: show all"

    page.below.click()

    assert view_of(page)[0] < 40
    assert page.below.text() == "▲ Show the useful part only"


def test_what_is_out_of_sight_is_out_of_the_keyboard_s_reach(page, qtbot):
    qtbot.keyClick(page.plot, Qt.Key.Key_Home)

    assert page.plot.cursor_point == place_of(page, W4)


def test_the_view_follows_the_floor(page, bench):
    bench.set_budgets(Budgets(accuracy=0.985))

    # Three times the half point that may be lost is 97.5; the second best of the others, 90, stays in sight.
    assert 88 < view_of(page)[0] < 90
    assert page.below.text() == "▼ 1 point below: show all"


def test_a_recipe_on_the_bench_below_the_view_is_a_sign_at_its_edge(page, bench, now):
    now |= {"size": 3500, "accuracy": estimated(0.2)}
    bench.set_recipe(Recipe().with_rule("a", weights=WeightRule(3)))

    (spot,) = page.plot.star.points()
    low, high = view_of(page)
    assert spot.symbol() == "t"
    assert low < spot.pos().y() < low + 0.1 * (high - low)
    assert page.plot.now == pytest.approx((3.5, 20.0))


def test_recipes_of_other_samples_are_held_against_the_original_on_the_same(page, bench):
    # On the search's 500 samples the original has 97 %; on all 5,000, 99 %.
    whole = Figure(0.99, "fraction", Origin.MEASURED, n=5000)
    bench.figures.accuracy = EvaluationReport("top1", whole, 5000, 5000, 0.1, W4.digest, reference=whole)
    easier = Figure(0.97, "fraction", Origin.MEASURED, n=500)
    front = (ParetoPoint(W8, 5000, None, estimated(0.98), 0.1),)

    bench.trade_off.take(SearchResult(SearchBudgets(max_bytes=4000), "top1", easier, front=front, is_final=True))

    point = page.plot.points[place_of(page, W8)]
    # One point better than the original there: one point above its 99 %.
    assert point.y == pytest.approx(100.0)
    assert (point.low, point.high) == pytest.approx((98.0, 101.0))
    assert point.is_apart
    assert page.remarks.text().startswith(
        "One hollow point is of other samples (n = 500) than the original, n = 5,000: it lies at the difference"
    )
    page.plot.pointed.emit(place_of(page, W8))
    assert "n = 500, other samples than the original's" in page.line.text()


def test_against_latency_stand_only_recipes_that_were_timed(page):
    page.choice._choose(Across.LATENCY)

    assert page.shown == ()
    assert page.facts.text() == "0 of 4 recipes have a latency"


def test_the_pointer_finds_the_nearest_point_only(page):
    at = page.plot.scene_place(place_of(page, W4))

    assert page.plot.nearest(at) == place_of(page, W4)
    assert page.plot.nearest(at + QPointF(40, 40)) == -1


def test_before_anything_is_measured_the_page_says_what_will_be_there(bench, theme, qtbot):
    page = TradeOffPage(bench, theme, lambda: (None, None))
    qtbot.addWidget(page)
    page.show()

    assert page.empty.text().startswith("Open a model and samples")
    assert not page.solve.isEnabled()


def test_both_themes_draw_it(page, theme, qapp):
    from workbench.gui.theme import DARK

    theme.apply(qapp, DARK)

    assert not page.grab().isNull()


@pytest.fixture
def on_device(bench):
    """What is estimated on a device, and the engine that is asked."""
    devices = KnownDevices(bench.asks)
    latency = KnownLatency(bench.asks, devices)
    times = DeviceTimes(bench.asks, latency)
    yield latency, times, devices
    latency.choose("")


def answer_all(engine, ms_of) -> None:
    """Answer each question about a recipe on a device, those too that come of the answers."""
    while open_ones := [one for one in engine.of("estimate_latency", "look") if one.ticket.is_open]:
        open_ones[0].done(estimate_of(ms_of(open_ones[0].ticket.args[1])))


def test_on_a_device_the_points_lie_at_their_estimates(page, bench, theme, qtbot, figures_now, on_device):
    latency, times, _ = on_device
    other = TradeOffPage(bench, theme, figures_now, latency=latency, times=times)
    qtbot.addWidget(other)
    other.show()
    latency.begin_model(bench.model, Recipe())
    other.choice._choose(Across.DEVICE)
    without = other.facts.text()
    latency.choose(PHONE)
    bench.asks.of("device_profiles", "quick")[-1].done(((profile_of(),), ()))
    expected = {Recipe(): 10.0, W2: 7.0, W4: 8.0, W8: 9.0}

    answer_all(bench.asks, expected.__getitem__)

    assert without == "choose a device in the preview"
    assert {point.recipe: point.on_device.value for point in other.shown} == expected
    assert sorted(point.x for point in other.plot.points) == [7.0, 8.0, 9.0, 10.0]


@pytest.fixture
def device_page(page, bench, theme, qtbot, figures_now, on_device):
    """Against the latency on a device, with nothing chosen yet."""
    latency, times, _ = on_device
    budget = DeviceBudget(bench, latency)
    other = TradeOffPage(bench, theme, figures_now, latency=latency, times=times, device_budget=budget)
    qtbot.addWidget(other)
    other.resize(700, 500)
    other.show()
    latency.begin_model(bench.model, Recipe())
    other.choice._choose(Across.DEVICE)
    return other


def estimate_now(bench, latency, ms: float | None) -> None:
    """Choose the phone, and answer what is asked of the recipe on the bench and of the points."""
    latency.choose(PHONE)
    for one in bench.asks.of("estimate_latency", "quick"):
        if one.ticket.is_open:
            one.done(estimate_of(ms))
    answer_all(bench.asks, lambda recipe: 8.0)


def test_on_a_device_its_budget_is_a_line_that_is_dragged_in_one_step(device_page, bench, on_device):
    estimate_now(bench, on_device[0], 8.0)
    line = device_page.plot.lines["x"]
    steps = bench.undo_stack.count()
    before = device_page.plot.labels["x"].toPlainText()

    line.moving = True
    for value in (7.0, 6.5, 6.0):
        line.setPos(value)
        line.sigDragged.emit(line)
    line.moving = False
    line.sigPositionChangeFinished.emit(line)

    assert before == "drag to set a budget"
    assert bench.budgets == Budgets(device_ms={PHONE: pytest.approx(6.0)})
    assert bench.undo_stack.count() == steps + 1
    bench.set_budgets(Budgets(device_ms={PHONE: 7.5}))
    assert float(line.value()) == 7.5
    assert device_page.plot.labels["x"].toPlainText() == "budget on the device 7.50 ms"


@pytest.mark.parametrize("has_device", [False, True], ids=["no device", "a device without a figure"])
def test_without_a_figure_on_a_device_no_budget_is_dragged(device_page, bench, on_device, has_device):
    if has_device:
        estimate_now(bench, on_device[0], None)

    device_page.plot.budget_moved.emit("x", 5.0)

    assert bench.budgets == Budgets()
    assert not device_page.plot.lines["x"].movable
    assert device_page.plot.labels["x"].toPlainText() == "no budget without a figure on a device"
    device_page.choice._choose(Across.SIZE)
    assert device_page.plot.lines["x"].movable


def test_recipes_are_asked_for_again_on_another_device(page, bench, on_device):
    latency, times, _ = on_device
    latency.begin_model(bench.model, Recipe())
    latency.choose(PHONE)
    times.ask([W2])
    answer_all(bench.asks, lambda recipe: 7.0)
    first = times.of(W2)
    latency.choose("other")

    assert first.value == 7.0
    assert times.of(W2) is None


def test_the_name_of_an_axis_stands_in_its_middle_after_a_change(page, bench, theme, qtbot, figures_now, on_device):
    latency, times, _ = on_device
    other = TradeOffPage(bench, theme, figures_now, latency=latency, times=times)
    qtbot.addWidget(other)
    other.resize(700, 500)
    other.show()
    latency.begin_model(bench.model, Recipe())
    latency.choose(PHONE)
    bench.asks.of("device_profiles", "quick")[-1].done(((profile_of(),), ()))

    other.choice._choose(Across.DEVICE)

    axis = other.plot.plot.getAxis("bottom")
    assert "OnePlus 7T" in axis.labelText
    middle = axis.label.pos().x() + axis.label.boundingRect().width() / 2
    assert middle == pytest.approx(axis.size().width() / 2, abs=2)
