"""The sensitivity scan against brute force with ONNX Runtime and AIMET's analyzer, in one run.

Brute force opens each cell's file anew and runs it on 1,000 images; making the file is not counted. Where a data set
has fewer, its time is scaled. Ours is counted from the first cell's plan to the last figure, with an empty store.
Spearman's rank correlation is that of the KL divergences of all cells, and within each setting. Seconds are of this
computer while nothing else works; ratios hold on a busy one as well.

AIMET is an extra, as in `bench_quantization.py`; without it, its line says so.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import spearmanr

from tests.benchmarks.peers.aimet import MISSING, AimetError, analyze_with_aimet, find_aimet
from tests.benchmarks.peers.case import Bench, Case, samples_of
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan
from workbench.engine.data.dataset import seeded_subset
from workbench.engine.evaluate.answers import answers_of, kl_divergence
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext
from workbench.project.measurement_store import MeasurementStore
from workbench.session import Session

_RESNET = Bench("resnet20", "cifar10/resnet20_cifar10_opset13.onnx", "cifar10/cifar10_test_jpeg_halfA.zip")
_SQUEEZENET = Bench(
    "squeezenet 1.1", "imagenet_sample/squeezenet1.1_rgb224.onnx", "imagenet_sample/imagenet_sample_even500_224.zip"
)
_AXES = ScanAxes(weight_bits=(2, 3, 4, 6, 8), sparsities=(0.5, 0.7, 0.9))
_IMAGES, _BATCH = 1000, 50

pytestmark = pytest.mark.bench


@dataclass(frozen=True, slots=True)
class Reach:
    """What is to be reached: times as fast as brute force, rank correlations over all cells and within a setting."""

    bench: Bench
    faster: float
    spearman: float
    within: float | None


_REACHES = [Reach(_RESNET, 20, 0.97, 0.9), Reach(_SQUEEZENET, 25, 0.95, None)]


@pytest.mark.parametrize("reach", _REACHES, ids=lambda reach: reach.bench.name.replace(" ", "-"))
def test_a_scan_beside_brute_force(reach: Reach, models: Path, tmp_path: Path, show: Callable[[str], None]):
    session = _opened(reach.bench, models, tmp_path)
    scan, seconds = _scan(session)
    count = min(_IMAGES, session._bench.samples.info.num_samples)
    divergences, brute = _brute_force(session, scan, count)

    cells = [cell for cell in scan.cells if cell.kl is not None]
    ours, theirs = np.array([cell.kl.value for cell in cells if cell.kl]), np.array(divergences)
    each, brute_each = seconds / len(cells), brute / len(cells) * _IMAGES / count
    over_all = float(spearmanr(ours, theirs)[0])
    within = {
        setting.text: float(
            spearmanr(*(part[[cell.setting == setting for cell in cells]] for part in (ours, theirs)))[0]
        )
        for setting in scan.axes.settings
    }
    show(f"\n{reach.bench.name}: {len(scan.layers)} layers, {len(cells)} cells, {scan.num_samples} of {count} images")
    show(f"  a cell: ours {1000 * each:.1f} ms, brute force on 1,000 images {1000 * brute_each:.0f} ms")
    show(f"  {brute_each / each:.1f} times as fast (to reach: {reach.faster:g})")
    show(f"  Spearman over all cells {over_all:.3f} (to reach: {reach.spearman:g})")
    show("  within a setting: " + ", ".join(f"{name} {value:.3f}" for name, value in within.items()))
    if (python := find_aimet()) is None:
        show(f"  AIMET: {MISSING}")
    elif reach.bench is _RESNET:
        try:
            found = analyze_with_aimet(python, samples_of(Case(reach.bench, "W8A8", 8, 0), models), num_images=_IMAGES)
        except AimetError as error:
            show(f"  AIMET: {error}")
        else:
            aimet = found.seconds / found.num_cells
            show(f"  AIMET: {found.num_cells} cells, {aimet:.2f} s each; ours {aimet / each:.0f} times as fast (50)")
    assert over_all >= reach.spearman


@pytest.mark.parametrize("bench", [_RESNET, _SQUEEZENET], ids=lambda bench: bench.name)
def test_two_processes_beside_one(bench: Bench, models: Path, tmp_path: Path, show: Callable[[str], None]):
    seconds, cells = {}, {}
    for workers in (1, 2):
        session = _opened(bench, models, tmp_path / str(workers))
        scan, seconds[workers] = _scan(session, workers=workers)
        cells[workers] = {(cell.layer, cell.setting): cell for cell in scan.cells}
    show(f"\n{bench.name}: one process {seconds[1]:.1f} s, two {seconds[2]:.1f} s: {seconds[1] / seconds[2]:.2f}×")
    assert cells[1] == cells[2]


def _opened(bench: Bench, models: Path, folder: Path) -> Session:
    folder.mkdir(exist_ok=True)
    samples = samples_of(Case(bench, "W8A8", 8, 0), models)
    session = Session(store=MeasurementStore(folder / "measurements.sqlite3"))
    session.open_model(samples.model)
    session.open_data(samples.data, samples.settings)
    return session


def _scan(session: Session, *, workers: int = 0) -> tuple[SensitivityScan, float]:
    # Images are decoded once, whoever runs them first.
    session._bench.samples.batch(_images(session))
    start = time.perf_counter()
    *_, scan = session.scan(_AXES, workers=workers)
    return scan, time.perf_counter() - start


def _images(session: Session) -> npt.NDArray[np.int64]:
    samples = session._bench.samples
    return seeded_subset(len(samples), min(_IMAGES, len(samples)))


def _brute_force(session: Session, scan: SensitivityScan, count: int) -> tuple[list[float], float]:
    """The divergence of each measured cell on so many images, and the seconds of opening and running."""
    samples, compressor = session._bench.samples, session._bench.compressor
    images = _images(session)[:count]
    original = RuntimeSession(compressor.model.path)
    size = original.batch_size or _BATCH
    feeds = [samples.batch(images[start : start + size]) for start in range(0, len(images), size)]
    expected = _outputs(original, feeds)
    reference, found, seconds = answers_of(expected), [], 0.0
    for cell in scan.cells:
        if cell.kl is None:
            continue
        plan = compressor.plan(_AXES.laid_on(Recipe(), (cell.layer,), cell.setting), ctx=JobContext())
        data = compressor.build(plan)
        start = time.perf_counter()
        outputs = _outputs(RuntimeSession(data), feeds)
        seconds += time.perf_counter() - start
        divergence = kl_divergence(reference, answers_of(outputs))
        assert divergence is not None
        found.append(float(divergence.mean()))
    return found, seconds


def _outputs(session: RuntimeSession, feeds: Sequence[dict[str, npt.NDArray[np.generic]]]) -> npt.NDArray[np.generic]:
    return np.concatenate([session.run_samples(one, len(next(iter(one.values()))))[0] for one in feeds])
