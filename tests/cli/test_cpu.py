"""`evaluate --cpu`: figures of processors that are not there are labelled as such."""

import json
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.engine.runtime.saturation import saturates


@pytest.mark.parametrize(("cpu", "right"), [("exact", 1.0), ("saturating", 0.25)])
def test_an_emulated_figure_is_marked_in_the_object(
    cpu: str, right: float, torn_model: Path, torn_samples: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["evaluate", str(torn_model), "--data", str(torn_samples), "--cpu", cpu, "--json"]) == 0

    value = json.loads(capsys.readouterr().out)
    assert value["figure"]["value"] == right
    assert (value["emulated"], value["figure"]["origin"]) == (cpu, "estimated")
    assert value["label"].startswith("emulated: ")
    assert value["this_saturates"] is saturates()
    assert value["difference"]["n"] == 40
    assert [item["num_pairs"] for item in value["saturating_layers"]] == ([1] if cpu == "saturating" else [])


@pytest.mark.parametrize("cpu", [[], ["--cpu", "this"]], ids=["default", "this"])
def test_a_figure_of_this_computer_is_no_emulation(
    cpu: list[str], torn_model: Path, torn_samples: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["evaluate", str(torn_model), "--data", str(torn_samples), *cpu, "--json"]) == 0

    value = json.loads(capsys.readouterr().out)
    assert (value["emulated"], value["figure"]["origin"]) == (None, "measured")
    assert "label" not in value


def test_people_read_that_it_is_an_emulation_before_any_figure(
    torn_model: Path, torn_samples: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["evaluate", str(torn_model), "--data", str(torn_samples), "--cpu", "saturating"]) == 0

    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("emulated: pairs saturate (AVX2/AVX-512 without VNNI); ")
    assert second.startswith("top1 25.0 %")
    assert any("37.5 % of outputs with a saturated pair" in line for line in rest)
    assert any("reduce_range: true" in line for line in rest)


@pytest.mark.parametrize("cpu", ["saturating", "exact"])
def test_a_model_in_float_is_not_said_to_be_the_same_everywhere(
    cpu: str, model: str, data: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["evaluate", model, "--data", data, "--limit", "20", "--cpu", cpu]) == 0

    printed = capsys.readouterr().out
    assert "nothing of it is computed on integers: the rules differ in nothing that is emulated" in printed
    assert "every processor" not in printed


def test_the_object_says_whether_anything_is_quantized(
    model: str, data: str, torn_model: Path, torn_samples: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["evaluate", model, "--data", data, "--limit", "20", "--cpu", "exact", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert main(["evaluate", str(torn_model), "--data", str(torn_samples), "--cpu", "exact", "--json"]) == 0

    assert (plain["is_quantized"], json.loads(capsys.readouterr().out)["is_quantized"]) == (False, True)


def test_a_processor_that_nobody_knows_is_refused(error_of, torn_model: Path, torn_samples: Path):
    error = error_of("evaluate", torn_model, "--data", torn_samples, "--cpu", "z80")

    assert "saturating" in error


def test_people_read_what_is_answered_here_and_what_there(
    torn_model: Path, torn_samples: Path, capsys: pytest.CaptureFixture[str]
):
    other = "exact" if saturates() else "saturating"
    command = ["evaluate", str(torn_model), "--data", str(torn_samples), "--cpu", other]

    assert main([*command, "--json"]) == 0
    changed = json.loads(capsys.readouterr().out)["changed"]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()

    # With exact sums every answer is right, so that the label tells which of the two they are.
    right, wrong = ("there", "here") if other == "exact" else ("here", "there")
    first = changed[0]
    answers = {first["before"], first["after"]}
    (missed,) = answers - {first["label"]}
    (line,) = [line for line in lines if line.startswith(f"  {first['name']}: ")]
    assert f"{first['label']} {right}" in line
    assert f"{missed} {wrong}" in line
