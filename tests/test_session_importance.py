"""The verbs about channels: what a criterion says of a group, and which channels stay under a recipe."""

import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from workbench.engine.core.channel_importance import ChannelImportance
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.recipe import Prune, Recipe
from workbench.project.demo_files import demo_files
from workbench.session import Session


@pytest.fixture
def session() -> Session:
    session = Session()
    session.open_model(_demo())
    return session


def _demo() -> Path:
    files = demo_files()
    assert files is not None
    return files[0]


def _rows(layer: str) -> np.ndarray:
    """A layer's weight, one row an output channel."""
    graph = onnx.load(_demo()).graph
    node = next(node for node in graph.node if node.name == layer)
    weight = next(numpy_helper.to_array(one) for one in graph.initializer if one.name == node.input[1])
    return weight.reshape(len(weight), -1).astype(np.float64)


def test_scores_are_norms_over_their_mean(session: Session):
    found = session.channel_importance("residual_1", Recipe())

    # One member, so the group's scores are the layer's own, divided by their mean.
    norms = np.linalg.norm(_rows("residual_1"), axis=1)
    assert (found.group, found.criterion, found.reason) == ("residual_1", "l2", "")
    np.testing.assert_allclose(found.scores, norms / norms.mean(), rtol=1e-6)
    assert found.kept.all()


def test_what_stays_are_the_largest_norms(session: Session):
    recipe = Recipe().with_rule("residual_1", prune=Prune("filters", ratio=0.75))

    found = session.channel_importance("residual_1", recipe)

    largest = np.argsort(-np.linalg.norm(_rows("residual_1"), axis=1))[:6]
    assert sorted(np.flatnonzero(found.channels_kept(found.kept))) == sorted(largest)
    assert found.recipe_digest == recipe.digest


def test_every_layer_of_a_group_loses_the_same_channels(session: Session):
    recipe = Recipe().with_rule("stem", prune=Prune("filters", ratio=0.5, criterion="l1"))

    seen = [session.channel_importance(layer, recipe) for layer in ("stem", "residual_2", "project")]

    assert {(one.group, one.criterion, one.kept.sum()) for one in seen} == {("stem", "l1", 12)}
    for one in seen[1:]:
        assert (one.channels_kept(one.kept) == seen[0].channels_kept(seen[0].kept)).all()


@pytest.mark.parametrize("ratio", [0.1, 0.33, 0.5, 0.9, 1.0])
def test_a_cut_by_arithmetic_is_what_the_engine_cuts(session: Session, ratio: float):
    recipe = Recipe().with_rule("expand", prune=Prune("filters", ratio=ratio, multiple_of=8))
    group = session.channels().group("expand")

    found = session.channel_importance("expand", recipe)

    assert (found.kept_at(group.units_kept(ratio, 8)) == found.kept).all()
    assert found.kept.sum() == session.plan(recipe).groups[0].num_kept


def test_a_rule_for_another_member_decides(session: Session):
    recipe = Recipe().with_rule("stem", prune=Prune("filters", ratio=0.5, criterion="l1"))
    recipe = recipe.with_rule("project", prune=Prune("filters", ratio=0.25, criterion="geometric_median"))

    found = session.channel_importance("stem", recipe)

    assert (found.criterion, found.kept.sum()) == ("geometric_median", 18)


def test_output_scores_stay_and_say_why(session: Session):
    found = session.channel_importance("head", Recipe())

    assert found.scores.size == 0
    assert found.reason == session.channels().group("head").reason != ""


def test_a_criterion_without_its_samples_says_so(session: Session):
    recipe = Recipe().with_rule("stem", prune=Prune("filters", ratio=0.5, criterion="taylor"))

    found = session.channel_importance("stem", recipe)

    assert found.reason == "criterion taylor needs samples, and none are open"
    assert not found.scores.size


def test_a_criterion_has_scores_once_samples_are_open(session: Session):
    session.open_data(demo_files()[1])
    recipe = Recipe().with_rule("stem", prune=Prune("filters", ratio=0.5, criterion="apoz"))

    found = session.channel_importance("stem", recipe)

    assert (found.scores.shape, found.kept.sum()) == ((24,), 12)


def test_a_criterion_that_nobody_knows_is_refused(session: Session):
    recipe = Recipe().with_rule("stem", prune=Prune("filters", ratio=0.5, criterion="wisdom"))

    with pytest.raises(RecipeError, match="criterion 'wisdom' is not known"):
        session.channel_importance("stem", recipe)


def test_criteria_are_listed_with_those_of_plugins(session: Session):
    listed = {one.name: one for one in session.criteria()}

    assert {"l1", "l2", "taylor", "next_layer"} <= listed.keys()
    assert (listed["taylor"].needs_samples, listed["l2"].needs_samples) == (True, False)
    assert all(one.summary for one in listed.values())


def test_the_report_goes_through_a_pipe(session: Session):
    found = pickle.loads(pickle.dumps(session.channel_importance("stem", Recipe())))

    assert isinstance(found, ChannelImportance)
    assert found.scores.size == 24


def test_channels_that_always_stay_are_marked():
    found = ChannelImportance("conv", "", scores=np.array([1.0, 2.0]), units=np.array([1, -1, 0, 1]))

    assert found.channels_kept(np.array([False, True])).tolist() == [True, True, False, True]
