"""Bad input is one clear line, status 2, and nothing half-written."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from PIL import Image

_ROOT = Path(__file__).resolve().parents[2]


def _jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    return buffer.getvalue()


def _npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def _archive(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}/{name}.jpg", content)
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"", "is empty"), (_jpeg(), "not an ONNX model"), (b"\0" * 99, "nothing but zeros"),
     (b"half", "cut off")],
    ids=["missing", "empty", "a JPEG", "zeros", "cut off"],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["inspect", "evaluate", "against", "apply"])
def test_a_file_that_is_no_model_is_named(
    verb: str, content: bytes | None, words: str, model: str, data: str, recipe: Path, tmp_path: Path, error_of
):
    bad = tmp_path / "bad.onnx"
    if content is not None:
        whole = Path(model).read_bytes()
        bad.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)

    error = {
        "inspect": lambda: error_of("inspect", bad),
        "evaluate": lambda: error_of("evaluate", bad, "--data", data),
        "against": lambda: error_of("evaluate", model, "--data", data, "--against", bad),
        "apply": lambda: error_of("apply", bad, "--recipe", recipe, "-o", tmp_path / "o.onnx"),
    }[verb]()

    assert str(bad) in error
    assert words in error or verb == "against"
    assert not (tmp_path / "o.onnx").exists()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda at: at / "nowhere", "no such file"),
        (lambda at: _npz(at / "d.npz", x=np.zeros((4, 9, 7), np.float32), y=np.zeros(4)), "samples become 9×7"),
        (lambda at: _npz(at / "d.npz", x=np.zeros((4, 8, 8, 1), np.uint8), y=[0, 1, 12, 3]), "sample 2 has label 12"),
        (lambda at: _npz(at / "d.npz", x=np.zeros((4, 8, 8, 1), np.uint8), y=[0, -1, 2, 3]), "sample 1 has label -1"),
        (lambda at: _npz(at / "d.npz", x=np.zeros((4, 8, 8, 1), np.uint8), y=[0]), "1 entries in 'y'"),
        (lambda at: _npz(at / "d.npz", x=np.zeros((4, 8, 8, 1), np.uint8)), "has no labels"),
        (lambda at: _archive(at / "d.zip", a=_jpeg(), b=_jpeg()[:90]), "b/b.jpg is no readable image"),
        (lambda at: _archive(at / "d.zip"), "holds no images"),
    ],
    ids=["missing", "size", "label above", "label below", "too few labels", "no labels", "image cut off", "no images"],
)
def test_samples_that_do_not_fit_are_named(make, words: str, model: str, tmp_path: Path, error_of):
    path = make(tmp_path)

    error = error_of("evaluate", model, "--data", path)

    assert str(path) in error
    assert words in error


@pytest.mark.parametrize(
    ("name", "words"),
    [("o.ort", "use `workbench export --to ort`"), ("o.tflite", "the ending .onnx"), ("o", "the ending .onnx")],
)
def test_onnx_is_not_written_under_the_name_of_another_format(
    name: str, words: str, model: str, recipe: Path, tmp_path: Path, error_of
):
    error = error_of("apply", model, "--recipe", recipe, "-o", tmp_path / name)

    assert f"{tmp_path / name}: what is written is an ONNX model" in error
    assert words in error
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--metric", "best"], "--metric: metric cannot be 'best'; give one of top1, top5, psnr, agreement"),
        (["--metric", "agreement"], "a model agrees with itself"),
        (["--resize", "wide"], "a number of pixels"),
        (["--scale", "1/0"], "a number such as 0.5 or 1/255"),
        (["--std", "0"], "none of them 0"),
        (["--std", "0,1"], "std cannot be '0, 1'"),
        (["--labels-offset", "one"], "a whole number"),
        (["--limit", "0"], "see `workbench evaluate --help`"),
        (["--limit", "0"], "'--limit'"),
        (["--colour", "red"], "'--colour'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_bad_option_says_what_would_do(arguments: list[str], words: str, model: str, data: str, error_of):
    assert words in error_of("evaluate", model, "--data", data, *arguments)


def test_a_limit_of_samples_that_are_not_given_is_bad_usage(model: str, recipe: Path, tmp_path: Path, error_of):
    error = error_of("apply", model, "--recipe", recipe, "-o", tmp_path / "o.onnx", "--limit", "9")

    assert "--limit says on how many samples of --data" in error


def _network(path: Path, graph: str) -> Path:
    onnx.save(onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 13]> m {graph}'), path)
    return path


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ("(float[N,64] x) => (float[N,64] y) { y = Identity(x) }", "its input takes N × 64, that of the first model"),
        ("(float[N,1,8,8] x, float[N] z) => (float[N] y) { y = Identity(z) }", "takes 2 inputs, the first model 1"),
    ],
    ids=["another rank", "another number"],
)
def test_a_model_to_compare_with_must_take_the_same_samples(
    graph: str, words: str, model: str, data: str, tmp_path: Path, error_of
):
    other = _network(tmp_path / "other.onnx", graph)

    error = error_of("evaluate", model, "--data", data, "--against", other)

    assert f"{other}: {words}" in error


_RULE = "version: 1\nrules:\n  - select: '*'\n    "


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (_RULE + "weights: {bitz: 4}\n", "line 4"),
        (_RULE + "weights: {bits: four}\n", "line 4"),
        (_RULE + "prune: {kind: weights, threshold: .nan}\n", "line 4"),
        (_RULE + "prune: {kind: filters, ratio: 0.5, criterion: ''}\n", "line 3: criterion '' is not known"),
        ("version: 1\nrules:\n  - select: nowhere\n    weights: {bits: 4}\n", "matches no layer"),
        ("version: 1\nrules: [\n", "not YAML"),
        ("", "is empty"),
        ("\xff", "matches no layer|a mapping"),
    ],
    ids=["unknown key", "wrong type", "not a number", "no criterion", "no layer", "not YAML", "empty", "no mapping"],
)
def test_a_bad_recipe_is_one_line_that_names_the_place(text: str, words: str, model: str, tmp_path: Path, error_of):
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")

    error = error_of("apply", model, "--recipe", path, "-o", tmp_path / "o.onnx")

    assert str(path) in error
    assert any(word in error for word in words.split("|"))
    assert not (tmp_path / "o.onnx").exists()


def test_a_recipe_that_is_no_text_is_named(model: str, tmp_path: Path, error_of):
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"\xff\xfe")

    assert error_of("apply", model, "--recipe", path, "-o", tmp_path / "o.onnx").startswith(
        f"error: {path}: is no text"
    )


def test_a_missing_recipe_is_named(model: str, tmp_path: Path, error_of):
    error = error_of("apply", model, "--recipe", tmp_path / "no.yaml", "-o", tmp_path / "o.onnx")

    assert "no.yaml: cannot be read (No such file or directory)" in error


def test_a_model_without_weights_has_no_layer_for_a_rule(recipe: Path, tmp_path: Path, error_of):
    path = _network(tmp_path / "relu.onnx", "(float[N,3] x) => (float[N,3] y) { y = Relu(x) }")

    error = error_of("apply", path, "--recipe", recipe, "-o", tmp_path / "o.onnx")

    assert f"matches no layer, as {path} has none" in error
    assert "LSTM, GRU or RNN" in error
    assert not (tmp_path / "o.onnx").exists()


def test_an_output_without_a_folder_is_refused_before_anything_is_read(tmp_path: Path, error_of):
    out = tmp_path / "no" / "o.onnx"

    assert f"no folder {tmp_path / 'no'}" in error_of("apply", "no.onnx", "--recipe", "no.yaml", "-o", out)


def test_a_folder_is_no_output(model: str, recipe: Path, tmp_path: Path, error_of):
    assert "is a folder" in error_of("apply", model, "--recipe", recipe, "-o", tmp_path, "--force")


@pytest.mark.parametrize("which", ["model", "recipe", "link to the model"])
def test_what_is_read_is_never_overwritten(which: str, model: str, recipe: Path, tmp_path: Path, error_of):
    copied = tmp_path / "m.onnx"
    copied.write_bytes(Path(model).read_bytes())
    link = tmp_path / "link.onnx"
    link.symlink_to(copied)
    out = {"model": copied, "recipe": recipe, "link to the model": link}[which]
    before = out.read_bytes()

    assert "is one of the files that are read" in error_of("apply", copied, "--recipe", recipe, "-o", out, "--force")
    assert out.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(model: str, recipe: Path, tmp_path: Path, error_of):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)

    assert "cannot be written to" in error_of("apply", model, "--recipe", recipe, "-o", folder / "o.onnx")


_WITH_LITTLE_SPACE = """
import resource, sys
from workbench.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of file sizes")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(model: str, recipe: Path, tmp_path: Path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "o.onnx").write_bytes(b"precious")
    arguments = ["apply", model, "--recipe", str(recipe), "-o", str(folder / "o.onnx"), "--force"]

    done = subprocess.run(
        [sys.executable, "-c", _WITH_LITTLE_SPACE, *arguments],
        env={**os.environ, "PYTHONPATH": str(_ROOT)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 2
    assert "o.onnx: cannot be written (File too large)" in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"o.onnx": b"precious"}


def test_a_reader_that_stops_reading_is_no_error(model: str):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "workbench", "inspect", model],
            env={**os.environ, "PYTHONPATH": str(_ROOT)}, stdout=writer, stderr=subprocess.PIPE,
            check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(writer)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(("more", "shows"), [([], False), (["--traceback"], True)], ids=["plain", "with traceback"])
def test_a_fault_of_the_program_is_one_line_and_says_how_to_see_more(
    more: list[str], shows: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail(*_: object) -> None:
        raise LookupError("lost")

    monkeypatch.setattr("workbench.session.Session.open_model", fail)

    from workbench.cli.main import main

    assert main([*more, "inspect", "m.onnx"]) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("error: LookupError: lost; this is a fault of the program")
    assert ("Traceback" in error) == shows


def test_a_verb_that_is_none_is_bad_usage(error_of):
    assert "No such command 'frobnicate'" in error_of("frobnicate")
