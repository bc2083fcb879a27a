"""The preview: no budget is met or missed by what was measured of another recipe."""

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from workbench.engine.core.footprint import Headers, HeaderSize, header_keys
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.core.reports import (
    DataInfo,
    EvaluationReport,
    LatencyReport,
    LayerFootprint,
    ModelFootprint,
    Preprocessing,
)
from workbench.gui.panels.preview import PreviewPanel
from workbench.gui.running_jobs import outcome_text
from workbench.project.budgets import Budgets

_RECIPE = Recipe().with_rule("a", weights=WeightRule(bits=4))


@pytest.fixture
def document(bench) -> object:
    """The panels' face of a document with a model, figures of its own recipe, and budgets that these miss."""

    document = bench
    document.set_budgets(Budgets(accuracy=0.9, latency_ms=1.0))
    document.put(a=np.ones((4, 4), np.float32))
    settings = Preprocessing(guessed=("scale", "layout"))
    document.dataset = DataInfo("/d.npz", 50, True, 10, (8, 8, 1), settings, "data")
    document.recipe = _RECIPE
    accuracy, ms = Figure(0.5, "fraction", Origin.MEASURED, n=50), Figure(2.0, "ms", Origin.MEASURED, n=200)
    document.figures.accuracy = EvaluationReport("top1", accuracy, 50, 50, 0.1, _RECIPE.digest)
    document.figures.latency = LatencyReport(ms, ms, "a processor", _RECIPE.digest)
    return document


@pytest.fixture
def panel(document, theme, qtbot: QtBot) -> PreviewPanel:
    panel = PreviewPanel(document, theme)
    qtbot.addWidget(panel)
    return panel


def test_figures_of_this_recipe_are_held_against_the_budgets(panel: PreviewPanel):
    assert panel.banner.headline == "Over budget: accuracy, latency"


def test_after_an_edit_the_figures_of_before_miss_no_budget(panel: PreviewPanel, document):
    document.set_recipe(Recipe())

    assert panel.banner.headline == "Measuring"
    assert panel.latency.badge.text == "MEASURED of an earlier recipe"
    assert panel.accuracy.badge.text == "MEASURED of an earlier recipe"


def test_an_accuracy_on_samples_made_ready_by_guesses_says_so_with_their_values(panel: PreviewPanel):
    line = panel.accuracy.line

    assert line.text().startswith("guessed preprocessing · ")
    assert "guessed preprocessing: scale 0.00392157, layout nchw" in line.toolTip()


def test_nothing_is_said_of_weights_that_cannot_be_read(panel: PreviewPanel, document):
    hidden = tuple(replace(layer, statistics=None) for layer in document.model.layers)
    document.model = replace(document.model, layers=hidden)

    document.model_changed.emit()

    names = ("Parameters", "Not zero", "Mean bits", "Global sparsity")
    assert [panel.totals.cell(name, "original") for name in names] == ["16", "–", "–", "–"]
    assert [panel.totals.cell(name, "now") for name in names] == ["16", "–", "–", "–"]


@pytest.mark.parametrize(("count", "said"), [(9, ""), (11, "and 2 more")])
def test_layers_without_a_bar_are_counted(panel: PreviewPanel, document, count: int, said: str):
    document.put(**{f"layer{number}": np.ones((4, 4), np.float32) for number in range(count)})
    headers = Headers({key: HeaderSize(20) for key in header_keys()})
    entries = tuple(LayerFootprint(f"layer{n}", n, 64, headers, 0, 4, 4, 4) for n in range(count))
    document.footprint = ModelFootprint(2000, dict.fromkeys((8, 11, 13), 2000), entries, {})

    document.set_recipe(Recipe())

    assert len(panel.bars.bars) == 9
    assert (panel.more.text() if not panel.more.isHidden() else "") == said


def test_a_floor_in_decibel_is_shown_in_decibel(panel: PreviewPanel, document):
    quality = Figure(31.2, "dB", Origin.MEASURED, n=50)
    document.budgets = Budgets(accuracy=30.0)
    document.figures.accuracy = EvaluationReport("psnr", quality, 50, 50, 0.1, _RECIPE.digest)

    document.figures.measured.emit(document.figures.accuracy)

    assert panel.accuracy.title.text() == "PSNR"
    assert panel.accuracy.note.text() == "floor 30.0 dB"


@pytest.mark.parametrize(
    ("niceness", "said"), [(0, "p50 2.00 ms, p90 2.00 ms"), (10, "p50 2.00 ms, p90 2.00 ms; measured at niceness 10")]
)
def test_a_job_says_what_must_be_known_of_its_latency(niceness: int, said: str):
    figure = Figure(2.0, "ms", Origin.MEASURED, n=200)

    assert outcome_text(LatencyReport(figure, figure, "a processor", niceness=niceness)).startswith(said)


def test_a_size_is_estimated_while_ranges_are_not_known(panel: PreviewPanel, document):
    document.set_recipe(Recipe().with_rule("a", activations=ActivationRule(8)))
    assert panel.disk_size.badge.text == "ESTIMATED"
    assert panel.disk_size.line.text() == "by arithmetic on the weights; ranges are not known yet"

    document.dataset = None
    document.set_recipe(Recipe().with_rule("a", activations=ActivationRule(4)))
    assert panel.disk_size.line.text() == "by arithmetic on the weights; ranges need samples: open data"


def test_what_a_long_preview_is_at_stands_where_its_figure_will(panel: PreviewPanel, document):
    document.set_recipe(Recipe().with_rule("a", weights=WeightRule(3)))

    document.measuring.probe.said.emit("calibration, 40 of 128 samples")

    assert panel.accuracy.line.text() == "calibration, 40 of 128 samples"
