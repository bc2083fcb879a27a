import json
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.operator_times import OperatorTime, OperatorTimes
from workbench.session import Session

PHONE = "oneplus-7t/ncnn/cpu-4t"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.project.device_store.default_devices_folder", lambda: tmp_path / "devices")


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: object) -> dict[str, object]:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 0
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

    return run


def test_latency_gives_a_figure_with_a_band_and_the_layers(answer, model: str):
    found = answer("latency", model, "--device", PHONE, "--json")

    assert found["device"] == PHONE
    assert found["figure"]["unit"] == "ms"
    assert found["figure"]["origin"] == "estimated"
    assert found["figure"]["low"] < found["figure"]["value"] < found["figure"]["high"]
    assert {"name", "ms", "share", "bound_by"} <= set(found["layers"][0])
    assert found["notes"]


def test_zeros_and_bits_of_weights_alone_change_nothing_and_the_notes_say_so(answer, model: str, tmp_path: Path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "version: 1\nrules:\n  - select: '*'\n    weights: {bits: 4}\n    prune: {kind: weights, sparsity: 0.9}\n"
    )

    before = answer("latency", model, "--device", PHONE, "--json")
    after = answer("latency", model, "--device", PHONE, "--recipe", recipe, "--json")

    assert after["figure"] == before["figure"]
    assert any("zeros" in note for note in after["notes"])
    assert any("fewer bits" in note for note in after["notes"])


def test_fewer_channels_are_faster_and_int8_is_counted_without_samples(answer, model: str, tmp_path: Path):
    cut, quantized = tmp_path / "cut.yaml", tmp_path / "int8.yaml"
    cut.write_text("version: 1\nrules:\n  - select: '*'\n    prune: {kind: filters, ratio: 0.5}\n")
    quantized.write_text("version: 1\nrules:\n  - select: '*'\n    weights: {bits: 8}\n    activations: {bits: 8}\n")

    whole, less, int8 = (
        answer("latency", model, "--device", PHONE, "--json", *more)["figure"]["value"]
        for more in ((), ("--recipe", cut), ("--recipe", quantized))
    )

    assert less < whole
    assert int8 != whole


def test_the_estimate_of_a_recipe_is_that_of_the_file_it_gives(answer, model: str, data: str, tmp_path: Path):
    recipe, out = tmp_path / "r.yaml", tmp_path / "out.onnx"
    recipe.write_text("version: 1\nrules:\n  - select: '*'\n    weights: {bits: 4}\n    activations: {bits: 8}\n")
    main(["apply", model, "--recipe", str(recipe), "--data", data, "-o", str(out)])

    planned = answer("latency", model, "--device", PHONE, "--recipe", recipe, "--json")
    written = answer("latency", out, "--device", PHONE, "--json")

    assert planned["figure"]["value"] == pytest.approx(written["figure"]["value"], rel=0.02)


def test_a_measurement_scales_the_estimate(answer, model: str):
    found = answer("latency", model, "--device", PHONE, "--measured", "31", "--json")

    assert found["figure"]["value"] == pytest.approx(31, rel=0.05)


def test_devices_names_where_every_figure_stands(answer):
    found = answer("devices", "--json")["devices"]

    phone = next(device for device in found if device["id"] == PHONE)
    assert phone["sources"][0]["repository"] == "github:Tencent/ncnn"
    assert phone["sources"][0]["line"] > 0
    assert len(phone["sources"][0]["commit"]) == 40
    assert 0 < phone["error"]["median"] < 0.5


def test_an_own_device_is_added_from_what_a_tool_printed(answer, model: str, tmp_path: Path):
    log = tmp_path / "log.txt"
    log.write_text("loop_count = 8\n digits  min = 2.0  max = 2.2  avg = 2.1\n")

    assert main(["devices", "add", "mine", "--like", PHONE, "--measured", f"{model}=@{log}"]) == 0
    found = answer("latency", model, "--device", "mine", "--json")

    assert found["figure"]["value"] == pytest.approx(2.1, rel=0.2)


def test_what_was_done_to_an_own_device_is_said(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["devices", "add", "mine", "--like", PHONE, "--measured", f"{model}=2.0"])
    capsys.readouterr()
    out = tmp_path / "mine.json"

    assert main(["devices", "export", "mine", "-o", str(out)]) == 0
    assert capsys.readouterr().out == f"mine: written to {out}\n"
    assert main(["devices", "remove", "mine"]) == 0
    assert capsys.readouterr().out == "mine: removed\n"
    assert main(["devices", "import", str(out)]) == 0
    assert capsys.readouterr().out == "mine\n"


def test_operators_are_measured_here_beside_what_was_expected(answer, model: str, tmp_path: Path):
    recipe = tmp_path / "int8.yaml"
    recipe.write_text("version: 1\nrules:\n  - {select: '*', weights: {bits: 8}}\n")

    found = answer("latency", model, "--recipe", recipe, "--operators", "--json")

    assert found["figure"]["origin"] == "measured"
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert layers["hidden"]["ms"] > 0
    assert layers["hidden"]["estimated_ms"] > 0
    other = found["other_ms"] / (found["other_ms"] + sum(layer["ms"] for layer in found["layers"]))
    assert sum(layer["share"] for layer in found["layers"]) == pytest.approx(1 - other)


def test_a_recipe_is_timed_here_beside_the_original(
    answer, model: str, recipe: Path, capsys: pytest.CaptureFixture[str]
):
    found = answer("latency", model, "--recipe", recipe, "--json")
    assert main(["latency", model, "--recipe", str(recipe)]) == 0

    assert {found[name]["origin"] for name in ("figure", "p90", "original", "ratio")} == {"measured"}
    assert found["ratio"]["value"] == pytest.approx(found["figure"]["value"] / found["original"]["value"], rel=0.5)
    said = capsys.readouterr().out
    assert "; the original takes " in said
    assert "no difference seen" in said or "of the original's time" in said


def test_operators_too_quick_for_the_profiler_have_no_share(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    nothing = Figure(0.0, "ms", Origin.MEASURED, 0.0, 0.0005, 50)
    times = OperatorTimes("a computer", replace(nothing, value=0.002), (OperatorTime("one", "Add", nothing),))
    monkeypatch.setattr(Session, "measure_operators", lambda *_: times)

    assert main(["latency", model, "--operators"]) == 0

    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("one ")]
    assert "0%" in row


def test_people_see_the_slowest_operators(capsys: pytest.CaptureFixture[str], model: str):
    assert main(["latency", model, "--operators"]) == 0

    said = capsys.readouterr().out
    assert "slowest operators" in said
    assert "of the time at other operators than where it went" in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--device", PHONE, "--operators"), "leave out --device"),
        (("--device", "nothing"), "no device profile is called"),
        (("--measured", "3"), "give --device"),
        (("--device", PHONE, "--measured", "-3"), "no time"),
    ],
    ids=["operators elsewhere", "unknown", "no device", "negative"],
)
def test_bad_input_gives_one_line(error_of, model: str, arguments: tuple[str, ...], expected: str):
    assert expected in error_of("latency", model, *arguments)


def test_the_notes_of_a_recipe_with_16_bit_activations_say_so(answer, model: str, tmp_path: Path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("version: 1\nrules:\n  - {select: '*', weights: {bits: 8}, activations: {bits: 16}}\n")

    found = answer("latency", model, "--device", PHONE, "--recipe", recipe, "--json")

    assert any("16-bit activations" in note for note in found["notes"])


def test_a_time_of_a_network_of_another_name_is_taken_with_a_note(
    capsys: pytest.CaptureFixture[str], model: str, tmp_path: Path
):
    log = tmp_path / "log.txt"
    log.write_text("INFO: Graph: [/tmp/other.tflite]\nInference timings in us: Init: 5, Inference (avg): 2100\n")

    assert main(["devices", "add", "mine", "--like", PHONE, "--measured", f"{model}=@{log}"]) == 0

    assert f"note: {log} holds the time of /tmp/other.tflite; it is taken for" in capsys.readouterr().err


def test_people_see_whole_milliseconds_and_whether_int8_is_there_or_would_be(
    capsys: pytest.CaptureFixture[str], model: str
):
    assert main(["latency", model, "--device", PHONE, "--measured", "2250"]) == 0

    said = capsys.readouterr().out
    assert "e+" not in said
    assert "int8 against float" in said
    assert "would be " in said


def test_people_see_the_start_of_a_run_apart_from_its_layers(capsys: pytest.CaptureFixture[str], model: str):
    assert main(["latency", model, "--device", "samsung-galaxy-s24/tflite/npu/float"]) == 0

    assert "Start of the run" in capsys.readouterr().out
