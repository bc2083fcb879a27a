"""Fixtures that every test may use, and the fence around all of them: no screen, no home of the user's."""

import os
import sys
from pathlib import Path

import pytest

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# Before anything imports Qt; a person who wants to watch sets another platform.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


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
