"""What is copied does what is on the bench: it is executed here."""

import json
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.engine.core.recipe import Calibration, Recipe, WeightRule
from workbench.gui.script_text import as_command, as_python
from workbench.project.recipe_text import parse_recipe

_OVERRIDES = {"scale": "1/16", "mean": ["0.25"], "labels_offset": "0", "resize": [8, 8], "metric": "top5"}


@pytest.fixture
def demo(demo_folder: Path, tmp_path: Path) -> tuple[str, str]:
    """The demo's model and samples in a folder whose name needs care."""
    folder = tmp_path / 'it\'s a "folder"'
    folder.mkdir()
    return tuple(str(shutil.copy(demo_folder / name, folder)) for name in ("digits.onnx", "digits.npz"))


def test_the_command_writes_the_recipe_that_is_on_the_bench(tmp_path: Path):
    recipe = Recipe().with_rule("it's", weights=WeightRule(bits=4))

    first, second = as_command("/m/net one.onnx", "/d/x.npz", recipe, {}).splitlines()
    subprocess.run(["sh", "-c", first], cwd=tmp_path, check=True)

    assert json.loads((tmp_path / "recipe.yaml").read_text()) == recipe.to_json()
    assert second == (
        "workbench apply '/m/net one.onnx' --recipe recipe.yaml -o '/m/net one.compressed.onnx' --data /d/x.npz"
    )


def test_the_command_prepares_the_samples_as_the_bench_does(
    demo: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opened: list[object] = []
    monkeypatch.setattr("workbench.session.Session.open_data", lambda self, path, given, ctx=None: opened.append(given))
    monkeypatch.chdir(tmp_path)
    recipe = Recipe().with_rule("hidden", weights=WeightRule(bits=4))

    first, second = as_command(*demo, recipe, {**_OVERRIDES, "labels_offset": -1}).splitlines()
    subprocess.run(["sh", "-c", first], check=True)

    assert main(shlex.split(second)[1:]) == 0
    assert opened == [{**_OVERRIDES, "labels_offset": "-1", "resize": "8x8"}]


def test_the_script_does_what_is_on_the_bench(demo: tuple[str, str]):
    recipe = Recipe().with_rule("hidden", weights=WeightRule(bits=4))
    done: dict[str, object] = {}

    exec(compile(as_python(*demo, recipe, _OVERRIDES), "script", "exec"), done)

    assert Path(demo[0]).with_name("digits.compressed.onnx").is_file()
    assert done["recipe"] == recipe
    assert done["report"].metric == "top5"
    assert done["report"].data.preprocessing.mean == (0.25,)


def test_command_and_script_calibrate_as_the_bench_does(
    demo: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opened: list[object] = []
    monkeypatch.setattr(
        "workbench.session.Session.open_calibration",
        lambda self, path, given=None, ctx=None: opened.append((path, given)),
    )
    monkeypatch.chdir(tmp_path)
    # Samples for one model are made ready in one way, whatever they are for.
    given = {"scale": "1/16"}
    recipe = replace(Recipe().with_rule("hidden", weights=WeightRule(bits=4)), calibration=Calibration(32, 7))
    output = Path(demo[0]).with_name("digits.compressed.onnx")
    done: dict[str, object] = {}

    first, second = as_command(*demo, recipe, given, "/d/own.npz").splitlines()
    subprocess.run(["sh", "-c", first], check=True)
    status = main(shlex.split(second)[1:])
    output.unlink()
    exec(compile(as_python(*demo, recipe, given, "/d/own.npz"), "script", "exec"), done)

    assert status == 0
    assert opened == [(Path("/d/own.npz"), given)] * 2
    assert parse_recipe((tmp_path / "recipe.yaml").read_text()).calibration == Calibration(32, 7)
    assert done["recipe"].calibration == Calibration(32, 7)


@pytest.mark.parametrize("name", ['a"b', "a\\b", '"""', "ä\n"])
def test_a_layer_of_any_name_is_the_same_in_the_script(name: str, monkeypatch: pytest.MonkeyPatch):
    exported: list[Recipe] = []

    class Session:
        def open_model(self, path: Path) -> None: ...

        def export(self, recipe: Recipe, path: Path) -> None:
            exported.append(recipe)

    monkeypatch.setattr("workbench.session.Session", Session)
    recipe = Recipe().with_rule(name, weights=WeightRule(bits=4))

    exec(compile(as_python("/m/net.onnx", None, recipe, {}), "script", "exec"), {})

    assert exported == [recipe]
