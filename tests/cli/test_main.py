"""The command line's contract: one JSON object, exit statuses, errors as one line."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.jobs import JobContext


def test_inspect_prints_one_object_with_the_promised_keys(model: str, capsys: pytest.CaptureFixture[str]):
    status = main(["inspect", model, "--json"])

    value = json.loads(capsys.readouterr().out)
    assert status == 0
    assert {"sha256", "opset", "num_params", "file_bytes", "macs", "inputs", "outputs"} <= value["model"].keys()
    assert value["layers"][0].keys() >= {
        "name", "op_type", "weight_shape", "num_params", "macs", "min", "max", "mean", "std", "sparsity", "group_id",
        "prunable", "quantizable",
    }  # fmt: skip


def test_inspect_says_what_goes_in_and_comes_out(model: str, capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", model, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)["model"]
    assert main(["inspect", model]) == 0

    lines = capsys.readouterr().out.splitlines()
    for word in ("input", "output"):
        (item,) = value[f"{word}s"]
        assert f"{word} {item['name']}: float {'×'.join(map(str, item['shape']))}" in lines


def test_evaluate_measures_the_demo(model: str, data: str, capsys: pytest.CaptureFixture[str]):
    status = main(["evaluate", model, "--data", data, "--json"])

    value = json.loads(capsys.readouterr().out)
    assert status == 0
    assert value["figure"]["value"] >= 0.97
    assert value["figure"]["low"] < value["figure"]["value"] < value["figure"]["high"]


def test_figures_for_people_have_their_intervals(
    model: str, data: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "small.onnx"

    assert main(["apply", model, "--recipe", str(recipe), "-o", str(out), "--data", data]) == 0
    applied = capsys.readouterr().out
    assert main(["evaluate", str(out), "--data", data, "--against", model]) == 0

    lines = [line for line in applied.splitlines() if line.startswith(("Accuracy", "difference"))]
    lines += [line for line in capsys.readouterr().out.splitlines() if line.startswith(("top1", "diff", "same"))]
    assert [line.count("(95 %: ") for line in lines] == [2, 1, 1, 1, 1]


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


def test_apply_calls_a_figure_by_its_metric(
    model: str, data: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["apply", model, "--recipe", str(recipe), "--data", data]

    assert main([*arguments, "-o", str(tmp_path / "a.onnx"), "--metric", "top5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metric"] == "top5"
    assert main([*arguments, "-o", str(tmp_path / "b.onnx"), "--metric", "agreement"]) == 0

    printed = capsys.readouterr().out
    assert "Agreement with the original" in printed
    assert "accuracy" not in printed.lower()


def test_apply_measures_on_so_many_samples_as_asked_and_says_how_many(
    model: str, data: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["apply", model, "--recipe", str(recipe), "--data", data, "--limit", "100"]

    assert main([*arguments, "-o", str(tmp_path / "a.onnx"), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert main([*arguments, "-o", str(tmp_path / "b.onnx")]) == 0

    assert [value[side]["accuracy"]["n"] for side in ("before", "after")] == [100, 100]
    # The file is compared with the preview on all of them.
    assert value["verified"]["samples"] == 597
    assert "Accuracy (top1), n = 100 " in capsys.readouterr().out


def test_the_limited_samples_are_those_of_evaluate(
    model: str, data: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["--data", data, "--limit", "50", "--json"]

    assert main(["apply", model, "--recipe", str(recipe), "-o", str(tmp_path / "a.onnx"), *arguments]) == 0
    applied = json.loads(capsys.readouterr().out)["before"]["accuracy"]
    assert main(["evaluate", model, *arguments]) == 0

    assert json.loads(capsys.readouterr().out)["figure"] == applied


def test_without_data_apply_says_that_random_inputs_were_compared(
    model: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["apply", model, "--recipe", str(recipe), "-o", str(tmp_path / "a.onnx"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"]["is_random"] is True
    assert main(["apply", model, "--recipe", str(recipe), "-o", str(tmp_path / "b.onnx")]) == 0

    printed = capsys.readouterr().out
    assert "verified: 8 random inputs in a fresh process" in printed
    assert "samples" not in printed


_NO_SAMPLES = "activations stay float: their ranges need samples, and none are given"


def test_a_recipe_of_which_nothing_can_be_done_writes_nothing_and_exits_1(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    recipe, out = tmp_path / "r.yaml", tmp_path / "o.onnx"
    recipe.write_text("version: 1\nrules:\n  - select: '*'\n    activations: {bits: 8}\n")

    assert main(["apply", model, "--recipe", str(recipe), "-o", str(out)]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"nothing of {recipe} could be done: {out} is not written"
    assert f"note: nothing was changed: {_NO_SAMPLES}" in lines
    assert not out.exists()


def test_and_in_the_object_every_wish_has_its_reason(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    recipe, out = tmp_path / "r.yaml", tmp_path / "o.onnx"
    recipe.write_text("version: 1\nrules:\n  - select: '*'\n    activations: {bits: 8}\n")

    assert main(["apply", model, "--recipe", str(recipe), "-o", str(out), "--json"]) == 1

    value = json.loads(capsys.readouterr().out)
    assert {entry["done"] for entry in value["plan"]} == {"nothing"}
    assert {entry["reason"] for entry in value["plan"]} == {_NO_SAMPLES}
    assert (value["output"], value["output_sha256"], value["after"]) == (None, None, None)


@pytest.mark.parametrize(
    "rules",
    ["[]", "\n  - select: '*'\n    weights: float", "\n  - select: '*'\n    prune: {kind: weights, sparsity: 0}",
     "\n  - select: '*'\n    weights: {bits: 8}\n    activations: {bits: 8}"],
    ids=["asks for nothing", "takes back", "asks for what is so", "possible in part"],
)  # fmt: skip
def test_a_recipe_that_is_not_refused_as_a_whole_is_written(rules: str, model: str, tmp_path: Path):
    recipe, out = tmp_path / "r.yaml", tmp_path / "o.onnx"
    recipe.write_text(f"version: 1\nrules: {rules}\n")

    assert main(["apply", model, "--recipe", str(recipe), "-o", str(out), "--json"]) == 0
    assert out.exists()


@pytest.mark.parametrize("verb", ["evaluate", "apply"])
def test_what_is_guessed_of_the_samples_is_said_and_stands_in_the_object(
    verb: str, model: str, data: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    bare = tmp_path / "bare.npz"
    bare.write_bytes(Path(data).read_bytes())
    writes = ["--recipe", str(recipe), "--force", "-o", str(tmp_path / "o.onnx")] if verb == "apply" else []
    arguments = [verb, model, "--data", str(bare), "--mean", "0", *writes]

    assert main([*arguments, "--json"]) == 0
    printed = capsys.readouterr()
    assert main(arguments) == 0

    note = "note: guessed, as nobody gave it: scale 0.00392157, std 1, layout nchw\n"
    assert printed.err == note
    assert json.loads(printed.out)["guessed"] == {"scale": 1 / 255, "std": [1.0], "layout": "nchw"}
    assert note in capsys.readouterr().out


def test_nothing_is_overwritten_without_force(model: str, recipe: Path, tmp_path: Path):
    out = tmp_path / "there.onnx"
    out.write_bytes(b"precious")

    assert main(["apply", model, "--recipe", str(recipe), "-o", str(out)]) == 2
    assert out.read_bytes() == b"precious"


def test_against_another_model_prints_the_paired_difference(
    model: str, data: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    small = tmp_path / "small.onnx"
    main(["apply", model, "--recipe", str(recipe), "-o", str(small), "--json"])
    capsys.readouterr()

    status = main(["evaluate", str(small), "--data", data, "--against", model, "--json"])

    value = json.loads(capsys.readouterr().out)
    changed = round((1 - value["agreement"]["value"]) * 597)
    assert status == 0
    assert len(value["changed"]) == changed
    assert value["difference"]["low"] <= value["difference"]["value"] <= value["difference"]["high"]
    assert abs(value["difference"]["value"]) <= changed / 597 + 1e-9


def test_an_interrupted_evaluation_keeps_what_was_measured(
    model: str, data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    @contextmanager
    def stopped_after_the_first_batch(title: str) -> Iterator[JobContext]:
        ctx = JobContext(lambda _: ctx.cancel())
        yield ctx

    monkeypatch.setattr("workbench.cli.evaluate_verb.job", stopped_after_the_first_batch)

    status = main(["evaluate", model, "--data", data, "--json"])

    printed = capsys.readouterr()
    value = json.loads(printed.out)
    assert status == 130
    assert 0 < value["done"] < value["total"] == 597
    assert value["figure"]["n"] == value["done"]
    assert printed.err == f"interrupted: {value['done']} of 597 samples\n"


def test_the_demo_writes_what_it_promises_and_nothing_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "demo"

    assert main(["demo", "--out", str(out), "--headless", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["after"]["file_bytes"] == (out / "digits.compressed.onnx").stat().st_size
    assert value["after"]["file_bytes"] < value["before"]["file_bytes"]
    assert Path(value["report"]).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")

    assert main(["demo", "--out", str(out), "--headless"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["demo", "--out", str(out), "--headless", "--force"]) == 0


def test_plugins_are_listed_with_their_state(capsys: pytest.CaptureFixture[str]):
    assert main(["plugins", "--json"]) == 0

    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["plugins"]}
    assert rows["ort_format"]["error"] is None


@pytest.mark.parametrize("verb", ["apply", "demo", "evaluate", "export", "gui", "inspect", "plugins"])
def test_each_verb_s_help_shows_an_example(verb: str, capsys: pytest.CaptureFixture[str]):
    assert main([verb, "--help"]) == 0
    assert f"Example: workbench {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["search", "prune"])
def test_an_allowed_drop_is_offered_in_the_unit_of_either_metric(verb: str, capsys: pytest.CaptureFixture[str]):
    assert main([verb, "--help"]) == 0

    assert "Percentage points, or dB, that may be lost" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "arguments",
    [["m.onnx"], ["gui", "m.onnx"], ["m.onnx", "--data", "d.npz"], ["--data", "d.npz", "m.onnx"],
     ["--data=d.npz"], ["--recipe", "r.yaml"], ["--mean", "0.5,1", "m.onnx"], []],
    ids=" ".join,
)  # fmt: skip
def test_the_window_opens_with_or_without_its_verb(arguments: list[str], monkeypatch: pytest.MonkeyPatch):
    opened: list[dict[str, Path | None]] = []
    monkeypatch.setattr("workbench.gui.app.run_window", lambda **given: opened.append(given) or 0)

    assert main(arguments) == 0
    text = " ".join(arguments)
    assert opened == [
        {
            "model": Path("m.onnx") if "m.onnx" in text else None,
            "data": Path("d.npz") if "d.npz" in text else None,
            "recipe": Path("r.yaml") if "r.yaml" in text else None,
            "data_settings": {"mean": ["0.5", "1"]} if "--mean" in text else {},
        }
    ]


def test_resnet20_says_81_percent(shared_data: Path, capsys: pytest.CaptureFixture[str]):
    folder = shared_data / "models" / "cifar10"
    arguments = ["--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--limit", "1000", "--json"]

    model, data = folder / "resnet20_cifar10_opset13.onnx", folder / "cifar10_test_jpeg_halfA.zip"
    main(["evaluate", str(model), "--data", str(data), *arguments])

    value = json.loads(capsys.readouterr().out)["figure"]
    assert value["low"] < 0.81 < value["high"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="screens are named by variables on Linux only")
def test_the_demo_does_its_job_where_the_named_screen_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")

    assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
    assert "no window opens here" in capsys.readouterr().err
