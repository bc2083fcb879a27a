"""Fixtures that every test may use, and the fence around all of them: no screen, no home of the user's."""

import gc
import multiprocessing
import multiprocessing.forkserver
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# On a busy computer an example may take any time; which examples are tried does not depend on the day.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("steady")

# Before anything imports Qt; a person who wants to watch sets another platform.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have fresh processes forked off one that has imported the engine: each would else import for a second."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        multiprocessing.set_forkserver_preload(["workbench.worker.server", "workbench.session"])
        # The server is one for the whole run: whoever starts it says what it imports.
        multiprocessing.forkserver.ensure_running()


@pytest.fixture(autouse=True)
def _garbage_dies_on_the_main_thread() -> Iterator[None]:
    """Widgets of an earlier test would otherwise be destroyed by whichever thread of a later one allocates: a crash."""
    from workbench.gui.garbage import collect_due

    gc.disable()
    yield
    _delete_what_is_left_for_later()
    collect_due()


def _delete_what_is_left_for_later() -> None:
    """Widgets of a test that has ended: the loop that would delete them never runs between tests.

    Each costs a little whenever a later test sets the style anew, and there would be thousands.
    """
    core = sys.modules.get("PySide6.QtCore")
    if core is not None and core.QCoreApplication.instance() is not None:
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real models and samples that are not part of the project; tests that need them skip without."""
    if not _SHARED_DATA.is_dir():
        pytest.skip("needs the real models in ../shared/data, which are not part of the project")
    return _SHARED_DATA


@pytest.fixture(scope="session")
def demo_folder() -> Path:
    """The built-in model and samples."""
    return Path(__file__).resolve().parents[1] / "resources" / "demo"


@pytest.fixture(scope="session")
def searched_store(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measurements of the built-in model that a search rests on; to be copied, as whoever uses it adds to it.

    A scan of 2, 4 and 8 bits and half of the weights on 16 samples, and what predicts accuracy, on 60.
    """
    from workbench.engine.core.sensitivity import ScanAxes
    from workbench.project.measurement_store import MeasurementStore
    from workbench.session import Session

    path = tmp_path_factory.mktemp("searched") / "measurements.sqlite3"
    store = MeasurementStore(path)
    session = Session(store=store)
    session.open_model(demo_folder / "digits.onnx")
    session.open_data(demo_folder / "digits.npz")
    *_, scan = session.scan(ScanAxes(weight_bits=(2, 4, 8), sparsities=(0.5,)), samples=16)
    list(session.fit_accuracy(scan, limit=60))
    # Until then, some of it lies in a file beside.
    store.close()
    return path


@pytest.fixture
def torn_model(tmp_path: Path) -> Path:
    """A quantized model of four inputs and two classes, whose answers differ from processor to processor.

    Codes of a sample of ones are 255. Class 0 has 255 · 127 + 255 · 127 = 64,770, which saturates at 32,767, and
    class 1 has 255 · 100 = 25,500 in each of two pairs, together 51,000. The codes of 0.4 are 102: 25,908 against
    20,400, and nothing saturates.
    """
    import onnx
    import onnx.parser
    from onnx import numpy_helper

    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 13]>
        torn (float[N,4] x) => (float[N,2] y) {
            codes = QuantizeLinear(x, xs, xz)
            back = DequantizeLinear(codes, xs, xz)
            weight = DequantizeLinear(w, ws, wz)
            y = MatMul(back, weight)
        }
    """)
    weights = np.array([[127, 100], [127, 0], [0, 100], [0, 0]], np.int8)
    stored = {"xs": np.float32(1 / 255), "xz": np.uint8(0), "w": weights, "ws": np.float32(0.01), "wz": np.int8(0)}
    for name, value in stored.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    path = tmp_path / "torn.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def torn_samples(tmp_path: Path) -> Path:
    """Thirty samples of ones and ten of 0.4, all labelled 0."""
    x = np.repeat(np.array([1.0, 0.4], np.float32), [30, 10])[:, None] * np.ones((1, 4), np.float32)
    path = tmp_path / "torn.npz"
    np.savez(path, x=x, y=np.zeros(len(x), np.int64))
    path.with_suffix(".data.yaml").write_text("scale: 1\nmean: 0\nstd: 1\nlayout: raw\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for each test: settings, caches and plugins of the user are neither read nor written."""
    home = tmp_path_factory.mktemp("home")
    for variable, folder in {
        "HOME": "",
        "USERPROFILE": "",
        "APPDATA": "AppData/Roaming",
        "LOCALAPPDATA": "AppData/Local",
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_CACHE_HOME": ".cache",
        "XDG_STATE_HOME": ".local/state",
    }.items():
        monkeypatch.setenv(variable, str(home / folder))
    monkeypatch.delenv("WORKBENCH_PLUGINS", raising=False)
    _move_qt_settings(home / ".config")
    return home


def _move_qt_settings(folder: Path) -> None:
    """Qt reads its places once and keeps them, so the environment alone does not move them."""
    # A test that has not imported Qt has no settings to move, and stays quick and free of Qt.
    core = sys.modules.get("PySide6.QtCore")
    if core is not None:
        for file_format in (core.QSettings.Format.NativeFormat, core.QSettings.Format.IniFormat):
            core.QSettings.setPath(file_format, core.QSettings.Scope.UserScope, str(folder))
