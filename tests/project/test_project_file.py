import json
import resource
from pathlib import Path

import pytest

from workbench.engine.core.errors import ExportError, ProjectError, RecipeError
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Prune, Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.project.budgets import Budgets
from workbench.project.project_file import Project, ProjectData, read_project, save_project

_STORED = Path(__file__).parents[1] / "data" / "projects"
_RECIPE = Recipe().with_rule("hidden", weights=WeightRule(bits=3))
_PHONE = "oneplus-7t/ncnn/cpu-4t"
_SHA = "5f0e2f3a8f4f2f6f0a8f5d1b1c9f6f8b0b0c7d5e4a3f2e1d0c9b8a7f6e5d4c3b"


def _project(folder: Path) -> Project:
    figure = Figure(0.975, "fraction", Origin.MEASURED, 0.96, 0.985, 597)
    difference = Figure(-0.005, "fraction", Origin.MEASURED, -0.02, 0.01, 597)
    return Project(
        model_path=folder / "nets" / "digits.onnx",
        model_sha256="ab" * 32,
        recipe=_RECIPE.with_rule("*", prune=Prune("weights", sparsity=0.25, scope="global")),
        data=ProjectData(folder / "samples.npz", {"mean": [0.5], "layout": "nchw"}, "d1"),
        budgets=Budgets(accuracy=0.97, latency_ms=2.5, device_ms={_PHONE: 5.5, "my-phone": 0.0}),
        evaluations=(EvaluationReport("top1", figure, 597, 597, 0.25, "r1", figure, difference),),
        sizes={"r1": 30123},
        notes="ä note",
        tool="workbench 0.1.0, onnxruntime 1.20",
        model_digest="cd" * 32,
        calibration=ProjectData(folder / "more" / "calibration.npz", {"layout": "nchw"}, "c1"),
    )


def test_a_project_reads_back_as_it_was_saved(tmp_path: Path):
    project = _project(tmp_path)

    save_project(tmp_path / "p.wbproj", project)

    assert read_project(tmp_path / "p.wbproj") == project


def test_paths_are_relative_so_that_a_folder_can_be_moved(tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    save_project(old / "p.wbproj", _project(old))

    old.rename(new)

    assert read_project(new / "p.wbproj").model_path == new / "nets" / "digits.onnx"
    assert json.loads((new / "p.wbproj").read_text())["model"]["path"] == "nets/digits.onnx"


def test_a_file_of_the_first_format_is_still_read():
    project = read_project(_STORED / "format_1.wbproj")

    assert project.model_path == Path("/nets/digits.onnx")
    assert project.model_sha256 == _SHA
    assert project.recipe == _RECIPE
    assert project.data == ProjectData(Path("/samples/digits.npz"))
    assert project.budgets == Budgets()
    assert project.evaluations == ()


def test_a_file_of_the_second_format_is_still_read():
    project = read_project(_STORED / "format_2.wbproj")

    assert project.model_path == _STORED.parent / "nets" / "digits.onnx"
    assert project.recipe == _RECIPE
    assert project.data is not None
    assert project.data.overrides == {"scale": 0.0625, "mean": [0.5]}
    assert project.budgets == Budgets(accuracy=0.97, size_bytes=40000)
    assert project.evaluations[0].figure == Figure(0.975, "fraction", Origin.MEASURED, 0.96, 0.985, 597)
    assert len(project.evaluations) == 1
    assert project.sizes == {"r1": 30123}
    assert project.notes == "for the meeting"
    assert project.app_version == "0.1.0"
    assert project.calibration is None


def _changed(**changes: object) -> str:
    return json.dumps(json.loads((_STORED / "format_2.wbproj").read_text()) | changes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("{", "not a readable project", id="no JSON"),
        pytest.param("[" * 100_000, "not a readable project", id="nested too deep"),
        pytest.param("[]", "not a project of this program", id="a list"),
        pytest.param('{"version": 7}', "project format 7 is newer than this program, which reads up to 3", id="newer"),
        pytest.param('{"version": true}', "not a project of this program", id="no number"),
        pytest.param('{"format": 1}', "the recipe is missing", id="first format without a recipe"),
        pytest.param(_changed(model=None), "model is no object", id="no model"),
        pytest.param(_changed(model={"path": "a.onnx"}), "'sha256' is missing", id="no digest"),
        pytest.param(_changed(model={"path": 3, "sha256": ""}), "a path is missing", id="path is a number"),
        pytest.param(_changed(measurements=[{"kind": "evaluation"}]), "'metric' is missing", id="half a measurement"),
        pytest.param(_changed(measurements=[{"kind": "size", "bytes": "x"}]), "no number of bytes", id="size is text"),
        pytest.param(_changed(budgets={"accuracy": "x"}), "accuracy cannot be 'x'", id="budget is text"),
        pytest.param(_changed(budgets={"device_ms": 5}), "device_ms cannot be 5", id="budget of no device"),
        pytest.param(
            _changed(budgets={"device_ms": {"a-phone": -1}}),
            "device_ms of a-phone cannot be -1",
            id="negative budget of a device",
        ),
    ],
)
def test_what_is_no_project_is_one_clear_line(tmp_path: Path, text: str, says: str):
    path = tmp_path / "p.wbproj"
    path.write_text(text)

    with pytest.raises(ProjectError) as caught:
        read_project(path)

    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_key_in_the_recipe_is_named(tmp_path: Path):
    path = tmp_path / "p.wbproj"
    path.write_text(_changed(recipe={"version": 1, "rulez": []}))

    with pytest.raises(RecipeError, match="rulez"):
        read_project(path)


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path):
    with pytest.raises(ProjectError, match="cannot be read"):
        read_project(tmp_path / "p.wbproj")


def test_a_save_on_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path):
    path = tmp_path / "p.wbproj"
    path.write_text("the old one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(ExportError, match="cannot be written"):
            save_project(path, _project(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert path.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_save_into_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path):
    with pytest.raises(ExportError, match="cannot be written"):
        save_project(tmp_path / "gone" / "p.wbproj", _project(tmp_path))


def test_figures_that_json_cannot_hold_are_left_out(tmp_path: Path):
    infinite = Figure(float("inf"), "dB", Origin.MEASURED, n=3)
    kept = Figure(0.5, "fraction", Origin.MEASURED, n=3)
    project = Project(
        tmp_path / "a.onnx",
        "ab",
        Recipe(),
        evaluations=(
            EvaluationReport("psnr", infinite, 3, 3, 0.1),
            EvaluationReport("top1", kept, 3, 3, 0.1, kl_divergence=infinite),
        ),
    )

    save_project(tmp_path / "p.wbproj", project)

    assert read_project(tmp_path / "p.wbproj").evaluations == (EvaluationReport("top1", kept, 3, 3, 0.1),)
