"""The road of a plugin's format, from the command line to the file."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from workbench.cli.main import main


def _answers(path: Path, images: np.ndarray, *, as_written: bool = False) -> np.ndarray:
    """What onnxruntime answers; as written: node by node, as a model in its own format is run."""
    options = onnxruntime.SessionOptions()
    if as_written:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


@pytest.fixture
def images(data: str) -> np.ndarray:
    return np.load(data)["x"][:50].transpose(0, 3, 1, 2).astype(np.float32) / 255


def test_a_model_is_written_as_ort_and_answers_as_before(
    model: str, tmp_path: Path, images: np.ndarray, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "digits.ort"

    assert main(["export", model, "--to", "ort", "-o", str(out), "--json"]) == 0

    value = json.loads(capsys.readouterr().out)
    assert (value["format"], value["output"], value["plan"]) == ("ort", str(out), [])
    assert value["file_bytes"] == out.stat().st_size
    np.testing.assert_allclose(_answers(out, images), _answers(Path(model), images), atol=1e-5)


def test_with_a_recipe_it_is_the_compressed_model(
    model: str, recipe: Path, tmp_path: Path, images: np.ndarray, capsys: pytest.CaptureFixture[str]
):
    small, out = tmp_path / "small.onnx", tmp_path / "small.ort"
    main(["apply", model, "--recipe", str(recipe), "-o", str(small)])
    capsys.readouterr()

    assert main(["export", model, "--to", "ort", "--recipe", str(recipe), "-o", str(out)]) == 0

    printed = capsys.readouterr().out
    assert "hidden" in printed
    # The plan's notes are of the ONNX file; this format stores weights unpacked.
    before, after = Path(model).stat().st_size / 1000, out.stat().st_size / 1000
    assert after > before
    assert (
        f"note: in this format it takes more bytes than the original, {after:.1f} kB instead of {before:.1f}" in printed
    )
    np.testing.assert_allclose(_answers(out, images), _answers(small, images), atol=1e-5)


_WITH_RANGES = "version: 1\nrules:\n  - select: '*'\n    activations: {bits: 8}\n    weights: {bits: 8}\n"


def test_samples_set_ranges_as_they_do_for_apply(
    model: str, data: str, tmp_path: Path, images: np.ndarray, capsys: pytest.CaptureFixture[str]
):
    recipe, small, out = tmp_path / "r.yaml", tmp_path / "small.onnx", tmp_path / "small.ort"
    recipe.write_text(_WITH_RANGES)
    assert main(["apply", model, "--recipe", str(recipe), "--data", data, "-o", str(small), "--json"]) == 0
    applied = json.loads(capsys.readouterr().out)

    arguments = ["export", model, "--to", "ort", "--recipe", str(recipe), "-o", str(out), "--json"]
    assert main([*arguments, "--calibration", data]) == 0

    exported = json.loads(capsys.readouterr().out)
    assert exported["plan"] == applied["plan"]
    assert "activations 8 bit" in exported["plan"][0]["done"]
    np.testing.assert_allclose(_answers(out, images), _answers(small, images, as_written=True), atol=1e-5)


def test_how_samples_are_made_ready_is_said_and_can_be_given(
    model: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    bare, recipe = tmp_path / "bare.npz", tmp_path / "r.yaml"
    bare.write_bytes(Path(data).read_bytes())
    recipe.write_text(_WITH_RANGES)
    arguments = ["export", model, "--to", "ort", "--recipe", str(recipe), "-o", str(tmp_path / "o.ort"), "--json"]

    assert main([*arguments, "--data", str(bare), "--mean", "0"]) == 0

    assert json.loads(capsys.readouterr().out)["guessed"] == {"scale": 1 / 255, "std": [1.0], "layout": "nchw"}


def test_a_recipe_of_which_nothing_can_be_done_is_not_exported(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    recipe, out = tmp_path / "r.yaml", tmp_path / "o.ort"
    recipe.write_text("version: 1\nrules:\n  - select: '*'\n    activations: {bits: 8}\n")

    assert main(["export", model, "--to", "ort", "--recipe", str(recipe), "-o", str(out)]) == 1

    assert capsys.readouterr().out.splitlines()[-1] == f"nothing of {recipe} could be done: {out} is not written"
    assert not out.exists()


def test_samples_that_nothing_needs_are_said_to_be_unused(
    model: str, data: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["export", model, "--to", "ort", "--recipe", str(recipe), "-o", str(tmp_path / "o.ort")]

    assert main([*arguments, "--data", data]) == 0

    assert "note: the samples are not used: nothing that is done needs any" in capsys.readouterr().out


def test_a_format_that_nobody_writes_names_those_there_are(model: str, tmp_path: Path, error_of):
    error = error_of("export", model, "--to", "tflite", "-o", tmp_path / "o.tflite")

    assert "no plugin exports to 'tflite'; there is: ort" in error
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_overwritten_by_force_alone(model: str, tmp_path: Path, error_of):
    out = tmp_path / "o.ort"
    out.write_bytes(b"precious")

    assert "already exists" in error_of("export", model, "--to", "ort", "-o", out)
    assert out.read_bytes() == b"precious"
    assert main(["export", model, "--to", "ort", "-o", str(out), "--force"]) == 0
    assert out.read_bytes() != b"precious"


def test_the_model_is_never_overwritten(model: str, tmp_path: Path, error_of):
    copied = tmp_path / "m.onnx"
    copied.write_bytes(Path(model).read_bytes())

    error = error_of("export", copied, "--to", "ort", "-o", copied, "--force")

    assert "is one of the files that are read" in error
