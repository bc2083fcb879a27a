"""Rounds of pruning on the built-in model: figures of real files, and recipes that give them again."""

from itertools import pairwise
from pathlib import Path

import onnx
import pytest

from workbench.engine.core.errors import DataError, RecipeError
from workbench.engine.core.pruning_round import Measure, PruningTarget, StopReason
from workbench.engine.core.recipe import Calibration, Recipe, WeightRule
from workbench.jobs import Cancelled, JobContext
from workbench.project.recipe_text import format_recipe, parse_recipe
from workbench.session import Session

_HALF = PruningTarget(Measure.MACS, 0.5)
_FITTED = Recipe(calibration=Calibration(samples=64), recover="weights")


@pytest.fixture
def session(demo_folder: Path) -> Session:
    return _opened(demo_folder)


def _opened(demo_folder: Path) -> Session:
    session = Session()
    session.open_model(demo_folder / "digits.onnx")
    session.open_data(demo_folder / "digits.npz")
    return session


def test_rounds_remove_more_and_more(session: Session):
    found = list(session.prune_rounds(_FITTED, _HALF, step=0.2, limit=100))

    macs = [item.size.macs or 0 for item in found]
    assert all(one > two for one, two in pairwise(macs))
    assert found[-1].stop is StopReason.TARGET
    assert found[-1].removed >= 0.5
    assert {item.evaluation.done for item in found} == {100}
    assert all("fitted on 64 samples" in item.recovered_by for item in found)


def test_a_rounds_recipe_gives_its_file_again(session: Session, demo_folder: Path, tmp_path: Path):
    first = next(iter(session.prune_rounds(_FITTED, _HALF, step=0.5, limit=50)))

    again = parse_recipe(format_recipe(first.recipe))
    report = _opened(demo_folder).export(again, tmp_path / "again.onnx")

    assert again == first.recipe
    assert report.verified.ok
    assert report.after.file_bytes == first.size.file_bytes
    assert report.after.macs == first.size.macs
    assert report.after.num_params == first.size.num_params
    assert report.is_recovered
    # What was cut is proven of the model before anything was fitted.
    assert report.channels is not None
    assert report.channels.ok
    onnx.checker.check_model(onnx.load(tmp_path / "again.onnx"), full_check=True)


def test_the_same_recipe_gives_the_same_bytes_in_two_sessions(session: Session, demo_folder: Path, tmp_path: Path):
    recipe = next(iter(session.prune_rounds(_FITTED, _HALF, step=0.5, limit=10))).recipe

    shas = {
        one.export(recipe, tmp_path / name).output_sha256
        for one, name in ((session, "one.onnx"), (_opened(demo_folder), "two.onnx"))
    }

    assert len(shas) == 1


def test_fitted_layers_are_quantized_as_they_are(session: Session, tmp_path: Path):
    recipe = _FITTED.with_rule("*", weights=WeightRule(bits=4))

    found = list(session.prune_rounds(recipe, PruningTarget(Measure.BYTES, 15_000), step=0.3, limit=50))

    assert found[-1].size.file_bytes <= 15_000
    report = session.export(found[-1].recipe, tmp_path / "small.onnx")
    assert report.preview_bytes == found[-1].size.file_bytes
    assert report.verified.ok


def test_nothing_is_measured_twice_in_a_session(session: Session):
    first = list(session.prune_rounds(_FITTED, _HALF, step=0.5, limit=50))

    again = list(session.prune_rounds(_FITTED, _HALF, step=0.5, limit=50))

    assert again[0].evaluation is first[0].evaluation
    other = list(session.prune_rounds(_FITTED, _HALF, step=0.5, limit=60))
    assert other[0].evaluation.done == 60


def test_what_was_measured_before_it_was_cancelled_stays(session: Session):
    ctx = JobContext()
    rounds = iter(session.prune_rounds(_FITTED, _HALF, step=0.1, limit=20, ctx=ctx))
    first = next(rounds)
    ctx.cancel()

    with pytest.raises(Cancelled):
        next(rounds)

    assert session.preview_bytes(first.recipe) == first.size.file_bytes


def test_settings_that_are_none_are_refused(session: Session):
    with pytest.raises(RecipeError, match="a step of 0 is none"):
        session.prune_rounds(Recipe(), _HALF, step=0)
    with pytest.raises(RecipeError, match="recovery 'magic' is not known"):
        session.prune_rounds(Recipe(), _HALF, recover="magic")
    with pytest.raises(RecipeError, match="criterion 'magic' is not known"):
        next(iter(session.prune_rounds(Recipe(), PruningTarget(Measure.MACS, 0.5), criterion="magic")))


def test_without_samples_there_are_no_rounds(demo_folder: Path):
    session = Session()
    session.open_model(demo_folder / "digits.onnx")

    with pytest.raises(DataError, match="no samples are open"):
        session.prune_rounds(Recipe(), _HALF)
