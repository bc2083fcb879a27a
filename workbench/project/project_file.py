"""A project as a readable JSON file: what lies on the bench, and what was measured of it.

Paths are relative to the project's folder, so that project, model and samples can be moved together.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import workbench
from workbench.engine.core.errors import ProjectError, WorkbenchError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.whole_file import write_whole
from workbench.project.budgets import Budgets
from workbench.project.migrations import FORMAT, VERSION, migrate
from workbench.project.recipe_text import parse_recipe
from workbench.project.report_json import evaluation_from_json, evaluation_to_json

_LARGEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ProjectData:
    """The samples of a project.

    Args:
        overrides: preprocessing settings given by hand.
        digest: of the samples and their preprocessing, which kept evaluations hold for; "" if not known.
    """

    path: Path
    overrides: Mapping[str, object] = field(default_factory=dict, hash=False)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """What a project file says. Measurements hold for the very model and data that it names.

    Args:
        model_sha256: of the model file alone.
        calibration: samples that set ranges; None where those of `data` do.
        model_digest: of the model file and its external data; "" in files of before it was kept.
        sizes: exact bytes of the file that a recipe gives, by the recipe's digest.
        tool: that the measurements were made with.
        app_version: of the program that wrote the file; "" where it is not known.
    """

    model_path: Path
    model_sha256: str
    recipe: Recipe
    data: ProjectData | None = None
    budgets: Budgets = field(default_factory=Budgets)
    evaluations: tuple[EvaluationReport, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict, hash=False)
    notes: str = ""
    tool: str = ""
    app_version: str = workbench.__version__
    model_digest: str = ""
    calibration: ProjectData | None = None

    def is_of_model(self, model: ModelInfo) -> bool:
        """Whether the project was saved with this very model, so that its measurements hold for it."""
        # Without external data both digests are the same; with it, an old file cannot know.
        return model.digest == (self.model_digest or self.model_sha256)


def save_project(path: Path, project: Project) -> None:
    """Write a project; what was there stays until the new one is whole. Raises ExportError."""
    folder = path.absolute().parent
    values = {
        "format": FORMAT,
        "version": VERSION,
        "app_version": project.app_version,
        "model": {
            "path": _stored_path(project.model_path, folder),
            "sha256": project.model_sha256,
            "digest": project.model_digest,
        },
        "dataset": _data_to_json(project.data, folder),
        "calibration": _data_to_json(project.calibration, folder),
        "recipe": project.recipe.to_json(),
        "budgets": project.budgets.to_json(),
        "tool": project.tool,
        "measurements": list(_measurements_to_json(project)),
        "notes": project.notes,
    }
    text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
    write_whole(path, text.encode("utf-8"), force=True)


def read_project(path: Path) -> Project:
    """What a project file of any format says. Nothing that it names is opened.

    Raises:
        ProjectError: it cannot be read, or is no project.
        RecipeError: its recipe is malformed.
    """
    values = migrate(_read(path), str(path))
    try:
        return _project(values, path)
    except WorkbenchError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise ProjectError(f"{path}: not a readable project ({reason})", "choose another file") from error


def _read(path: Path) -> Mapping[str, object]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ProjectError(f"{path}: too large for a project", "choose a .wbproj file")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read ({error.strerror})", "check the path") from error
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"{path}: not a readable project ({error})", "choose another file") from error
    if not isinstance(values, dict):
        raise ProjectError(f"{path}: not a project of this program", "choose a .wbproj file")
    return values


def _project(values: Mapping[str, object], path: Path) -> Project:
    model, recipe = _object(values["model"], "model"), _object(values["recipe"], "recipe")
    data, calibration = values.get("dataset"), values.get("calibration")
    folder = path.absolute().parent
    measurements = values.get("measurements", [])
    if not isinstance(measurements, list):
        raise TypeError("measurements is no list")
    evaluations, sizes = _measurements_from_json(measurements)
    return Project(
        model_path=_real_path(model["path"], folder),
        model_sha256=str(model["sha256"]),
        recipe=parse_recipe(json.dumps(recipe), f"{path}, recipe"),
        data=_data(_object(data, "dataset"), folder) if data is not None else None,
        budgets=Budgets.from_json(_object(values.get("budgets", {}), "budgets")),
        evaluations=evaluations,
        sizes=sizes,
        notes=str(values.get("notes", "")),
        tool=str(values.get("tool", "")),
        app_version=str(values.get("app_version", "")),
        model_digest=str(model.get("digest", "")),
        calibration=_data(_object(calibration, "calibration"), folder) if calibration is not None else None,
    )


def _data_to_json(data: ProjectData | None, folder: Path) -> dict[str, object] | None:
    if data is None:
        return None
    return {"path": _stored_path(data.path, folder), "overrides": dict(data.overrides), "digest": data.digest}


def _data(values: Mapping[str, object], folder: Path) -> ProjectData:
    overrides = _object(values.get("overrides", {}), "overrides")
    return ProjectData(_real_path(values["path"], folder), dict(overrides), str(values.get("digest", "")))


def _measurements_to_json(project: Project) -> Iterator[dict[str, object]]:
    for evaluation in project.evaluations:
        # JSON has no word for an infinite figure, such as the PSNR of identical images.
        if math.isfinite(evaluation.figure.value):
            yield {"kind": "evaluation", **_finite(evaluation_to_json(evaluation))}
    for digest, size in project.sizes.items():
        yield {"kind": "size", "recipe_digest": digest, "bytes": size}


def _finite(values: dict[str, object]) -> dict[str, object]:
    def is_finite(value: object) -> bool:
        if isinstance(value, dict):
            return all(is_finite(item) for item in value.values())
        return not isinstance(value, float) or math.isfinite(value)

    return {name: value for name, value in values.items() if is_finite(value)}


def _measurements_from_json(
    measurements: list[object],
) -> tuple[tuple[EvaluationReport, ...], dict[str, int]]:
    """Evaluations and sizes. Latencies, which older programs wrote too, are of a computer that may be another one."""
    evaluations: list[EvaluationReport] = []
    sizes: dict[str, int] = {}
    for item in measurements:
        values = _object(item, "measurement")
        if values["kind"] == "evaluation":
            evaluations.append(evaluation_from_json(values))
        elif values["kind"] == "size":
            size = values["bytes"]
            if isinstance(size, bool) or not isinstance(size, int):
                raise TypeError(f"{size!r} is no number of bytes")
            sizes[str(values["recipe_digest"])] = size
    return tuple(evaluations), sizes


def _object(values: object, name: str) -> Mapping[str, object]:
    if not isinstance(values, dict):
        raise TypeError(f"{name} is no object")
    return values


def _stored_path(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.absolute(), folder)).as_posix()
    except ValueError:
        # Another drive, on Windows.
        return path.absolute().as_posix()


def _real_path(stored: object, folder: Path) -> Path:
    if not isinstance(stored, str) or not stored:
        raise TypeError("a path is missing")
    return Path(os.path.normpath(folder / stored))
