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


def test_a_model_in_float_says_that_nothing_can_saturate(model: str, data: str, capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", model, "--data", data, "--limit", "20", "--cpu", "saturating"]) == 0

    assert "no pair of weights can saturate: every processor computes the same" in capsys.readouterr().out


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
