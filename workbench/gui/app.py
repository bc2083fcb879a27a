"""Starts the window."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

NO_DISPLAY = (
    "error: there is no screen to open the window on (DISPLAY and WAYLAND_DISPLAY are not set); "
    "use the other verbs of workbench, or QT_QPA_PLATFORM=offscreen\n"
)


def has_screen(environment: Mapping[str, str], platform: str) -> bool:
    """Whether there is a screen that somebody may look at.

    Args:
        environment: the process's environment variables.
        platform: as `sys.platform` names it.
    """
    if platform in ("win32", "darwin"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether Qt can open a window, on a screen or on another platform of Qt's that is named.

    Asked first: where it cannot, Qt ends the whole process.
    """
    return bool(environment.get("QT_QPA_PLATFORM")) or has_screen(environment, platform)


def run_window(
    model: Path | None = None,
    data: Path | None = None,
    recipe: Path | None = None,
    data_settings: Mapping[str, object] | None = None,
) -> int:
    """Open the window, and the given files in it; returns the exit status when it is closed.

    Args:
        model: what to open, if anything.
        data: samples for it.
        recipe: a recipe to start from.
        data_settings: how the data is made ready, as far as it is given.
    """
    paths = [path for path in (model, data, recipe) if path is not None]
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        sys.stderr.write(f"error: {missing}: there is no such file or folder; check the path\n")
        return 2
    if not has_display(os.environ, sys.platform):
        sys.stderr.write(NO_DISPLAY)
        return 2
    from PySide6.QtCore import QEvent, QSettings, QTimer
    from PySide6.QtWidgets import QApplication

    from workbench.gui.document import Document
    from workbench.gui.garbage import MainThreadGarbage
    from workbench.gui.main_window import MainWindow
    from workbench.gui.theme import DARK, LIGHT, Theme
    from workbench.project.measurement_store import MeasurementStore

    application = QApplication.instance() or QApplication(sys.argv[:1])
    application.setApplicationName("workbench")
    application.setOrganizationName("model-compression-workbench")
    garbage = MainThreadGarbage()
    settings = QSettings()
    theme = Theme()
    theme.apply(application, DARK if settings.value("theme") == "dark" else LIGHT)
    document = Document(store=MeasurementStore())
    window = MainWindow(document, theme, settings)
    window.show()
    if data is not None and data_settings:
        window.files.give_settings(data, data_settings)
    # After the first paint: the window is up before the worker is asked for anything.
    QTimer.singleShot(0, window, lambda: window.files.open_paths(paths))
    status = application.exec()
    document.close()
    garbage.close()
    # The window watches the document's undo stack, so it goes first.
    window.deleteLater()
    application.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return int(status)
