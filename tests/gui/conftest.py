"""Models made of values, and a document that edits at once, so that panels are tested without a worker."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from workbench.engine.core.channel_group import AxisChannels, ChannelGroup, ModelChannels
from workbench.engine.core.layer import Layer, ModelInfo, WeightStatistics
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import DataInfo, Preprocessing
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.engine.core.weight_curves import WeightCurves, build_weight_curves
from workbench.gui.awaited_jobs import AwaitedJobs
from workbench.gui.bench import Bench
from workbench.gui.calibration_data import CalibrationData
from workbench.gui.engine import Engine, Ticket
from workbench.gui.file_dialogs import Asks, Unsaved
from workbench.gui.known_activations import KnownActivations
from workbench.gui.known_channels import KnownChannels
from workbench.gui.known_figures import KnownFigures
from workbench.gui.known_importance import KnownImportance
from workbench.gui.known_plan import KnownPlan
from workbench.gui.known_prediction import KnownPrediction
from workbench.gui.known_scan import KnownScan
from workbench.gui.layer_looks import LayerLooks
from workbench.gui.measuring import Measuring
from workbench.gui.one_opening import OneOpening
from workbench.gui.running_jobs import RunningJobs
from workbench.gui.search_jobs import SearchJobs
from workbench.gui.shown_figures import ShownFigures
from workbench.gui.trade_off import TradeOff
from workbench.jobs import Progress
from workbench.worker.messages import Failed

_PATIENCE_MS = 60_000
# What the engine's process imports for tests lies with those of the worker.
_WITH_WORKERS = str(Path(__file__).parents[1] / "worker")


class PatientBot(QtBot):
    """Waits as long as a busy computer may take: the usual five seconds are no sign of a fault there."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = _PATIENCE_MS) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: object, *, timeout: int = _PATIENCE_MS, **more: object) -> object:
        return super().waitSignal(signal, timeout=timeout, **more)


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> PatientBot:
    return PatientBot(request)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            # The offscreen platform says this whenever a window is shown or raised, or a list opens; it can do neither.
            item.add_marker(pytest.mark.qt_log_ignore("propagateSizeHints", r"raise\(\)", "grabbing the keyboard"))


def layer_of(name: str, weight: np.ndarray, op_type: str = "Conv", *, editable: bool = True) -> Layer:
    """A layer with the statistics of a weight, whose first axis is the output channels."""
    finite = weight[np.isfinite(weight)] if np.isfinite(weight).any() else np.zeros(1, np.float32)
    largest = float(np.abs(finite).max()) or 1.0
    magnitudes = np.cumsum(np.histogram(np.abs(finite), 1000, (0, largest))[0])
    statistics = WeightStatistics(
        minimum=float(finite.min()),
        maximum=float(finite.max()),
        mean=float(finite.mean()),
        std=float(finite.std()),
        sparsity=float((finite == 0).mean()),
        num_not_finite=int(weight.size - np.isfinite(weight).sum()),
        bars=np.histogram(finite, 48)[0].astype(np.int32),
        magnitudes=magnitudes,
    )
    return Layer(
        name=name,
        op_type=op_type,
        weight_name=f"{name}.weight",
        node_output=f"{name}.out",
        weight_shape=weight.shape,
        num_params=weight.size,
        macs=weight.size * 10,
        axis=0,
        prunable=editable,
        quantizable=editable,
        reason="" if editable else "the weights are computed while the model runs",
        statistics=statistics,
    )


def model_of(*layers: Layer) -> ModelInfo:
    return ModelInfo(
        path="/models/net.onnx",
        sha256="0" * 64,
        digest="0" * 64,
        opset=17,
        ir_version=8,
        producer="test",
        num_params=sum(layer.num_params for layer in layers),
        file_bytes=4 * sum(layer.num_params for layer in layers) + 1000,
        macs=sum(layer.macs or 0 for layer in layers),
        inputs=(),
        outputs=(),
        layers=layers,
    )


def data_of(digest: str, num_samples: int = 500) -> DataInfo:
    return DataInfo("/d.npz", num_samples, True, 10, (8, 8, 1), Preprocessing(), digest)


def scan_of(
    layers: Sequence[str],
    kl: Mapping[tuple[str, ScanSetting], float],
    *,
    axes: ScanAxes | None = None,
    digests: tuple[str, str] = ("0" * 64, "data"),
    num_samples: int = 64,
    is_complete: bool = False,
    errors: Mapping[tuple[str, ScanSetting], str] | None = None,
    groups: tuple[tuple[str, str], ...] = (),
    ranges_digest: str = "",
) -> SensitivityScan:
    """A scan with these divergences; each drop is a tenth of the divergence, each interval a fifth of it wide."""

    def figure(value: float, unit: str) -> Figure:
        return Figure(value, unit, Origin.MEASURED, 0.9 * value, 1.1 * value, num_samples)

    cells = [
        ScanCell(layer, setting, figure(value, "nat"), 20.0, figure(value / 10, "fraction"), num_samples)
        for (layer, setting), value in kl.items()
    ]
    cells += [ScanCell(layer, setting, error=text) for (layer, setting), text in (errors or {}).items()]
    return SensitivityScan(
        *digests, axes or ScanAxes(), tuple(layers), tuple(cells), num_samples, is_complete=is_complete, groups=groups,
        ranges_digest=ranges_digest,
    )  # fmt: skip


class LooksAtWeights(LayerLooks):
    """Answers at once, from the weights that a test has laid on the bench."""

    weights: Mapping[str, np.ndarray]

    def request_curves(self, layer: str, answer: Callable[[str, WeightCurves], None]) -> None:
        answer(layer, build_weight_curves(self.weights[layer], (0,)))


class LooseBench(Bench):
    """The bench with the parts that panels see; what they ask for waits in `asks`, as there is no worker."""

    message = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.num_presses = self.num_releases = 0
        self.asks = FakeEngine()
        self.jobs = RunningJobs(self.asks, self)
        self.measuring = Measuring(self.asks, self.jobs, KnownFigures(), self)
        self.figures = ShownFigures(self, self.measuring, self)
        self.awaited = AwaitedJobs(self.jobs, self.measuring, self)
        self.calibration = CalibrationData(OneOpening(self.asks, self), self)
        self.plans = KnownPlan(self.asks, self)
        self.activations = KnownActivations(self.asks, self)
        self.channels = KnownChannels(self.asks, self.plans, self)
        self.importance = KnownImportance(self.asks, self.channels, self)
        self.scans = KnownScan(self.asks, self)
        self.searching = SearchJobs(self.jobs, self.awaited, self)
        self.searching.scanned.connect(self.scans.take)
        self.predictions = KnownPrediction(self.scans, self)
        self.searching.predicted.connect(self.predictions.take)
        self.trade_off = TradeOff(self, self.figures, self.measuring.figures, self)
        self.searching.found.connect(self.trade_off.take)
        self.looks = LooksAtWeights(self.asks, self, self)

    def put(self, **weights: np.ndarray) -> None:
        """Open a model with these weights."""
        self.looks.weights = weights
        self.model = model_of(*(layer_of(name, weight) for name, weight in weights.items()))
        self.model_changed.emit()

    def put_data(self, num_samples: int = 500) -> None:
        """Open samples; what the engine is asked for because of it waits."""
        self.scans.begin_model(self.model)
        self.dataset = data_of("data", num_samples)
        self.scans.begin_data(self.dataset)
        self.dataset_changed.emit()

    def put_channels(self, *groups: ChannelGroup) -> None:
        """Say which channels go together; each member has one channel a unit, beside what always stays."""
        outputs = {
            member: AxisChannels(0, tuple((one.name, number, 1) for number in range(len(one.class_sizes))))
            for one in groups
            for member in one.members
        }
        group_of = {member: one.name for one in groups for member in one.members}
        self.channels.begin_model(self.model, self.recipe)
        channels = ModelChannels(groups, outputs=outputs, group_of=group_of)
        self.asks.of("channels", "look")[-1].done(channels)

    def _put_recipe(self, recipe: Recipe) -> None:
        self.channels.set_recipe(recipe)
        super()._put_recipe(recipe)

    def set_recipe(self, recipe: Recipe) -> None:
        """Lay a recipe on the bench with nothing to undo."""
        self._put_recipe(recipe)

    def pressed(self) -> None:
        self.num_presses += 1

    def released(self) -> None:
        self.num_releases += 1


@pytest.fixture
def bench(qapp: object) -> LooseBench:
    return LooseBench()


@pytest.fixture
def theme(qapp: object) -> object:
    from workbench.gui.theme import Theme

    theme = Theme()
    theme.apply(qapp)
    return theme


@pytest.fixture
def make_layer() -> object:
    return layer_of


@pytest.fixture
def make_scan() -> object:
    return scan_of


@pytest.fixture
def make_data() -> object:
    return data_of


@pytest.fixture
def make_model() -> object:
    return model_of


@pytest.fixture(autouse=True)
def _every_mouse_move_counts() -> object:
    # pyqtgraph drops moves that come quicker than its limit: a drag in a test would lose its end.
    import pyqtgraph as pg

    old = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", -1)
    yield
    pg.setConfigOption("mouseRateLimit", old)


@dataclass(slots=True)
class Answers:
    """What the user will say, and what was asked of them."""

    path: Path | None = None
    overwrite: bool = False
    unsaved: Unsaved = Unsaved.DISCARD
    remove: bool = True
    asked: list[str] = field(default_factory=list)

    def ask_open(self, parent: QWidget, title: str, folder: str, file_filter: str) -> Path | None:
        self.asked.append(title)
        return self.path

    def ask_folder(self, parent: QWidget, title: str, folder: str) -> Path | None:
        self.asked.append(title)
        return self.path

    def ask_save(self, parent: QWidget, title: str, suggested: str, file_filter: str) -> Path | None:
        self.asked.append(title)
        return self.path

    def ask_overwrite(self, parent: QWidget, path: Path) -> bool:
        self.asked.append(f"Replace {path.name}?")
        return self.overwrite

    def ask_unsaved(self, parent: QWidget) -> Unsaved:
        self.asked.append("Unsaved edits")
        return self.unsaved

    def ask_remove(self, parent: QWidget, name: str) -> bool:
        self.asked.append(f"Remove {name}?")
        return self.remove

    @property
    def asks(self) -> Asks:
        """As the window takes them."""
        return Asks(
            self.ask_open, self.ask_folder, self.ask_save, self.ask_overwrite, self.ask_unsaved, self.ask_remove
        )


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def forked_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's process is there at once; what it does is the same. Where there is no fork, it takes its time."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    monkeypatch.syspath_prepend(_WITH_WORKERS)
    from forked_worker import ForkedWorkers

    monkeypatch.setattr("workbench.worker.client.multiprocessing", ForkedWorkers())


@pytest.fixture
def window(qtbot: QtBot, theme: object, settings: QSettings, answers: Answers, forked_worker: None) -> Iterator[object]:
    """The whole window on the real engine, with nothing open; questions are answered by `answers`."""
    from workbench.gui.document import Document
    from workbench.gui.main_window import MainWindow

    document = Document()
    window = MainWindow(document, theme, settings, answers.asks)
    qtbot.addWidget(window)
    # The screen that is drawn on without one is a small one.
    window.resize(1600, 1000)
    window.show()
    yield window
    document.close()


@pytest.fixture
def demo_window(window: object, qtbot: QtBot) -> object:
    """The window with the demo's model and samples open, and everything measured of them."""
    from workbench.project.demo_files import demo_files

    document = window.document
    window.files.open_paths(demo_files())
    qtbot.waitUntil(
        lambda: document.figures.accuracy is not None and document.footprint is not None and document.measuring.is_idle,
    )
    return window


@dataclass
class Asked:
    """One request, and the test's hand on its answers."""

    ticket: Ticket

    def failed(self, text: str) -> None:
        self.ticket.is_open = False
        self.ticket.on_failed(Failed(1, text))

    def done(self, value: object) -> None:
        self.ticket.is_open = False
        self.ticket.on_done(value)

    def partial(self, value: object) -> None:
        self.ticket.on_partial(value)

    def progress(self, done: float, total: float, text: str) -> None:
        self.ticket.on_progress(Progress(done, total, text))

    def stopped(self) -> None:
        self.ticket.is_open = False
        self.ticket.on_stopped("cancelled")


class FakeEngine(QObject):
    """A double of the engine: keeps requests until the test answers them."""

    restarted = Signal(str, str)

    def __init__(self, factory: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.asked: list[Asked] = []

    def request(self, lane: str, verb: str, *args: object, **answers: object) -> Ticket:
        known = {key: answers.pop(key) for key in tuple(answers) if key.startswith("on_")}
        ticket = Ticket(lane, verb, args, answers, **known)
        self.asked.append(Asked(ticket))
        return ticket

    def start(self) -> None:
        """There is none to start."""

    def close(self) -> None:
        """There is none to end."""

    def cancel(self, ticket: Ticket, *, insist: bool = True) -> None:
        ticket.is_cancelled = True

    def of(self, verb: str, lane: str) -> list[Asked]:
        return [item for item in self.asked if (item.ticket.verb, item.ticket.lane) == (verb, lane)]


@pytest.fixture
def loose_document(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, make_model: object, make_layer: object
) -> Iterator[object]:
    """A document on a double of the engine, with layers a and b and 500 samples."""
    from workbench.gui.document import Document

    monkeypatch.setattr("workbench.gui.document.Engine", FakeEngine)
    document = Document()
    document.opening.model_read.emit(make_model(*(make_layer(name, np.ones((2, 3), np.float32)) for name in "ab")))
    document.opening.data_read.emit(data_of("data"), {})
    yield document
    document.close()


@pytest.fixture
def fake_engine(qtbot: QtBot) -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def engine(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine's process with a small session, which lies with the worker's tests."""
    # The child gets this process's sys.path.
    monkeypatch.syspath_prepend(_WITH_WORKERS)
    engine = Engine("fake_session:FakeSession", cancel_timeout_ms=200)
    yield engine
    engine.close()
