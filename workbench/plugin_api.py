"""The one module that a plugin imports: what it may give, on one page.

A plugin is a folder with a `plugin.toml` and an `__init__.py` in which some of the hooks below are written as
plain functions marked with `@hook`:

    from workbench.plugin_api import Exporter, hook

    @hook
    def exporters():
        return [Exporter(name="mine", summary="my runtime's format", suffix=".mine", write=_write)]

Hooks are added here together with the first plugin that uses them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pluggy

from workbench.engine.compress.structure.criterion import (
    Criterion,
    GroupView,
    Judgement,
    MemberScores,
    Needs,
    by_rows,
)
from workbench.engine.core.errors import ExportError, RunError
from workbench.engine.core.tool_time import ToolTime
from workbench.engine.latency.imports.read_times import read_times

__all__ = [
    "API_VERSION",
    "PROJECT_NAME",
    "Criterion",
    "ExportError",
    "Exporter",
    "GroupView",
    "HookSpecs",
    "Judgement",
    "LatencyRunner",
    "MemberScores",
    "Needs",
    "RunError",
    "ToolTime",
    "by_rows",
    "hook",
    "new_plugin_manager",
    "read_times",
]

API_VERSION = 1
PROJECT_NAME = "workbench"

hook = pluggy.HookimplMarker(PROJECT_NAME)
_spec = pluggy.HookspecMarker(PROJECT_NAME)


@dataclass(frozen=True, slots=True)
class Exporter:
    """A way to write a compressed model for another runtime.

    Args:
        name: what `workbench export --to` takes; lower case, unique among all plugins.
        summary: one line for a list.
        suffix: of the written file, with its dot, such as ".ort".
        write: called with the bytes of a checked ONNX model (no external data) and the file to write; the
            file does not exist yet, its folder does. Raises ExportError for what a person can do something
            about.
    """

    name: str
    summary: str
    suffix: str
    write: Callable[[bytes, Path], None]


@dataclass(frozen=True, slots=True)
class LatencyRunner:
    """A way to time a model on a device that is at hand.

    Args:
        name: what `workbench latency --on` takes; lower case, unique among all plugins.
        summary: one line for a list.
        devices: names of what is connected now; raises RunError, with what to do, where there is nothing.
        measure: called with an ONNX file without external data, a name that `devices` gave, and the number of
            threads; raises RunError for what a person can do something about.
    """

    name: str
    summary: str
    devices: Callable[[], Sequence[str]]
    measure: Callable[[Path, str, int], ToolTime]


class HookSpecs:
    """Every hook there is. All are optional; each may be given by any number of plugins."""

    @_spec
    def criteria(self) -> Sequence[Criterion]:
        """Ways to tell how much channels matter."""
        raise NotImplementedError

    @_spec
    def exporters(self) -> Sequence[Exporter]:
        """Ways to write a model for other runtimes."""
        raise NotImplementedError

    @_spec
    def latency_runners(self) -> Sequence[LatencyRunner]:
        """Ways to time models on devices that are at hand."""
        raise NotImplementedError


def new_plugin_manager() -> pluggy.PluginManager:
    """A plugin manager that knows the hooks and no plugin."""
    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(HookSpecs)
    return manager
