from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from tests.gui.latency_values import PHONE, estimate_of, layer_of, profile_of
from workbench.engine.core.latency_estimate import START_OF_RUN, Bound
from workbench.engine.core.recipe import Recipe
from workbench.gui.known_devices import KnownDevices
from workbench.gui.known_latency import KnownLatency
from workbench.gui.panels.latency_page import LatencyPage
from workbench.gui.panels.latency_rows import Column, LatencyRows, verdict_of

LAYERS = (
    layer_of("a", 2.0, 0.2, Bound.MEMORY, float_ms=2.0, int8_ms=1.0),
    layer_of("relu", 1.0, 0.1, Bound.OVERHEAD, float_ms=1.0, int8_ms=1.0, op_type="Add"),
    layer_of("b", 7.0, 0.7, Bound.COMPUTE, float_ms=7.0, int8_ms=10.5),
)


@pytest.fixture
def latency(fake_engine) -> Iterator[KnownLatency]:
    latency = KnownLatency(fake_engine, KnownDevices(fake_engine))
    yield latency
    latency.choose("")


@pytest.fixture
def page(qtbot, theme, bench, latency) -> LatencyPage:
    bench.put(a=np.ones((2, 3), np.float32), b=np.ones((2, 3), np.float32))
    page = LatencyPage(bench, latency, theme)
    qtbot.addWidget(page)
    page.resize(700, 500)
    page.show()
    return page


def estimated(engine, latency, bench, estimate) -> None:
    latency.begin_model(bench.model, Recipe())
    latency.choose(PHONE)
    for one in engine.of("estimate_latency", "quick"):
        if one.ticket.is_open:
            one.done(estimate)


def names(page: LatencyPage) -> list[str]:
    return [row.name for row in page.rows.rows]


def texts(page: LatencyPage, column: Column) -> list[str]:
    return [page.rows.index(row, column).data() for row in range(page.rows.rowCount())]


def test_what_takes_most_comes_first_with_share_bound_and_verdict(page, fake_engine, latency, bench):
    estimated(fake_engine, latency, bench, estimate_of(10.0, *LAYERS))

    assert names(page) == ["b", "a", "relu"]
    assert texts(page, Column.SHARE) == ["70.0 %", "20.0 %", "10.0 %"]
    assert texts(page, Column.BOUND) == ["compute", "memory", "overhead"]
    assert texts(page, Column.VERDICT) == ["▼ 1.5× slower", "▲ 2.0× faster", "≈ too close to tell"]


def test_a_click_on_a_title_sorts(page, fake_engine, latency, bench):
    estimated(fake_engine, latency, bench, estimate_of(10.0, *LAYERS))

    page.table.sortByColumn(Column.VERDICT, Qt.SortOrder.DescendingOrder)
    by_verdict = names(page)
    page.table.sortByColumn(Column.LAYER, Qt.SortOrder.AscendingOrder)

    assert by_verdict == ["a", "relu", "b"]
    assert names(page) == ["a", "b", "relu"]


def test_a_click_on_a_row_selects_its_layer(page, qtbot, fake_engine, latency, bench):
    estimated(fake_engine, latency, bench, estimate_of(10.0, *LAYERS))
    place = page.table.visualRect(page.rows.index(1, Column.SHARE)).center()

    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))

    assert bench.selection == ("a",)


def test_an_operator_without_weights_selects_nothing(page, qtbot, fake_engine, latency, bench):
    estimated(fake_engine, latency, bench, estimate_of(10.0, *LAYERS))
    bench.select(("b",))
    place = page.table.visualRect(page.rows.index(2, Column.SHARE)).center()

    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))

    assert bench.selection == ("b",)


def test_the_arrow_keys_go_from_layer_to_layer(page, qtbot, fake_engine, latency, bench):
    estimated(fake_engine, latency, bench, estimate_of(10.0, *LAYERS))
    bench.select(("b",))

    qtbot.keyClick(page.table, Qt.Key.Key_Down)

    assert bench.selection == ("a",)


def test_new_figures_leave_the_selection_alone(page, fake_engine, latency, bench):
    bench.select(("a",))
    estimated(fake_engine, latency, bench, estimate_of(None, notes=("no figure: why",)))
    page.table.setFocus()
    latency.choose("other")
    for one in fake_engine.of("estimate_latency", "quick"):
        if one.ticket.is_open:
            one.done(estimate_of(10.0, *LAYERS))

    assert bench.selection == ("a",)
    assert page.table.currentIndex().row() == names(page).index("a")


def test_the_notes_of_the_estimate_are_shown(page, fake_engine, latency, bench):
    estimated(fake_engine, latency, bench, estimate_of(10.0, *LAYERS, notes=("batch 1", "zeros bring no speed")))

    assert page.notes.text() == "• batch 1\n• zeros bring no speed"


def test_where_there_is_no_figure_the_reasons_are_shown(page, fake_engine, latency, bench):
    estimated(fake_engine, latency, bench, estimate_of(None, notes=("no figure: nothing like it",)))

    assert page.empty.isVisible()
    assert page.empty.text() == "No figure: nothing like it"


def test_without_a_device_one_can_be_chosen(page, qtbot, latency, bench):
    latency.begin_model(bench.model, Recipe())
    latency.changed.emit()

    with qtbot.waitSignal(page.device_wished):
        page.choose.click()


def test_a_difference_that_no_estimate_tells_is_none():
    assert verdict_of(layer_of("a", 1.0, 1.0, float_ms=1.0, int8_ms=0.93)).text == "≈ too close to tell"
    assert verdict_of(layer_of("a", 1.0, 1.0, float_ms=1.0)).text == "–"


def test_the_whole_says_its_origin_band_and_device(page, fake_engine, latency, bench):
    estimated(fake_engine, latency, bench, estimate_of(10.0, *LAYERS, is_rough=True))
    fake_engine.of("device_profiles", "quick")[-1].done(((profile_of(),), ()))

    assert page.facts.text() == "10.0 ms estimated, rough (8.00 … 12.5 ms, 80 %) on OnePlus 7T (CPU, 4 threads)"


def test_new_figures_do_not_scroll_to_the_selected_layer(page, fake_engine, latency, bench):
    many = (layer_of("first", 50.0, 0.5), *(layer_of(f"l{number}", 0.5, 0.005) for number in range(99)), LAYERS[0])
    bench.select(("a",))
    estimated(fake_engine, latency, bench, estimate_of(100.0, *many))

    assert page.table.rowAt(1) == 0


def test_a_layer_that_is_selected_elsewhere_is_scrolled_to(page, fake_engine, latency, bench):
    many = (layer_of("first", 50.0, 0.5), *(layer_of(f"l{number}", 0.5, 0.005) for number in range(99)))
    estimated(fake_engine, latency, bench, estimate_of(100.0, *many, layer_of("a", 0.1, 0.001)))

    bench.select(("a",))

    assert page.table.viewport().rect().contains(page.table.visualRect(page.rows.index(100, 0)).center())


def test_the_start_of_a_run_stands_in_a_row_of_its_own(qapp):
    rows = LatencyRows()
    rows.show_layers((layer_of(START_OF_RUN, 9.0, 0.9, Bound.OVERHEAD, op_type=""), *LAYERS[:1]))

    first = rows.index(0, Column.LAYER)

    assert first.data() == START_OF_RUN
    assert first.data(Qt.ItemDataRole.ToolTipRole).startswith("Once in each run")


def test_the_verdicts_tip_says_in_what_the_layer_is_now(qapp):
    rows = LatencyRows()
    rows.show_layers((replace(layer_of("a", 1.0, 1.0, float_ms=2.0, int8_ms=1.0), is_int8=True),))

    tip = rows.index(0, Column.VERDICT).data(Qt.ItemDataRole.ToolTipRole)

    assert tip == "it is int8 now; estimated: 2.00 ms in float, 1.00 ms in int8"
