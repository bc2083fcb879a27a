"""Opening a project in steps: nothing on the bench changes until all that it names is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import DataInfo, EvaluationReport, ModelFootprint
from workbench.gui.engine import Engine
from workbench.project.project_file import Project, read_project
from workbench.project.tool_version import tool_version
from workbench.worker.messages import Failed


@dataclass(frozen=True, slots=True)
class OpenedProject:
    """A project with everything it names.

    Args:
        data: None where there are no samples, or they cannot be read.
        recipe: the project's; empty where it does not fit the model.
        evaluations, sizes: those that this very program measured on the model and samples that were read.
    """

    path: Path
    project: Project
    model: ModelInfo
    footprint: ModelFootprint
    data: DataInfo | None
    recipe: Recipe
    evaluations: tuple[EvaluationReport, ...]
    sizes: Mapping[str, int] = field(hash=False)


class ProjectOpening(QObject):
    """Asks the engine for one thing after the other, and tells `opened(project)` at the end.

    `failed(text, details)` for each thing that is not as it was saved; only without the model nothing is opened.
    """

    opened = Signal(object)
    failed = Signal(str, str)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.is_running = False

    def open(self, path: Path) -> None:
        """Begin. Raises WorkbenchError if the file is no project."""
        project = read_project(path)
        if not project.model_path.exists():
            raise WorkbenchError(
                f"{path}: its model {project.model_path} is not there", "put it back, or beside the project as before"
            )
        self.is_running = True
        _Steps(self, self._engine, path, project).begin()


class _Steps:
    """One opening: what has been read so far."""

    def __init__(self, opening: ProjectOpening, engine: Engine, path: Path, project: Project) -> None:
        self._opening, self._engine = opening, engine
        self._path, self._project = path, project
        self._model: ModelInfo | None = None
        self._footprint: ModelFootprint | None = None
        self._data: DataInfo | None = None
        self._notes: list[str] = []

    def begin(self) -> None:
        self._engine.request(
            "quick", "open_model", str(self._project.model_path), on_done=self._on_model, on_failed=self._on_no_model,
            on_stopped=self._give_up,
        )  # fmt: skip

    def _on_no_model(self, failure: Failed) -> None:
        self._give_up(f"its model cannot be read: {failure.text}")

    def _give_up(self, reason: str) -> None:
        self._opening.is_running = False
        self._opening.failed.emit(f"{self._path}: not opened: {reason}", "")

    def _on_model(self, info: object) -> None:
        assert isinstance(info, ModelInfo)
        self._model = info
        self._engine.request(
            "quick", "footprint", on_done=self._on_footprint, on_failed=self._on_no_model, on_stopped=self._give_up
        )

    def _on_footprint(self, footprint: object) -> None:
        assert isinstance(footprint, ModelFootprint)
        self._footprint = footprint
        data = self._project.data
        if data is None:
            self._check_recipe()
            return
        self._engine.request(
            "quick", "open_data", str(data.path), dict(data.overrides), on_done=self._on_data,
            on_failed=self._on_no_data, on_stopped=lambda _: self._check_recipe(),
        )  # fmt: skip

    def _on_data(self, info: object) -> None:
        assert isinstance(info, DataInfo)
        self._data = info
        self._check_recipe()

    def _on_no_data(self, failure: Failed) -> None:
        self._notes.append(f"it is open without samples: {failure.text}")
        self._check_recipe()

    def _check_recipe(self) -> None:
        self._engine.request(
            "quick", "plan", self._project.recipe, source=f"{self._path}, recipe",
            on_done=lambda _: self._finish(self._project.recipe), on_failed=self._on_no_recipe,
            on_stopped=lambda _: self._finish(self._project.recipe),
        )  # fmt: skip

    def _on_no_recipe(self, failure: Failed) -> None:
        self._notes.append(f"it is open without its recipe, which does not fit the model: {failure.text}")
        self._finish(Recipe())

    def _finish(self, recipe: Recipe) -> None:
        assert self._model is not None
        assert self._footprint is not None
        project = self._project
        # Other code may give other figures; they are measured anew without a word.
        is_same_tool = project.tool == tool_version()
        is_same_model = project.is_of_model(self._model)
        if not is_same_model:
            self._notes.insert(0, f"{self._model.path} has changed since it was saved, so kept figures are left out")
        is_same_data = is_same_model and self._data is not None and project.data is not None
        is_same_data = is_same_data and self._data.digest == project.data.digest  # type: ignore[union-attr] # not None
        if is_same_model and self._data is not None and not is_same_data and project.evaluations:
            self._notes.append("its samples have changed since it was saved, so kept accuracies are left out")
        opened = OpenedProject(
            self._path,
            project,
            self._model,
            self._footprint,
            self._data,
            recipe,
            project.evaluations if is_same_data and is_same_tool else (),
            project.sizes if is_same_model and is_same_tool else {},
        )
        self._opening.is_running = False
        self._opening.opened.emit(opened)
        if self._notes:
            self._opening.failed.emit(f"{self._path.name}: " + "; ".join(self._notes), "")
