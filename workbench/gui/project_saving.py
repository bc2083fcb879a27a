"""Saving the bench as a project, and whether there is anything left to save."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.reports import DataInfo
from workbench.engine.core.whole_file import write_whole
from workbench.gui.bench import Bench
from workbench.gui.calibration_data import CalibrationData
from workbench.gui.known_figures import KnownFigures
from workbench.project.project_file import Project, ProjectData, save_project
from workbench.project.recipe_text import format_recipe
from workbench.project.tool_version import tool_version


class ProjectSaving(QObject):
    """Knows the project's file. `saved_changed` when it is another, or when something else may be unsaved."""

    saved_changed = Signal()

    def __init__(
        self, bench: Bench, calibration: CalibrationData, figures: KnownFigures, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._bench = bench
        self._calibration = calibration
        self._figures = figures
        self._saved_data: tuple[object, ...] = ()
        self.project_path: Path | None = None

    @property
    def is_modified(self) -> bool:
        """Whether there is anything that a project file would keep and does not hold yet."""
        if not self._bench.undo_stack.isClean():
            return True
        return self.project_path is not None and self._saved_data != self._data_now()

    def save_recipe(self, path: str | Path) -> None:
        """Write the recipe as text. Raises ExportError."""
        write_whole(Path(path), format_recipe(self._bench.recipe).encode("utf-8"), force=True)

    def save_project(self, path: str | Path) -> None:
        """Write what lies on the bench as a project. Raises ExportError; then nothing counts as saved."""
        path = Path(path)
        save_project(path, self._project())
        self.mark_saved(path)

    def mark_saved(self, path: Path | None) -> None:
        """The bench is as this project's file has it; None for a bench of no project, with nothing to save."""
        self.project_path = path
        self._saved_data = self._data_now()
        self._bench.undo_stack.setClean()
        self.saved_changed.emit()

    def _project(self) -> Project:
        bench, figures, calibration = self._bench, self._figures, self._calibration
        assert bench.model is not None
        return Project(
            model_path=Path(bench.model.path),
            model_sha256=bench.model.sha256,
            recipe=bench.recipe,
            data=_project_data(bench.dataset, bench.data_overrides),
            calibration=_project_data(calibration.info, calibration.overrides),
            budgets=bench.budgets,
            evaluations=figures.evaluations,
            sizes=figures.sizes,
            notes=bench.notes,
            tool=tool_version(),
            model_digest=bench.model.digest,
        )

    def _data_now(self) -> tuple[object, ...]:
        data, calibration = self._bench.dataset, self._calibration
        evaluated = (data.path, self._bench.data_overrides) if data is not None else ()
        return (*evaluated, calibration.info.path, calibration.overrides) if calibration.info is not None else evaluated


def _project_data(info: DataInfo | None, overrides: Mapping[str, object]) -> ProjectData | None:
    return ProjectData(Path(info.path), dict(overrides), info.digest) if info is not None else None
