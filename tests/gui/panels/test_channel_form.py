"""The form and the page of channels where something is missing, odd or not known yet."""

import numpy as np
import pytest

from workbench.engine.core.channel_group import ChannelGroup
from workbench.engine.core.channel_importance import ChannelImportance, CriterionInfo
from workbench.engine.core.recipe import Prune, Recipe
from workbench.gui.panels.channel_edits import ChannelWish
from workbench.gui.panels.channel_page import ChannelPage
from workbench.gui.panels.layers_panel import LayersPanel

_CRITERIA = (CriterionInfo("l2", "norms"), CriterionInfo("taylor", "gradients", "gradients"))


def weight() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (8, 4, 3, 3)).astype(np.float32)


@pytest.fixture
def panel(bench, theme, qtbot):
    panel = LayersPanel(bench, theme)
    qtbot.addWidget(panel)
    panel.resize(520, 900)
    panel.card.show_page("channels")
    panel.show()
    return panel


@pytest.fixture
def page(bench, theme, panel, qtbot):
    page = ChannelPage(bench, theme, panel.edits)
    qtbot.addWidget(page)
    page.resize(640, 600)
    page.show()
    page.look(is_looked_at=True)
    return page


def test_without_a_model_there_is_nothing_to_set(panel, page):
    assert not panel.card.channels.slider.isVisible()
    assert page.empty.text() == ""


def test_until_the_groups_are_known_the_form_says_so(panel, bench):
    bench.put(a=weight())
    bench.channels.begin_model(bench.model, bench.recipe)
    bench.select(("a",))

    assert panel.card.channels.reason.text() == "following the channels through the model…"
    panel.edits.set_channels(ChannelWish(ratio=0.5))
    assert bench.recipe == Recipe()


def test_a_graph_that_cannot_be_followed_is_said_in_the_form(panel, bench):
    bench.put(a=weight())
    bench.channels.begin_model(bench.model, bench.recipe)
    bench.select(("a",))

    bench.asks.of("channels", "look")[-1].failed("shapes are missing")

    assert panel.card.channels.reason.text() == "the channels cannot be followed: shapes are missing"


def test_groups_of_the_model_before_are_dropped(panel, bench):
    bench.put(a=weight())
    bench.channels.begin_model(bench.model, bench.recipe)
    late = bench.asks.of("channels", "look")[-1]
    bench.put(b=weight())
    bench.put_channels(ChannelGroup("b", "filters", ("b",), (8,)))

    late.failed("too late")

    bench.select(("b",))
    assert panel.card.channels.title.text() == "group b · 1 layer"


def test_one_channel_always_stays(panel, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (8,)))
    bench.select(("a",))

    panel.edits.set_channels(ChannelWish(ratio=1.0))

    assert panel.card.channels.left.value.startswith("1 of 8 filters")


def test_heads_go_whole(panel, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "neurons", ("a",), (4,), channels_per_unit=2, has_heads=True))
    bench.select(("a",))

    assert panel.card.channels.left.value == "4 of 4 heads"


def test_groups_of_other_settings_are_mixed_and_moved_as_one(panel, bench):
    bench.put(a=weight(), b=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (8,)), ChannelGroup("b", "filters", ("b",), (8,)))
    bench.set_recipe(Recipe().with_rule("a", prune=Prune("filters", ratio=0.5)))
    bench.select(("a", "b"))
    assert panel.card.channels.spin.text() == "mixed"

    panel.edits.set_channels(ChannelWish(ratio=0.25))

    assert dict(bench.channels.now.kept) == {"a": (6,), "b": (6,)}
    assert bench.undo_stack.count() == 1
    assert panel.card.channels.title.text() == "2 groups"


def test_a_criterion_without_samples_removes_nothing_and_says_so(panel, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (8,)))
    bench.asks.of("criteria", "look")[-1].done(_CRITERIA)
    bench.select(("a",))

    panel.edits.set_channels(ChannelWish(ratio=0.5, criterion="taylor"))

    assert dict(bench.channels.now.kept) == {}
    assert panel.card.channels.remark.text() == "taylor needs samples: open data, or none of it goes"
    bench.channels.set_has_samples(True)
    assert dict(bench.channels.now.kept) == {"a": (4,)}


def test_a_drag_asks_the_engine_once_for_the_scores(page, panel, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (8,)))
    bench.asks.of("criteria", "look")[-1].done(_CRITERIA)
    bench.select(("a",))
    asked = bench.asks.of("channel_importance", "quick")
    places, scores = np.arange(8), np.array([5.0, 1, 8, 2, 7, 3, 6, 4])
    asked[0].done(ChannelImportance("a", "", "a", "l2", scores, np.zeros(8, np.int64), np.ones(8, np.bool_), places))

    for ratio in (0.25, 0.5, 0.75):
        panel.edits.set_channels(ChannelWish(ratio=ratio))

    assert len(bench.asks.of("channel_importance", "quick")) == 1
    # The two highest of eight.
    assert page.strip.kept.tolist() == [False, False, True, False, True, False, False, False]
    assert page.importance.num_gone == (6,)


def test_where_blocks_decide_the_engine_is_asked_again(page, panel, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (8,), blocks=2))
    bench.asks.of("criteria", "look")[-1].done(_CRITERIA)
    bench.select(("a",))
    classes, whole = np.zeros(8, np.int64), np.ones(8, np.bool_)
    answer = (np.arange(8.0), classes, whole, np.arange(8))
    first = bench.asks.of("channel_importance", "quick")[0]
    first.done(ChannelImportance("a", bench.recipe.digest, "a", "l2", *answer, has_blocks=True))

    panel.edits.set_channels(ChannelWish(ratio=0.5))
    again = bench.asks.of("channel_importance", "quick")[1]
    kept = np.array([True, False] * 4)
    scores = (answer[0], classes, kept, answer[3])
    again.done(ChannelImportance("a", bench.recipe.digest, "a", "l2", *scores, has_blocks=True))

    assert page.strip.kept.tolist() == kept.tolist()


def test_scores_of_a_criterion_that_failed_are_said(page, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (8,)))
    bench.select(("a",))

    bench.asks.of("channel_importance", "quick")[0].failed("l2 of a is no finite number")

    assert page.empty.text() == "a: l2 of a is no finite number"


def test_while_it_is_scored_the_page_says_so(page, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (8,)))

    bench.select(("a",))

    assert page.empty.text() == "a: the channels are being scored…"


def test_scores_that_are_not_what_the_name_says_tell_why(page, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (2,)))
    bench.select(("a",))
    answer = (np.array([1.0, 2.0]), np.zeros(2, np.int64), np.ones(2, np.bool_), np.arange(2))

    found = ChannelImportance("a", "", "a", "batch_norm_scale", *answer, reason="no normalization: l1 instead")
    bench.asks.of("channel_importance", "quick")[0].done(found)

    assert page.remark.text() == "no normalization: l1 instead"


def test_two_thousand_channels_fit_into_the_strip(page, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (2048,)))
    bench.select(("a",))
    scores = np.random.default_rng(0).uniform(size=2048)
    answer = (scores, np.zeros(2048, np.int64), np.ones(2048, np.bool_), np.arange(2048))

    bench.asks.of("channel_importance", "quick")[0].done(ChannelImportance("a", "", "a", "l2", *answer))
    page.grab()

    assert page.strip.kept.size == 2048
    assert page.strip.height() < page.height() / 2
    assert page.strip.text_of(3) == f"channel 3: stays, importance {scores[3]:.3g}"


def test_channels_that_always_stay_are_told_apart(page, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (2,), num_fixed=1, reason="a slice reads it"))
    bench.select(("a",))
    answer = (np.array([1.0, 2.0]), np.zeros(2, np.int64), np.ones(2, np.bool_), np.array([0, -1, 1]))

    bench.asks.of("channel_importance", "quick")[0].done(ChannelImportance("a", "", "a", "l2", *answer))

    assert page.strip.text_of(1) == "channel 1: always stays"


def test_an_equal_score_everywhere_still_has_a_curve(page, bench):
    bench.put(a=weight())
    bench.put_channels(ChannelGroup("a", "filters", ("a",), (4,)))
    bench.select(("a",))
    answer = (np.zeros(4), np.zeros(4, np.int64), np.ones(4, np.bool_), np.arange(4))

    bench.asks.of("channel_importance", "quick")[0].done(ChannelImportance("a", "", "a", "l2", *answer))
    page.grab()

    assert page.importance.cut.isVisible()
    assert page.importance.num_gone == (0,)
