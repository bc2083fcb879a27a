"""What the command line says of channels: groups of a model, what went of each, and the proof."""

import json
from pathlib import Path

import onnx
import pytest

from tests.channel_networks import ATTENTION, SHORTCUT
from workbench.cli.main import main


def _printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


@pytest.fixture
def shortcut(tmp_path: Path) -> Path:
    return SHORTCUT.write(tmp_path / "m.onnx")


@pytest.fixture
def half(tmp_path: Path) -> Path:
    path = tmp_path / "r.yaml"
    path.write_text('version: 1\nrules:\n  - {select: "*", prune: {kind: filters, ratio: 0.5, scope: lamp}}\n')
    return path


def test_inspect_lists_the_groups(shortcut: Path, capsys):
    value = json.loads(_printed(capsys, "inspect", shortcut, "--json"))

    assert value["groups"] == [
        {
            "group_id": "c1", "kind": "filters", "members": ["c1", "c3"], "num_units": 16, "most_gone": 14,
            "channels_per_unit": 1, "num_fixed": 0, "reason": "",
        },
        {
            "group_id": "c2", "kind": "filters", "members": ["c2"], "num_units": 12, "most_gone": 11,
            "channels_per_unit": 1, "num_fixed": 0, "reason": "",
        },
        {
            "group_id": "y", "kind": "neurons", "members": ["y"], "num_units": 0, "most_gone": 0,
            "channels_per_unit": 1, "num_fixed": 5, "reason": "they are the model's output y",
        },
    ]  # fmt: skip
    assert [layer["group_id"] for layer in value["layers"]] == ["c1", "c2", "c1", "y"]


def test_inspect_calls_heads_by_their_name(tmp_path: Path, capsys):
    path = ATTENTION.write(tmp_path / "a.onnx")

    group = json.loads(_printed(capsys, "inspect", path, "--json"))["groups"][0]

    assert (group["kind"], group["num_units"], group["channels_per_unit"]) == ("heads", 3, 4)
    assert "group q: 3 layers, up to 2 of 3 heads can go" in _printed(capsys, "inspect", path)


def test_apply_says_what_went_and_how_that_was_proven(shortcut: Path, half: Path, tmp_path: Path, capsys):
    out = tmp_path / "out.onnx"

    value = json.loads(_printed(capsys, "apply", shortcut, "--recipe", half, "-o", out, "--json"))

    assert [(group["group_id"], group["units"], group["criterion"]) for group in value["groups"]] == [
        ("c1", 16, "l2"), ("c2", 12, "l2"),
    ]  # fmt: skip
    # Half of the 8 + 12 + 16 channels: units of the first class are in two layers.
    assert 0 < sum(group["units"] - group["kept"] for group in value["groups"]) <= 18
    assert value["proof"]["ok"] is True
    assert value["proof"]["is_random"] is True
    assert value["proof"]["samples"] == 4
    assert value["proof"]["max_relative_difference"] <= 1e-5
    assert value["after"]["macs"] < value["before"]["macs"]
    assert json.loads(_printed(capsys, "inspect", out, "--json"))["model"]["macs"] == value["after"]["macs"]


def test_apply_says_the_proof_to_people(shortcut: Path, half: Path, tmp_path: Path, capsys):
    printed = _printed(capsys, "apply", shortcut, "--recipe", half, "-o", tmp_path / "out.onnx")

    assert "proven: without the channels it computes what the whole model does with them at zero" in printed
    assert "on 4 random inputs" in printed


def test_without_channels_there_is_no_proof(shortcut: Path, recipe: Path, tmp_path: Path, capsys):
    value = json.loads(_printed(capsys, "apply", shortcut, "--recipe", recipe, "-o", tmp_path / "o.onnx", "--json"))

    assert value["groups"] == []
    assert value["proof"] is None


def test_a_criterion_that_is_not_known_is_one_line(shortcut: Path, tmp_path: Path, error_of):
    path = tmp_path / "r.yaml"
    path.write_text('version: 1\nrules: [{select: "*", prune: {kind: filters, ratio: 0.5, criterion: best}}]\n')

    text = error_of("apply", shortcut, "--recipe", path, "-o", tmp_path / "o.onnx")

    assert "criterion 'best' is not known" in text
    assert not (tmp_path / "o.onnx").exists()


def test_a_model_whose_shapes_cannot_be_inferred_is_listed_all_the_same(tmp_path: Path, capsys):
    proto = SHORTCUT.proto()
    # As quantization-aware exporters leave them: nothing says what this domain's operators give.
    proto.graph.node.append(onnx.helper.make_node("Quant", ["x"], ["q"], domain="onnx.brevitas"))
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())

    value = json.loads(_printed(capsys, "inspect", tmp_path / "m.onnx", "--json"))

    assert [layer["name"] for layer in value["layers"]] == ["c1", "c2", "c3", "y"]
    assert all(group["num_units"] == 0 and group["reason"] for group in value["groups"])
