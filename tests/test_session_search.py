"""Predictions, searches and a first look by the session, on the built-in model: figures of real files."""

import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.engine.core.asked_of_recipe import asked_of_recipe
from workbench.engine.core.errors import DataError, RecipeError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.measurement import Origin
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.core.search_result import SearchBudgets
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan
from workbench.engine.graph.model import model_of_bytes
from workbench.engine.search.solving.search_space import SearchMeans
from workbench.jobs import Cancelled, JobContext, Progress
from workbench.project.measurement_store import MeasurementStore
from workbench.session import Session

# As many as the store has measurements on.
_LIMIT = 60
_AXES = ScanAxes(weight_bits=(2, 4, 8), sparsities=(0.5,))


@pytest.fixture
def session(demo_folder: Path, searched_store: Path, tmp_path: Path) -> Session:
    """The built-in model and samples, of which what a search rests on was measured before."""
    shutil.copy(searched_store, tmp_path / "store.sqlite3")
    return _opened(demo_folder, tmp_path)


def _opened(demo_folder: Path, tmp_path: Path) -> Session:
    session = Session(store=MeasurementStore(tmp_path / "store.sqlite3"))
    session.open_model(demo_folder / "digits.onnx")
    session.open_data(demo_folder / "digits.npz")
    return session


def _info(session: Session) -> ModelInfo:
    return session._bench.model.info


def _scanned(session: Session, axes: ScanAxes = _AXES) -> SensitivityScan:
    *_, scan = session.scan(axes, samples=16)
    return scan


def test_accuracy_is_predicted_with_an_interval(session: Session):
    scan = _scanned(session)

    *_, prediction = session.fit_accuracy(scan, limit=_LIMIT)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=8, range="mse"))
    asked = asked_of_recipe(_info(session), recipe, scan.layers, dict(scan.groups))
    figure = prediction.accuracy(asked)

    assert (figure.origin, figure.unit, figure.n) == (Origin.ESTIMATED, "fraction", _LIMIT)
    assert figure.low <= figure.value <= figure.high
    assert figure.value == pytest.approx(prediction.original.value, abs=0.02)
    assert len(prediction.mixes) == 16


def test_a_prediction_looks_closer_at_the_cells_than_the_scan(demo_folder: Path, tmp_path: Path):
    session = _opened(demo_folder, tmp_path)
    scan = _scanned(session)
    assert {cell.num_samples for cell in scan.cells if not cell.error} == {16}

    list(session.fit_accuracy(scan, limit=_LIMIT))

    known = session.known_scan(_AXES)
    # Four times the runs of 16 mixes, half a run for each cell, and no more than 256 samples.
    worth = min(256, int(2 * 4 * 16 * _LIMIT / len(known.cells)))
    assert {cell.num_samples for cell in known.cells if not cell.error} == {worth}


def test_a_prediction_from_a_scan_that_was_stopped_measures_no_other_cells(demo_folder: Path, tmp_path: Path):
    session = _opened(demo_folder, tmp_path)
    scan = _scanned(session, ScanAxes(weight_bits=(2, 4, 8), sparsities=()))
    some = replace(scan, cells=scan.cells[:4], is_complete=False)

    list(session.fit_accuracy(some, limit=_LIMIT))

    assert {cell.num_samples for cell in session.known_scan(scan.axes).cells} == {16}


def test_a_mix_is_never_measured_twice(demo_folder: Path, tmp_path: Path):
    first = _opened(demo_folder, tmp_path)
    scan = _scanned(first)
    *_, before = first.fit_accuracy(scan, limit=_LIMIT)
    again = _opened(demo_folder, tmp_path)

    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("this was measured before")

    again._made.evaluate = refuse  # type: ignore[assignment] # what measures
    *_, after = again.fit_accuracy(scan, limit=_LIMIT)

    assert after.mixes == before.mixes
    assert after.curve == before.curve


def test_the_found_file_has_the_bytes_that_were_said(session: Session):
    scan = _scanned(session)

    *_, result = session.search(SearchBudgets(max_bytes=24_000), scan, limit=_LIMIT)

    for point in result.front:
        assert session.preview_bytes(point.recipe) == point.file_bytes
    assert result.best.file_bytes <= 24_000
    assert result.best.measured.figure.n == _LIMIT


def test_zeros_and_bits_are_left_aside_where_they_are_not_allowed(session: Session):
    scan = _scanned(session)
    *_, prediction = session.fit_accuracy(scan, limit=_LIMIT)

    found = {}
    for name, means in (("bits", SearchMeans(prunes=False)), ("zeros", SearchMeans(quantizes=False))):
        budgets = SearchBudgets(max_bytes=120_000)
        *_, result = session.search(budgets, scan, prediction, means=means, limit=_LIMIT)
        found[name] = result.best.recipe

    assert all(rule.prune is None for rule in found["bits"].rules)
    assert all(rule.weights is None for rule in found["zeros"].rules)


def test_channels_go_where_multiply_adds_are_limited(session: Session):
    macs = _info(session).macs
    scan = _scanned(session, ScanAxes(weight_bits=(8,), sparsities=(), ratios=(0.25, 0.5)))

    *_, result = session.search(SearchBudgets(max_macs=int(0.8 * macs)), scan, limit=_LIMIT)

    assert result.best.macs <= 0.8 * macs
    # Without that, channels that go lose some points.
    assert result.best.recipe.recover == "weights"
    plan = session.plan(result.best.recipe)
    assert plan.groups
    assert session.preview_bytes(result.best.recipe) == result.best.file_bytes
    # They are counted in the file itself.
    written = model_of_bytes(session._made.build(session._bench, result.best.recipe, JobContext()), Path("small.onnx"))
    assert result.best.macs == written.info.macs


def test_what_is_confirmed_was_neither_chosen_nor_calibrated_on(session: Session):
    total = len(session._bench.samples)
    scan = _scanned(session)
    *_, prediction = session.fit_accuracy(scan, limit=_LIMIT)

    # 128 samples set ranges: what is left of the others confirms.
    *_, result = session.search(SearchBudgets(max_bytes=24_000), scan, prediction, limit=total - 148)

    assert result.confirmed.done == 20
    assert not any("also set its ranges" in note for note in result.notes)
    # Of so few samples the scan looked at these, too.
    assert any("the scan drew its samples from those" in note for note in result.notes)


def test_calibration_samples_that_are_those_of_the_evaluation_do_not_confirm_either(
    session: Session, demo_folder: Path
):
    session.open_calibration(demo_folder / "digits.npz")
    total = len(session._bench.samples)
    scan = _scanned(session)
    *_, prediction = session.fit_accuracy(scan, limit=_LIMIT)

    *_, result = session.search(SearchBudgets(max_bytes=24_000), scan, prediction, limit=total - 148)

    assert result.confirmed.done == 20


def test_that_samples_both_chose_and_calibrated_is_said(session: Session):
    scan = _scanned(session)
    *_, prediction = session.fit_accuracy(scan, limit=_LIMIT)

    *_, result = session.search(SearchBudgets(max_bytes=24_000), scan, prediction, limit=None)

    assert result.confirmed is None
    # Its biases are corrected, by what layers give on samples.
    assert session.plan(result.best.recipe).needs_samples
    assert any("128 of the samples that it was measured on also set its ranges" in note for note in result.notes)


def test_a_latency_budget_without_a_device_is_refused(session: Session):
    scan = _scanned(session)

    with pytest.raises(RecipeError, match="device"):
        list(session.search(SearchBudgets(max_latency_ms=1.0), scan, limit=_LIMIT))


def test_a_scan_of_something_else_is_refused(session: Session):
    scan = replace(_scanned(session), model_digest="other")

    with pytest.raises(DataError, match="another model"):
        list(session.fit_accuracy(scan))


def test_a_prediction_that_knows_other_settings_is_refused(session: Session):
    scan = _scanned(session)
    *_, prediction = session.fit_accuracy(scan, limit=_LIMIT)
    wider = replace(scan, axes=replace(scan.axes, activation_bits=(8,)))

    assert prediction.is_complete
    with pytest.raises(DataError, match="learned from another scan"):
        list(session.search(SearchBudgets(max_bytes=24_000), wider, prediction, limit=_LIMIT))


@pytest.mark.parametrize(("criterion", "is_refused"), [(None, False), ("l1", False), ("apoz", True)])
def test_channels_chosen_by_weights_alone_need_no_samples_to_be_the_same(session: Session, criterion, is_refused):
    scan = _scanned(session)
    of_channels = replace(scan, axes=replace(scan.axes, ratios=(0.5,), criterion=criterion), ranges_digest="of others")

    with pytest.raises(DataError, match="calibrated on other samples") if is_refused else nullcontext():
        session.fit_accuracy(of_channels, limit=_LIMIT)


def test_a_prediction_with_ranges_of_other_samples_is_refused(session: Session):
    scan = _scanned(session)
    *_, prediction = session.fit_accuracy(scan, limit=_LIMIT)
    other = replace(prediction, ranges_digest="of others")

    with pytest.raises(DataError, match="learned from another scan"):
        list(session.search(SearchBudgets(max_bytes=24_000), scan, other, limit=_LIMIT))


def test_a_scan_whose_ranges_were_set_on_other_samples_is_refused(session: Session):
    scan = _scanned(session)
    with_activations = replace(scan, axes=replace(scan.axes, activation_bits=(8,)), ranges_digest="of others")

    with pytest.raises(DataError, match="calibrated on other samples"):
        list(session.fit_accuracy(with_activations, limit=_LIMIT))
    # Weights alone need no ranges.
    assert list(session.fit_accuracy(replace(scan, ranges_digest="of others"), limit=_LIMIT))


def test_a_fit_that_is_stopped_keeps_what_was_measured(demo_folder: Path, tmp_path: Path):
    session = _opened(demo_folder, tmp_path)
    scan = _scanned(session)
    ctx = JobContext()
    predictions = session.fit_accuracy(scan, limit=_LIMIT, ctx=ctx)
    first = next(predictions)

    ctx.cancel()

    with pytest.raises(Cancelled):
        next(predictions)
    seen: list[Progress] = []
    again = _opened(demo_folder, tmp_path)
    assert next(again.fit_accuracy(scan, limit=_LIMIT, ctx=JobContext(seen.append))).mixes == first.mixes
    # No samples were run for it.
    assert not any("samples" in progress.text for progress in seen)


def test_a_first_look_tells_weights_from_activations(session: Session):
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=2), activations=ActivationRule(bits=8))

    *_, look = session.first_look(recipe, limit=16)

    assert look.is_complete
    assert look.weights.value > look.activations.value
    assert look.verdict.startswith("weights do more")
    assert all(one.alone.value <= look.everything.value * 1.5 for one in look.layers)
    assert {one.alone.n for one in look.layers} == {16}


def test_a_first_look_at_nothing_is_refused(session: Session):
    with pytest.raises(RecipeError, match="quantizes nothing"):
        list(session.first_look(Recipe()))
