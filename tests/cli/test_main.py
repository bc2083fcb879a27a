"""The command line's contract: one JSON object, exit statuses, errors as one line."""

import json
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.gui.demo_files import demo_files


@pytest.fixture
def model() -> str:
    found = demo_files()
    assert found is not None
    return str(found[0])


@pytest.fixture
def data() -> str:
    found = demo_files()
    assert found is not None
    return str(found[1])


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "r.yaml"
    path.write_text("version: 1\nrules:\n  - select: '*'\n    weights: {bits: 4}\n")
    return path


def test_inspect_prints_one_object_with_the_promised_keys(model: str, capsys: pytest.CaptureFixture[str]):
    status = main(["inspect", model, "--json"])

    value = json.loads(capsys.readouterr().out)
    assert status == 0
    assert {"sha256", "opset", "num_params", "file_bytes", "macs", "inputs", "outputs"} <= value["model"].keys()
    assert value["layers"][0].keys() >= {
        "name", "op_type", "weight_shape", "num_params", "macs", "min", "max", "mean", "std", "sparsity", "group_id",
        "prunable", "quantizable",
    }  # fmt: skip


def test_evaluate_measures_the_demo(model: str, data: str, capsys: pytest.CaptureFixture[str]):
    status = main(["evaluate", model, "--data", data, "--json"])

    value = json.loads(capsys.readouterr().out)
    assert status == 0
    assert value["figure"]["value"] >= 0.97
    assert value["figure"]["low"] < value["figure"]["value"] < value["figure"]["high"]


def test_apply_verifies_and_gives_the_same_file_twice(
    model: str, data: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    values = []
    for name in ("a.onnx", "b.onnx"):
        out = tmp_path / name
        assert main(["apply", model, "--recipe", str(recipe), "-o", str(out), "--data", data, "--json"]) == 0
        values.append(json.loads(capsys.readouterr().out))

    assert values[0]["output_sha256"] == values[1]["output_sha256"]
    assert values[0]["verified"]["ok"] is True
    assert values[0]["after"]["file_bytes"] == (tmp_path / "a.onnx").stat().st_size
    assert values[0]["preview"]["file_bytes"] == values[0]["after"]["file_bytes"]
    assert values[0]["after"]["file_bytes"] < 0.2 * values[0]["before"]["file_bytes"]


def test_nothing_is_overwritten_without_force(model: str, recipe: Path, tmp_path: Path):
    out = tmp_path / "there.onnx"
    out.write_bytes(b"precious")

    assert main(["apply", model, "--recipe", str(recipe), "-o", str(out)]) == 2
    assert out.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("version: 1\nrules:\n  - select: '*'\n    weights: {bitz: 4}\n", "line 4"),
        ("version: 1\nrules:\n  - select: nowhere\n    weights: {bits: 4}\n", "matches no layer"),
    ],
    ids=["unknown key", "no layer"],
)
def test_a_bad_recipe_is_one_line_that_names_the_place(
    model: str, tmp_path: Path, text: str, word: str, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "bad.yaml"
    path.write_text(text)

    status = main(["apply", model, "--recipe", str(path), "-o", str(tmp_path / "o.onnx")])

    error = capsys.readouterr().err.strip()
    assert status == 2
    assert error.startswith("error: ")
    assert word in error
    assert "\n" not in error
    assert not (tmp_path / "o.onnx").exists()


def test_a_missing_file_is_bad_input(capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", "nowhere.onnx"]) == 2
    assert "nowhere.onnx" in capsys.readouterr().err


def test_an_unknown_verb_is_bad_usage():
    assert main(["frobnicate"]) == 2


def test_resnet20_says_81_percent(shared_data: Path, capsys: pytest.CaptureFixture[str]):
    folder = shared_data / "models" / "cifar10"
    arguments = ["--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--limit", "1000", "--json"]

    model, data = folder / "resnet20_cifar10_opset13.onnx", folder / "cifar10_test_jpeg_halfA.zip"
    main(["evaluate", str(model), "--data", str(data), *arguments])

    value = json.loads(capsys.readouterr().out)["figure"]
    assert value["low"] < 0.81 < value["high"]
