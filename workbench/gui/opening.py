"""Reading what a person opens: a model, samples, a recipe, a project. Nothing is laid on the bench here."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.gui.engine import Engine
from workbench.gui.one_opening import OneOpening
from workbench.gui.project_opening import ProjectOpening
from workbench.project.recipe_text import parse_recipe
from workbench.worker.messages import Failed


class Opening(QObject):
    """Says what was read when all of it is read, and `failed(text, details)` where it is not.

    Signals:
        model_read: (ModelInfo)
        footprint_read: (ModelFootprint), of the model that was read last.
        data_read: (DataInfo, settings given by hand)
        recipe_read: (Recipe, what the step is called)
        project_read: (OpenedProject)
        model_refused: the model is none, or that of the project is not.
        data_refused: (path, reason)
    """

    model_read = Signal(object)
    footprint_read = Signal(object)
    data_read = Signal(object, object)
    recipe_read = Signal(object, str)
    project_read = Signal(object)
    model_refused = Signal()
    data_refused = Signal(object, str)
    failed = Signal(str, str)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.one = OneOpening(engine, self)
        self._project = ProjectOpening(self.one, self)
        self._project.opened.connect(self.project_read)
        self._project.refused.connect(self.model_refused)
        self._project.failed.connect(self.failed)

    def open_model(self, path: str | Path) -> None:
        """Read a model."""

        def on_stopped(why: str) -> None:
            self._on_model_refused(Failed(0, f"{path}: not opened: {why}"))

        self.one.ask(
            Path(path), "open_model", str(path),
            on_done=self._on_model, on_failed=self._on_model_refused, on_stopped=on_stopped, replaces_model=True,
        )  # fmt: skip

    def open_data(self, path: str | Path, overrides: Mapping[str, object] | None = None) -> None:
        """Read samples, and check that they fit the model."""
        values = dict(overrides or {})

        def on_failed(failure: Failed) -> None:
            self.data_refused.emit(Path(path), failure.text)
            self._on_failed(failure)

        self.one.ask(
            Path(path), "open_data", str(path), values,
            on_done=lambda info: self.data_read.emit(info, values), on_failed=on_failed,
        )  # fmt: skip

    def open_recipe(self, path: str | Path) -> None:
        """Read a recipe, and check that it fits the model.

        Raises:
            WorkbenchError: the file holds no recipe.
        """
        path = Path(path)
        try:
            recipe = parse_recipe(path.read_text(encoding="utf-8"), str(path))
        except UnicodeDecodeError as error:
            raise WorkbenchError(f"{path}: is no text", "choose a recipe, a .yaml file") from error
        self.one.ask(
            path, "plan", recipe, source=str(path),
            on_done=partial(self._on_recipe, path, recipe), on_failed=self._on_failed,
        )  # fmt: skip

    def open_project(self, path: str | Path) -> None:
        """Read a project with what it names.

        Raises:
            WorkbenchError: the file is no project, or its model is not there.
        """
        self._project.open(Path(path))

    def _on_model(self, info: object) -> None:
        self.model_read.emit(info)
        self._engine.request("quick", "footprint", on_done=self.footprint_read.emit, on_failed=self._on_failed)

    def _on_model_refused(self, failure: Failed) -> None:
        self.model_refused.emit()
        self._on_failed(failure)

    def _on_recipe(self, path: Path, recipe: Recipe, plan: object) -> None:
        self.recipe_read.emit(recipe, f"Open {path.name}")
        if isinstance(plan, Plan) and not plan.is_changed:
            self.failed.emit(f"{path.name}: {plan.remarks[0]}", "")

    def _on_failed(self, failure: Failed) -> None:
        self.failed.emit(failure.text, failure.details)
