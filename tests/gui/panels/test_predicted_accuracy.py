"""The accuracy that is known before it is measured: estimated at once, replaced by what is measured."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.engine.core.accuracy_prediction import (
    AccuracyPrediction,
    DropCurve,
    PredictionSpread,
    SamplingError,
)
from workbench.engine.core.channel_group import ChannelGroup
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Calibration, Prune, Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.sensitivity import ScanAxes, ScanSetting, SensitivityScan, digest_of_ranges
from workbench.engine.core.sensitivity_table import sensitivity_table
from workbench.gui.panels.layers_panel import LayersPanel
from workbench.gui.panels.preview import PreviewPanel
from workbench.project.budgets import Budgets

AXES = ScanAxes((8, 4), (), ())
W8, W4 = AXES.settings
ORIGINAL = Figure(0.9, "fraction", Origin.MEASURED, 0.88, 0.92, 500)
# At a divergence of 0.1 nats: 0.8 · (1 − exp(−0.1)) = 7.6 points are lost.
CURVE = DropCurve(0.8, 1.0, 1.0)
W4_ALL = Recipe().with_rule("a", weights=WeightRule(4, range="mse"))


@pytest.fixture
def panel(bench, theme, qtbot, make_scan) -> PreviewPanel:
    table = LayersPanel(bench, theme)
    panel = PreviewPanel(bench, theme, asked=table.asked)
    for widget in (table, panel):
        qtbot.addWidget(widget)
    bench.put(a=np.linspace(-1, 1, 36, dtype=np.float32).reshape(4, 9))
    bench.put_data()
    bench.scans.set_axes(AXES)
    scan = make_scan(("a",), {("a", W8): 0.001, ("a", W4): 0.1}, axes=AXES, is_complete=True)
    bench.scans.take(scan)
    bench.predictions.take(learned_from(scan))
    return panel


def learned_from(scan: SensitivityScan) -> AccuracyPrediction:
    spread = PredictionSpread(SamplingError(1 / 500, 0.0), 1.64)
    return AccuracyPrediction(
        scan.model_digest, scan.dataset_digest, "top1", ORIGINAL, sensitivity_table(scan), CURVE, spread, (), 500,
        scan.ranges_digest, scan.groups, scan.axes, is_complete=True,
    )  # fmt: skip


def measure(bench, recipe: Recipe, value: float) -> None:
    figure = Figure(value, "fraction", Origin.MEASURED, value - 0.01, value + 0.01, 500)
    report = EvaluationReport("top1", figure, 500, 500, 0.1, recipe.digest, reference=ORIGINAL)
    bench.figures.accuracy = report
    bench.figures.measured.emit(report)


def test_a_move_shows_what_is_predicted_at_once(panel, bench):
    bench.set_recipe(W4_ALL)

    card = panel.accuracy
    assert card.value.text() == "82.4"
    assert card.delta.text() == "−7.6 pp"
    assert card.badge.text == "ESTIMATED"
    low, high = card.bar.band
    assert low < 0.824 < high
    assert "predicted from the scan" in card.line.text()


def test_the_measured_figure_takes_its_place_and_the_next_move_predicts_again(panel, bench):
    bench.set_recipe(W4_ALL)
    measure(bench, W4_ALL, 0.81)
    assert (panel.accuracy.value.text(), panel.accuracy.badge.text) == ("81.0", "MEASURED n = 500")

    bench.set_recipe(Recipe().with_rule("a", weights=WeightRule(8, range="mse")))

    assert panel.accuracy.badge.text == "ESTIMATED"
    assert panel.accuracy.value.text() == "89.9"
    # A history of measurements: what was only predicted is none of it.
    assert panel.accuracy.trend.values == (0.81,)


def test_what_the_scan_does_not_know_is_not_predicted(panel, bench):
    bench.scans.set_axes(replace(AXES, weight_bits=(8,)))

    bench.set_recipe(W4_ALL)

    assert panel.accuracy.badge.text == "ESTIMATED" or panel.accuracy.value.text() == "–"


def test_other_samples_take_the_prediction_away(panel, bench):
    bench.put_data()
    bench.scans.begin_data(replace(bench.dataset, digest="others"))

    assert bench.predictions.prediction is None


def test_other_calibration_samples_take_the_prediction_away(panel, bench):
    learned = replace(bench.predictions.prediction, ranges_digest=digest_of_ranges("data", Calibration()))
    bench.predictions.take(learned)

    bench.scans.begin_data(bench.dataset, "calibration")
    assert bench.predictions.prediction is None

    bench.scans.begin_data(bench.dataset)
    assert bench.predictions.prediction is learned


def test_another_range_than_was_scanned_is_said(panel, bench):
    bench.set_recipe(Recipe().with_rule("a", weights=WeightRule(4, range="minmax")))

    assert "other scales or another range" in panel.accuracy.line.toolTip()


def test_a_floor_within_the_interval_is_neither_met_nor_missed(panel, bench):
    bench.set_recipe(W4_ALL)

    bench.set_budgets(Budgets(accuracy=0.82))
    assert panel.banner.headline == "Measuring"

    bench.set_budgets(Budgets(accuracy=0.5))
    assert panel.banner.headline == "Budget met: accuracy"
    assert panel.banner.toolTip() == "Budget met: accuracy\naccuracy estimated from the scan"


def test_figures_now_are_those_of_the_cards(panel, bench):
    bench.set_recipe(W4_ALL)
    _, accuracy = panel.figures_now()
    assert accuracy.origin is Origin.ESTIMATED

    measure(bench, W4_ALL, 0.81)

    assert panel.figures_now()[1].value == 0.81


def test_what_a_group_loses_counts_once_when_a_scan_without_channels_is_asked_for_since(panel, bench, make_scan):
    one = np.linspace(-1, 1, 36, dtype=np.float32).reshape(4, 9)
    bench.put(a=one, b=one)
    bench.put_data()
    bench.put_channels(ChannelGroup("a", "filters", ("a", "b"), (4,)))
    groups = (("a", "a"), ("b", "a"))
    scan = make_scan(("a", "b"), {("a", ScanSetting(ratio=0.5)): 0.1}, axes=ScanAxes((), (), (), (0.5,)), groups=groups)
    bench.searching.fit(scan, Recipe())
    bench.asks.of("fit_accuracy", "run")[0].done(learned_from(scan))

    bench.scans.set_axes(ScanAxes((8,), (), ()))
    bench.set_recipe(Recipe().with_rule("a", prune=Prune("filters", ratio=0.5)))

    assert panel.accuracy.delta.text() == "−7.6 pp"
