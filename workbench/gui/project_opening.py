"""Opening a project: nothing on the bench changes, neither here nor in the engine, until all that it names is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import DataInfo, EvaluationReport, ModelFootprint, OpenedBench
from workbench.gui.one_opening import OneOpening
from workbench.project.project_file import Project, ProjectData, read_project
from workbench.project.tool_version import tool_version


@dataclass(frozen=True, slots=True)
class OpenedProject:
    """A project with everything it names.

    Args:
        data: None where there are no samples, or they cannot be read.
        calibration: None where there are none of their own, or they cannot be read.
        recipe: the project's; empty where it does not fit the model.
        evaluations, sizes: those that this very program measured on the model and samples that were read.
    """

    path: Path
    project: Project
    model: ModelInfo
    footprint: ModelFootprint
    data: DataInfo | None
    calibration: DataInfo | None
    recipe: Recipe
    evaluations: tuple[EvaluationReport, ...]
    sizes: Mapping[str, int] = field(hash=False)


class ProjectOpening(QObject):
    """Asks the engine for everything at once, so that its bench changes with the window's or not at all.

    `opened(project)` at the end; `failed(text, details)` for each thing that is not as it was saved; only without
    the model nothing is opened, which `refused` says too.
    """

    opened = Signal(object)
    failed = Signal(str, str)
    refused = Signal()

    def __init__(self, one: OneOpening, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._one = one

    def open(self, path: Path) -> None:
        """Begin. Raises WorkbenchError if the file is no project."""
        project = read_project(path)
        if not project.model_path.exists():
            raise WorkbenchError(
                f"{path}: its model {project.model_path} is not there", "put it back, or beside the project as before"
            )
        data, calibration = project.data, project.calibration
        self._one.ask(
            path, "open_bench", str(project.model_path), str(data.path) if data is not None else None,
            dict(data.overrides) if data is not None else None, project.recipe, source=f"{path}, recipe",
            calibration=str(calibration.path) if calibration is not None else None,
            calibration_overrides=dict(calibration.overrides) if calibration is not None else None,
            on_done=lambda bench: self._on_bench(path, project, bench), on_stopped=lambda why: self._give_up(path, why),
            on_failed=lambda failure: self._give_up(path, f"its model cannot be read: {failure.text}"),
            replaces_model=True,
        )  # fmt: skip

    def _give_up(self, path: Path, reason: str) -> None:
        self.refused.emit()
        self.failed.emit(f"{path}: not opened: {reason}", "")

    def _on_bench(self, path: Path, project: Project, bench: object) -> None:
        assert isinstance(bench, OpenedBench)
        self.opened.emit(_opened(path, project, bench))
        notes = _notes(project, bench)
        if notes:
            self.failed.emit(f"{path.name}: " + "; ".join(notes), "")


def _opened(path: Path, project: Project, bench: OpenedBench) -> OpenedProject:
    # Other code may give other figures; they are measured anew without a word.
    is_same_tool = project.tool == tool_version()
    # Ranges that are set on other samples give another file.
    has_same_ranges = _digest(bench.calibration) == _digest(project.calibration)
    return OpenedProject(
        path,
        project,
        bench.model,
        bench.footprint,
        bench.data,
        bench.calibration,
        Recipe() if bench.recipe_refusal else project.recipe,
        project.evaluations if _is_same_data(project, bench) and is_same_tool and has_same_ranges else (),
        project.sizes if _has_same_samples(project, bench) and is_same_tool and has_same_ranges else {},
    )


def _is_same_model(project: Project, bench: OpenedBench) -> bool:
    return project.is_of_model(bench.model)


def _digest(data: DataInfo | ProjectData | None) -> str:
    return data.digest if data is not None else ""


def _has_same_samples(project: Project, bench: OpenedBench) -> bool:
    return _is_same_model(project, bench) and _digest(project.data) == _digest(bench.data)


def _is_same_data(project: Project, bench: OpenedBench) -> bool:
    if bench.data is None or project.data is None or not _is_same_model(project, bench):
        return False
    return bench.data.digest == project.data.digest


def _notes(project: Project, bench: OpenedBench) -> list[str]:
    """What is not as it was saved, in words."""
    notes = []
    if not _is_same_model(project, bench):
        notes.append(f"{bench.model.path} has changed since it was saved, so kept figures are left out")
    if bench.data_refusal:
        notes.append(f"it is open without samples: {bench.data_refusal}")
    if bench.calibration_refusal:
        notes.append(f"it is open without its calibration: {bench.calibration_refusal}")
    if bench.recipe_refusal:
        notes.append(f"it is open without its recipe, which does not fit the model: {bench.recipe_refusal}")
    is_other_data = bench.data is not None and _is_same_model(project, bench) and not _is_same_data(project, bench)
    if is_other_data and project.evaluations:
        notes.append("its samples have changed since it was saved, so kept accuracies are left out")
    return notes
