"""Find plugins, read their manifests, load them, and say what failed.

Plugins come from four places, and all take the same road from there: the folder that belongs to the program,
the user's own folder, the folders in WORKBENCH_PLUGINS, and installed packages with an entry point in the
group `workbench.plugins`. Finding runs none of their code; only `load` does.
"""

import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pluggy

from workbench.engine.compress.structure.known_criteria import OWN_CRITERIA
from workbench.engine.core.errors import PluginError
from workbench.plugin_api import (
    API_VERSION,
    PROJECT_NAME,
    Criterion,
    Exporter,
    HookSpecs,
    LatencyRunner,
    hook,
    new_plugin_manager,
)
from workbench.project.plugin_places import ENTRY_POINT_GROUP, MANIFEST, package_folder, plugin_folders, plugins_in

__all__ = ["PluginInfo", "Plugins", "find_plugins", "load", "load_plugins", "plugin_folders"]

# Folder plugins are imported below this name, so that none can hide an installed module.
FOLDER_PACKAGE = "workbench_plugins"

_Given = TypeVar("_Given", Exporter, Criterion, LatencyRunner)
_TEXT_KEYS = ("name", "version", "summary")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What a plugin's manifest says, without running its code.

    Args:
        api: version of `workbench.plugin_api` that it was written for.
        provides: the hooks that it gives.
        source: "bundled", "user", "WORKBENCH_PLUGINS" or "installed".
        path: the plugin's folder.
        module: the name to import an installed plugin by; empty for a folder.
        error: why it cannot be used, in one line; empty if it can.
    """

    name: str
    version: str
    api: int
    summary: str
    provides: tuple[str, ...]
    source: str
    path: Path
    module: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What plugins give, by its name."""

    exporters: dict[str, Exporter] = field(default_factory=dict)
    criteria: dict[str, Criterion] = field(default_factory=dict)
    runners: dict[str, LatencyRunner] = field(default_factory=dict)

    def add(self, other: "Given") -> None:
        """Add all of it, or nothing. Raises ValueError if a name is taken."""
        pairs = (
            (self.exporters, other.exporters, "another plugin exports to {} already"),
            (self.criteria, other.criteria, "there is a criterion {} already"),
            (self.runners, other.runners, "another plugin times models by {} already"),
        )
        for known, more, message in pairs:
            if twice := sorted(known.keys() & more.keys()):
                raise ValueError(message.format(", ".join(twice)))
        self.exporters.update(other.exporters)
        self.criteria.update(other.criteria)
        self.runners.update(other.runners)


@dataclass(frozen=True, slots=True)
class Plugins:
    """Every plugin that was found, and the manager that holds those that loaded."""

    manager: pluggy.PluginManager
    infos: tuple[PluginInfo, ...]
    _given: Given = field(default_factory=Given)

    def exporters(self) -> tuple[Exporter, ...]:
        """All exporters, by name."""
        return tuple(self._given.exporters[name] for name in sorted(self._given.exporters))

    def exporter(self, name: str) -> Exporter:
        """The exporter of that name. Raises PluginError if no plugin gives it."""
        if name not in self._given.exporters:
            known = ", ".join(sorted(self._given.exporters)) or "none"
            raise PluginError(f"no plugin exports to {name!r}", f"there is: {known}")
        return self._given.exporters[name]

    def criteria(self) -> tuple[Criterion, ...]:
        """All criteria of channel importance, the engine's own among them, by name."""
        return tuple(self._given.criteria[name] for name in sorted(self._given.criteria))

    def criterion(self, name: str) -> Criterion:
        """The criterion of that name. Raises PluginError if there is none."""
        if name not in self._given.criteria:
            raise PluginError(f"there is no criterion {name!r}", f"there is: {', '.join(sorted(self._given.criteria))}")
        return self._given.criteria[name]

    def runner(self, name: str) -> LatencyRunner:
        """The way to time models of that name. Raises PluginError if no plugin gives it."""
        if name not in self._given.runners:
            known = ", ".join(sorted(self._given.runners)) or "none"
            raise PluginError(f"no plugin times models by {name!r}", f"there is: {known}")
        return self._given.runners[name]


class _Own:
    """What the engine brings along, by the hooks that everybody has."""

    @hook
    def criteria(self) -> tuple[Criterion, ...]:
        """The engine's own criteria."""
        return OWN_CRITERIA


def find_plugins(
    folders: Iterable[tuple[str, Path]] | None = None, installed: Iterable[EntryPoint] | None = None
) -> tuple[PluginInfo, ...]:
    """Every plugin there is, without running code; of two with one name the first is used, the other listed.

    Args:
        folders: (source, folder of plugins); the usual places if not given.
        installed: entry points to look at; those of this Python if not given.
    """
    if folders is None:
        folders = plugin_folders()
    if installed is None:
        installed = entry_points(group=ENTRY_POINT_GROUP)
    found: list[PluginInfo] = []
    used: dict[str, PluginInfo] = {}
    for info in [*_in_folders(folders), *map(_of_entry_point, installed)]:
        first = used.setdefault(info.name, info)
        if first is not info and not info.error:
            info = replace(info, error=f"the plugin in {first.path} has the same name and came first")
        found.append(info)
    return tuple(found)


def load(info: PluginInfo) -> ModuleType:
    """Import a plugin: this runs its code.

    Raises:
        PluginError: the manifest is bad, or importing failed; the cause is chained.
    """
    if info.error:
        raise PluginError(f"plugin {info.name!r}: {info.error}")
    try:
        return importlib.import_module(info.module) if info.module else _import_folder(info)
    except (Exception, SystemExit) as error:  # a plugin must not end the program
        raise PluginError(f"plugin {info.name!r} in {info.path} failed to load: {_one_line(error)}") from error


def load_plugins(infos: Iterable[PluginInfo] | None = None) -> Plugins:
    """Load plugins; one that fails is listed with its error, and the others go on.

    Args:
        infos: what to load; everything that `find_plugins` finds if not given.
    """
    manager = new_plugin_manager()
    manager.register(_Own(), PROJECT_NAME)
    given = Given(criteria={one.name: one for answer in manager.hook.criteria() for one in answer})
    listed = []
    for info in find_plugins() if infos is None else infos:
        try:
            _register(manager, info, given)
        except PluginError as error:
            listed.append(replace(info, error=info.error or error.message))
        else:
            listed.append(info)
    return Plugins(manager, tuple(listed), given)


def _register(manager: pluggy.PluginManager, info: PluginInfo, given: Given) -> None:
    """Add a plugin whole, or not at all."""
    module = load(info)
    # In a manager of its own first: a misspelt hook or a bad answer then never reaches the real one.
    trial = new_plugin_manager()
    try:
        trial.register(module, info.name)
        trial.check_pending()
        answers = trial.hook
        given.add(
            Given(
                _by_name(answers.exporters(), Exporter, "exporters"),
                _by_name(answers.criteria(), Criterion, "criteria"),
                _by_name(answers.latency_runners(), LatencyRunner, "latency_runners"),
            )
        )
        manager.register(module, info.name)
    except Exception as error:
        raise PluginError(f"plugin {info.name!r} in {info.path} cannot be used: {_one_line(error)}") from error


def _by_name(answers: Iterable[object], kind: type[_Given], hook_name: str) -> dict[str, _Given]:
    return {one.name: one for answer in answers for one in _checked(answer, kind, hook_name)}


def _checked(answer: object, kind: type[_Given], name: str) -> Iterator[_Given]:
    if not isinstance(answer, Iterable):
        raise TypeError(f"{name}() gave {type(answer).__name__}, not a list of {kind.__name__}")
    for given in answer:
        if not isinstance(given, kind):
            raise TypeError(f"{name}() gave {type(given).__name__}, not {kind.__name__}")
        yield given


def _in_folders(folders: Iterable[tuple[str, Path]]) -> Iterator[PluginInfo]:
    for source, path in plugins_in(folders):
        yield _read_manifest(path, source, path.name)


def _of_entry_point(entry_point: EntryPoint) -> PluginInfo:
    """Find the package's folder by its distribution's files' place; the package itself is not imported."""
    folder = package_folder(entry_point)
    if folder is None:
        error = f"the entry point names {entry_point.value!r}, which is no top-level package here"
        return _unusable(entry_point.name, "installed", Path(), error)
    return replace(_read_manifest(folder, "installed", entry_point.name), module=entry_point.module)


def _read_manifest(folder: Path, source: str, name: str) -> PluginInfo:
    """What the manifest says; a bad one gives an info with an error. `name` is used where it has none."""
    try:
        table = tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return _unusable(name, source, folder, f"{MANIFEST}: {_one_line(error)}")
    info = PluginInfo(
        name=str(table.get("name", name)),
        version=str(table.get("version", "")),
        api=table["api"] if isinstance(table.get("api"), int) else 0,
        summary=str(table.get("summary", "")),
        provides=_provides(table),
        source=source,
        path=folder,
    )
    return replace(info, error=_manifest_error(table, info))


def _manifest_error(table: Mapping[str, object], info: PluginInfo) -> str:
    """What is wrong with a manifest; empty if nothing is."""
    for key in _TEXT_KEYS:
        if not isinstance(table.get(key), str) or not table[key]:
            return f"{MANIFEST}: {key!r} is missing or not a text"
    if not info.name.isidentifier():
        return f"{MANIFEST}: name {info.name!r} must be a Python name, such as my_format"
    if info.api != API_VERSION:
        return f"{MANIFEST}: made for plugin API {table.get('api', '(none)')}; this program has {API_VERSION}"
    hooks = sorted(name for name in vars(HookSpecs) if not name.startswith("_"))
    if unknown := sorted(set(info.provides) - set(hooks)):
        return (
            f"{MANIFEST}: provides {', '.join(unknown)}, which this program has no hook for (has: {', '.join(hooks)})"
        )
    return ""


def _provides(table: Mapping[str, object]) -> tuple[str, ...]:
    given = table.get("provides", [])
    return tuple(str(item) for item in given) if isinstance(given, list) else (str(given),)


def _unusable(name: str, source: str, path: Path, error: str) -> PluginInfo:
    return PluginInfo(name, "", 0, "", (), source, path, error=error)


def _import_folder(info: PluginInfo) -> ModuleType:
    if FOLDER_PACKAGE not in sys.modules:
        sys.modules[FOLDER_PACKAGE] = ModuleType(FOLDER_PACKAGE)
        sys.modules[FOLDER_PACKAGE].__path__ = []
    name = f"{FOLDER_PACKAGE}.{info.name}"
    loaded = sys.modules.get(name)
    if loaded is not None and Path(str(loaded.__file__)).parent == info.path:
        return loaded
    spec = importlib.util.spec_from_file_location(
        name, info.path / "__init__.py", submodule_search_locations=[str(info.path)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{info.path} is no package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
