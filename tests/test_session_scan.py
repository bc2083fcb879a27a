"""Scans by the session: each cell is what the exported file does, nothing is measured twice, a stop loses nothing."""

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from tests.channel_networks import CHAIN, SHORTCUT, Network
from workbench.engine.core.errors import DataError, ModelError, RunError
from workbench.engine.core.recipe import Calibration, Recipe
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan, digest_of_ranges
from workbench.engine.search.scan.scan_bench import ScanBench, ScanTask, SeenCell
from workbench.jobs import Cancelled, JobContext, Progress
from workbench.project.measurement_store import MeasurementStore
from workbench.session import Session

_AXES = ScanAxes(weight_bits=(2, 8), activation_bits=(8,), sparsities=(0.5,), ratios=(0.5,))
_SAMPLES = 40


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """Forty labelled pictures of 8×8 pixels: their file, what the model gets, and the labels."""
    random, path = np.random.default_rng(9), tmp_path / "d.npz"
    x, y = random.normal(size=(_SAMPLES, 3, 8, 8)).astype(np.float32), random.integers(0, 5, _SAMPLES)
    np.savez(path, x=x, y=y)
    path.with_suffix(".data.yaml").write_text("scale: 1\nmean: 0\nstd: 1\n", encoding="utf-8")
    return path, x, y


@pytest.fixture
def open_session(tmp_path: Path, pictures):
    def make(network: Network, *, store: MeasurementStore | None = None) -> Session:
        session = Session(store=store)
        session.open_model(network.write(tmp_path / "m.onnx"))
        session.open_data(pictures[0])
        return session

    return make


@pytest.fixture
def store_of(tmp_path: Path):
    return lambda name: MeasurementStore(tmp_path / f"{name}.sqlite3")


def _whole(session: Session, axes: ScanAxes = _AXES, **more: object) -> SensitivityScan:
    *_, last = session.scan(axes, samples=_SAMPLES, **more)
    assert last.is_complete
    return last


def _logged(path: Path, x: np.ndarray) -> np.ndarray:
    """Log-probabilities of a file's outputs, by onnxruntime and numpy alone."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {session.get_inputs()[0].name: x})
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("network", [CHAIN, SHORTCUT], ids=["chain", "shortcut"])
def test_each_cell_is_what_the_file_does_that_has_this_one_setting(
    open_session, pictures, tmp_path: Path, network: Network
):
    session, (_, x, y) = open_session(network), pictures

    scan = _whole(session)

    before = _logged(tmp_path / "m.onnx", x)
    measured = [cell for cell in scan.cells if not cell.error]
    assert len(measured) >= 4 * 3
    for cell in measured:
        recipe = _AXES.laid_on(Recipe(), (cell.layer,), cell.setting)
        if cell.setting.ratio is not None and not session.plan(recipe).groups:
            recipe = _AXES.laid_on(Recipe(), (cell.layer,), cell.setting, kind="neurons")
        # What an export writes, without the fresh process that proves it.
        (tmp_path / "cell.onnx").write_bytes(session._made.build(session._bench, recipe, JobContext()))
        after = _logged(tmp_path / "cell.onnx", x)
        divergence = (np.exp(before) * (before - after)).sum(axis=1).mean()
        lost = (before.argmax(axis=1) == y).mean() - (after.argmax(axis=1) == y).mean()
        assert cell.kl.value == pytest.approx(divergence, rel=1e-3, abs=1e-6), cell
        assert cell.drop.value == pytest.approx(lost), cell


def test_all_members_of_a_group_have_the_figure_of_their_group(open_session):
    scan = _whole(open_session(SHORTCUT))
    setting = ScanSetting(ratio=0.5)

    shared = [layer for layer, first in scan.groups if first != layer]

    assert shared
    assert all(scan.cell(layer, setting) is scan.cell(dict(scan.groups)[layer], setting) for layer in shared)


@pytest.mark.parametrize("early", [False, True], ids=["at once", "early first"])
@pytest.mark.parametrize("count", [16, 30, _SAMPLES, 64])
def test_what_was_measured_once_is_never_measured_again(
    open_session, monkeypatch: pytest.MonkeyPatch, early: bool, count: int
):
    """Not by a scan of as many samples or fewer, nor by one with early figures, of whoever."""
    first = _whole(open_session(CHAIN), early=True)
    session = open_session(CHAIN)
    monkeypatch.setattr("workbench.engine.search.scan.scan_bench.ScanBench.measure", None)

    *_, again = session.scan(_AXES, samples=count, early=early)

    assert _by_place(again) == _by_place(first)
    assert again.num_resumed == len([cell for cell in first.cells if not cell.error])


def test_more_samples_go_on_from_fewer(open_session, store_of, monkeypatch: pytest.MonkeyPatch):
    *_, at_once = open_session(CHAIN, store=store_of("one")).scan(_AXES, samples=34)
    *_, _few = open_session(CHAIN, store=store_of("other")).scan(_AXES, samples=20, early=True)
    measured: list[int] = []
    measure = ScanBench.measure

    def counting(self: ScanBench, task: ScanTask, ctx: JobContext) -> list[SeenCell]:
        measured.extend(task.batches)
        return measure(self, task, ctx)

    monkeypatch.setattr(ScanBench, "measure", counting)
    *_, more = open_session(CHAIN, store=store_of("other")).scan(_AXES, samples=34)

    # Batches of 16, 16 and 2, of which the first is known whole.
    assert set(measured) == {1, 2}
    assert _by_place(more) == _by_place(at_once)


def test_all_samples_are_each_measured_once(open_session, pictures):
    scan = _whole(open_session(CHAIN), early=True)

    assert {cell.num_samples for cell in scan.cells if not cell.error} == {_SAMPLES}


def test_what_is_known_is_there_without_measuring(open_session, monkeypatch: pytest.MonkeyPatch):
    session = open_session(CHAIN)
    nothing = session.known_scan(_AXES)
    first = _whole(session)
    monkeypatch.setattr("workbench.engine.search.scan.scan_bench.ScanBench.measure", None)

    known = open_session(CHAIN).known_scan(_AXES)

    assert [cell for cell in nothing.cells if not cell.error] == []
    assert _by_place(known) == _by_place(first)
    assert not known.is_complete


def test_what_cannot_be_done_is_known_as_well(open_session, monkeypatch: pytest.MonkeyPatch):
    # Of the chain's 8 and 16 channels a hundredth is none.
    axes = ScanAxes(weight_bits=(8,), sparsities=(), ratios=(0.01,))
    first = _whole(open_session(CHAIN), axes)
    monkeypatch.setattr("workbench.engine.search.scan.scan_bench.ScanBench.measure", None)

    known = open_session(CHAIN).known_scan(axes)

    assert len(known.cells) == known.num_places
    assert _by_place(known) == _by_place(first)
    assert [cell.error for cell in known.cells if cell.setting.ratio] == [
        "nothing was changed: no filters are removed: 1.0% of 8 is nearest to none",
        "nothing was changed: no filters are removed: 1.0% of 16 is nearest to none",
    ]


def test_after_a_stop_the_scan_goes_on_where_it_was_and_ends_as_without(open_session, tmp_path: Path):
    other_store = MeasurementStore(tmp_path / "other.sqlite3")
    unbroken = _by_place(_whole(open_session(CHAIN, store=other_store), early=True))
    session, ctx, seen = open_session(CHAIN), JobContext(), []

    def watch() -> None:
        for scan in session.scan(_AXES, samples=_SAMPLES, early=True, ctx=ctx):
            seen.append(scan)
            ctx.cancel()

    with pytest.raises(Cancelled):
        watch()
    after = _whole(open_session(CHAIN), early=True)

    assert not seen[-1].is_complete
    assert after.num_resumed > 0
    assert _by_place(after) == unbroken


def test_early_figures_become_those_of_all_samples(open_session):
    scans = list(open_session(CHAIN).scan(_AXES, samples=_SAMPLES, early=True))

    early = next(scan for scan in scans if len(scan.cells) == len(scans[-1].cells))
    assert {cell.num_samples for cell in early.cells if not cell.error} <= {16, _SAMPLES}
    assert {cell.num_samples for cell in scans[-1].cells if not cell.error} == {_SAMPLES}
    assert [scan.is_complete for scan in scans].count(True) == 1


def test_a_model_with_a_fixed_batch_has_the_same_cells(open_session):
    fixed = Network(CHAIN.body, CHAIN.shapes, CHAIN.input.replace("[N,", "[3,"), CHAIN.output.replace("[N,", "[3,"))
    axes = replace(_AXES, activation_bits=())

    one, other = _whole(open_session(CHAIN), axes), _whole(open_session(fixed), axes)

    for cell in one.cells:
        assert other.cell(cell.layer, cell.setting).kl.value == pytest.approx(cell.kl.value, rel=1e-4)


def test_processes_find_the_same_cells(open_session, store_of):
    alone = _whole(open_session(CHAIN, store=store_of("alone")))

    several = _whole(open_session(CHAIN, store=store_of("several")), workers=2)

    assert _by_place(several) == _by_place(alone)


def test_a_process_that_is_lost_loses_nothing(open_session, store_of):
    alone = _whole(open_session(CHAIN, store=store_of("alone")))
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if not killed and (children := multiprocessing.active_children()):
            child = children[0]
            killed.append(child.pid)
            os.kill(child.pid, signal.SIGKILL)

    broken = _whole(open_session(CHAIN, store=store_of("broken")), workers=2, ctx=JobContext(kill_one))

    assert killed
    assert _by_place(broken) == _by_place(alone)
    assert not multiprocessing.active_children()


def test_a_cluster_finds_the_same_cells(open_session, store_of):
    distributed = pytest.importorskip("distributed")
    alone = _whole(open_session(CHAIN, store=store_of("alone")))

    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        several = _whole(open_session(CHAIN, store=store_of("cluster")), cluster=cluster.scheduler_address)

    assert _by_place(several) == _by_place(alone)


def test_a_cluster_without_workers_is_one_clear_line(open_session, monkeypatch: pytest.MonkeyPatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("workbench.engine.search.scan.scan_cluster._CONNECT_S", 0.5)
    # A local cluster cannot be without.
    monkeypatch.setattr(distributed.Client, "nthreads", lambda _: {})

    with (
        distributed.LocalCluster(1, processes=False, dashboard_address=None) as cluster,
        pytest.raises(RunError, match="the cluster has no workers; start some"),
    ):
        _whole(open_session(CHAIN), cluster=cluster.scheduler_address)


def test_processes_that_cannot_begin_end_the_scan(open_session, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workbench.engine.search.scan.scan_processes._work", _dying)

    with pytest.raises(RunError, match="3 processes ended before they measured anything; free memory"):
        _whole(open_session(CHAIN), workers=1)


def _dying(*_: object) -> None:
    os._exit(1)


def test_a_cluster_that_is_not_there_is_one_clear_line(open_session, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workbench.engine.search.scan.scan_cluster._CONNECT_S", 0.2)

    with pytest.raises(RunError, match=r"tcp://127.0.0.1:9: no scheduler answers .*start one with"):
        _whole(open_session(CHAIN), cluster="tcp://127.0.0.1:9")


def test_a_scan_names_what_its_ranges_were_set_on(open_session, pictures, tmp_path: Path):
    random, other = np.random.default_rng(2), tmp_path / "other.npz"
    np.savez(other, x=random.normal(size=(9, 3, 8, 8)).astype(np.float32))
    other.with_suffix(".data.yaml").write_text("scale: 1\nmean: 0\nstd: 1\n", encoding="utf-8")
    session = open_session(CHAIN)
    first = _whole(session)

    session.open_calibration(other)
    second = _whole(session)

    assert first.ranges_digest == session_ranges(first) != second.ranges_digest
    setting = ScanSetting(activations=8)
    assert first.cell("c2", setting) != second.cell("c2", setting)


def session_ranges(scan: SensitivityScan) -> str:
    return digest_of_ranges(scan.dataset_digest, Calibration())


def test_a_setting_that_cannot_be_done_says_why(open_session):
    scan = _whole(open_session(CHAIN), ScanAxes((), (), (0.0,), ()))

    assert {cell.error for cell in scan.cells} == {"nothing of the layer changes"}


def test_a_model_without_weights_is_one_clear_line(tmp_path: Path, pictures):
    session = Session()
    session.open_model(Network("f = Flatten(x)  y = Tanh(f)", {}, output="float[N,192] y").write(tmp_path / "m.onnx"))
    session.open_data(pictures[0])

    with pytest.raises(ModelError, match="has no layer whose weights can be changed"):
        list(session.scan())


def test_without_samples_there_is_nothing_to_measure_on(tmp_path: Path):
    session = Session()
    session.open_model(CHAIN.write(tmp_path / "m.onnx"))

    with pytest.raises(DataError, match="no samples are open"):
        list(session.scan())


def _by_place(scan: SensitivityScan) -> dict[tuple[str, ScanSetting], ScanCell]:
    return {(cell.layer, cell.setting): cell for cell in scan.cells}
