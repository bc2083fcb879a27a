"""Which plugins have a say in what is measured: those that choose channels, by name, version and source."""

import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from workbench.engine.core.digest import digest_of_bytes
from workbench.project.plugin_places import ENTRY_POINT_GROUP, MANIFEST, package_folder, plugin_folders, plugins_in

_HOOK = "criteria"


def criterion_plugins(
    folders: Iterable[tuple[str, Path]] | None = None, installed: Iterable[EntryPoint] | None = None
) -> tuple[str, ...]:
    """Each plugin that gives criteria, as "criteria of NAME VERSION DIGEST", without running code of any.

    A recipe says a criterion's name only, and which plugin gives that is not known before it runs: all of them count.

    Args:
        folders: (source, folder of plugins); the usual places if not given.
        installed: entry points to look at; those of this Python if not given.
    """
    paths = [path for _, path in plugins_in(plugin_folders() if folders is None else folders)]
    points = entry_points(group=ENTRY_POINT_GROUP) if installed is None else installed
    paths += [path for path in map(package_folder, points) if path is not None]
    return tuple(text for path in paths for text in _text(path))


def _text(folder: Path) -> Iterator[str]:
    """Nothing of one that gives no criteria, or cannot be read and so cannot be loaded either."""
    try:
        manifest = tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        provides = manifest.get("provides", [])
        if _HOOK not in (provides if isinstance(provides, list) else [provides]):
            return
        source = digest_of_bytes(*(path.read_bytes() for path in sorted(folder.rglob("*.py"))))
    except (OSError, ValueError):
        return
    yield f"criteria of {manifest.get('name')} {manifest.get('version')} {source[:12]}"
