"""Where plugins lie: folders and installed packages, found without running any of their code."""

import importlib.util
import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path

import platformdirs

MANIFEST = "plugin.toml"
ENTRY_POINT_GROUP = "workbench.plugins"
FOLDERS_VARIABLE = "WORKBENCH_PLUGINS"


def plugin_folders(environment: Mapping[str, str] = os.environ) -> Iterator[tuple[str, Path]]:
    """The folders that hold plugins, each with the word for its source; some may not exist."""
    yield "bundled", _bundled_folder()
    yield "user", Path(platformdirs.user_data_dir("workbench", appauthor=False)) / "plugins"
    for folder in environment.get(FOLDERS_VARIABLE, "").split(os.pathsep):
        if folder:
            yield FOLDERS_VARIABLE, Path(folder)


def plugins_in(folders: Iterable[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """The folder of each plugin, with the word for its source.

    Args:
        folders: (source, folder of plugins).
    """
    for source, folder in folders:
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if (path / MANIFEST).is_file():
                    yield source, path


def package_folder(entry_point: EntryPoint) -> Path | None:
    """The folder of an installed plugin's package, which is not imported; None where it is no top-level package."""
    try:
        # Of a dotted name find_spec imports the parents; a plugin is a top-level package, so there are none.
        spec = None if "." in entry_point.module else importlib.util.find_spec(entry_point.module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _bundled_folder() -> Path:
    package = Path(__file__).resolve().parents[1]
    installed = package / "_plugins"
    return installed if installed.is_dir() else package.parent / "plugins"
