"""`workbench prune`: a table or one JSON object, the recipe of the best round, and those of all."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.project.recipe_text import parse_recipe

_ROOT = Path(__file__).resolve().parents[2]

# The signal comes as soon as the first round is there.
_INTERRUPTED = """
import os, signal, sys
from workbench.cli.main import main
from workbench.session import Session

prune_rounds = Session.prune_rounds

def interrupted(self, *args, ctx, **kwargs):
    for item in prune_rounds(self, *args, ctx=ctx, **kwargs):
        yield item
        os.kill(os.getpid(), signal.SIGINT)
        while not ctx.is_cancelled:
            os.sched_yield()

Session.prune_rounds = interrupted
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def prune(model: str, data: str, tmp_path: Path) -> Callable[..., int]:
    def run(*more: object) -> int:
        words = ("prune", model, "--data", data, "--limit", 60, "-o", tmp_path / "r.yaml", *more)
        return main([str(word) for word in words])

    return run


def test_the_json_has_every_round_and_the_recipe_that_was_taken(
    prune: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    status = prune("--remove-macs", 0.4, "--step", 0.2, "--json")

    value = json.loads(capsys.readouterr().out)
    assert status == 0
    assert [item["round"] for item in value["rounds"]] == [1, 2]
    assert value["rounds"][0]["macs"] > value["rounds"][1]["macs"]
    assert value["rounds"][1]["figure"]["n"] == 60
    assert value["rounds"][1]["difference"]["origin"] == "measured"
    assert (value["stop"], value["taken"]) == ("the target is met", 2)
    assert value["output"] == str(tmp_path / "r.yaml")
    assert parse_recipe((tmp_path / "r.yaml").read_text()).to_json() == value["recipe"]
    assert value["recipe"] == value["rounds"][1]["recipe"]
    assert value["recipe"]["recover"] == "weights"


def test_the_table_comes_round_by_round_and_ends_with_why(
    prune: Callable[..., int], capsys: pytest.CaptureFixture[str]
):
    prune("--remove-params", 0.4, "--step", 0.2)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["round", "ratio", "removed"]
    assert [line.split()[0] for line in lines[1:3]] == ["1", "2"]
    assert "stopped after round 2: the target is met" in lines
    assert any("behind removed channels are fitted on 256 samples" in line for line in lines)
    assert any(line.startswith("note: they are of the data that accuracy is measured on") for line in lines)


def test_a_drop_that_is_not_allowed_is_status_1_and_the_round_before_is_taken(
    prune: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    # This network cannot do with a thirtieth of itself, though with a third of it.
    status = prune("--remove-macs", 0.97, "--step", 0.32, "--max-drop", 10, "--json")

    value = json.loads(capsys.readouterr().out)
    assert status == 1
    assert value["stop"] == "more accuracy is lost than is allowed"
    assert [item["is_allowed"] for item in value["rounds"]] == [True] * value["taken"] + [False]
    last = value["rounds"][-1]
    assert last["difference"]["value"] < -0.1
    assert parse_recipe((tmp_path / "r.yaml").read_text()).to_json() == value["rounds"][value["taken"] - 1]["recipe"]


def test_where_no_round_is_allowed_nothing_is_written(
    prune: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    status = prune("--remove-macs", 0.97, "--step", 0.97, "--max-drop", 0, "--recover", "none", "--json")

    value = json.loads(capsys.readouterr().out)
    assert (status, value["taken"], value["output"]) == (1, None, None)
    assert not (tmp_path / "r.yaml").exists()


def test_every_round_can_be_gone_back_to(prune: Callable[..., int], model: str, data: str, tmp_path: Path):
    assert prune("--max-bytes", 130_000, "--step", 0.15, "--keep", tmp_path / "rounds") == 0

    recipes = sorted((tmp_path / "rounds").iterdir())
    assert [path.name for path in recipes][:2] == ["round-01.yaml", "round-02.yaml"]
    assert recipes[-1].read_text() == (tmp_path / "r.yaml").read_text()
    words = ("apply", model, "--recipe", recipes[0], "--data", data, "-o", tmp_path / "first.onnx")
    assert main([str(word) for word in words]) == 0
    assert (tmp_path / "first.onnx").stat().st_size > 130_000


def test_rounds_of_another_search_are_not_mixed_with_these(
    model: str, data: str, tmp_path: Path, error_of: Callable[..., str]
):
    (tmp_path / "rounds").mkdir()
    (tmp_path / "rounds" / "round-07.yaml").touch()
    words = ("prune", model, "--data", data, "--remove-macs", 0.5, "-o", tmp_path / "r.yaml")

    assert "holds rounds already" in error_of(*words, "--keep", tmp_path / "rounds")


def test_a_recipe_says_what_is_pruned_and_what_else_is_done(
    prune: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    asked = tmp_path / "asked.yaml"
    asked.write_text(
        "version: 1\nrules:\n  - select: 'op:Conv'\n    prune: {kind: filters, ratio: 0.5}\n    weights: {bits: 8}\n"
    )

    prune("--recipe", asked, "--remove-params", 0.2, "--step", 0.2, "--criterion", "l1", "--json")

    value = json.loads(capsys.readouterr().out)
    rule = value["recipe"]["rules"][0]
    assert (rule["select"], rule["weights"]["bits"], rule["prune"]["criterion"]) == ("op:Conv", 8, "l1")
    assert 0 < rule["prune"]["ratio"] < 0.5
    assert "recover" not in value["recipe"]
    assert value["rounds"][0]["recovered_by"] is None


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself a Ctrl-C there")
def test_ctrl_c_keeps_the_rounds_that_were_measured(model: str, data: str, tmp_path: Path):
    words = ("prune", model, "--data", data, "--limit", 60, "--remove-macs", 0.5, "-o", tmp_path / "r.yaml", "--json")
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, *map(str, words)], env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 130
    assert done.stderr.endswith("interrupted after round 1\n")
    value = json.loads(done.stdout)
    assert (len(value["rounds"]), value["stop"], value["taken"]) == (1, None, 1)
    assert parse_recipe((tmp_path / "r.yaml").read_text()).to_json() == value["rounds"][0]["recipe"]


def test_one_target_must_be_given(model: str, data: str, tmp_path: Path, error_of: Callable[..., str]):
    words = ("prune", model, "--data", data, "-o", tmp_path / "r.yaml")

    assert "exactly one of --remove-macs" in error_of(*words)
    assert "exactly one of --remove-macs" in error_of(*words, "--remove-macs", 0.5, "--max-bytes", 1000)


def test_bytes_that_the_file_has_already_are_refused(
    model: str, data: str, tmp_path: Path, error_of: Callable[..., str]
):
    message = error_of("prune", model, "--data", data, "-o", tmp_path / "r.yaml", "--max-bytes", 10**9)

    assert "before any channel goes" in message


def test_a_recipe_that_is_there_is_not_overwritten(model: str, data: str, tmp_path: Path, error_of: Callable[..., str]):
    (tmp_path / "r.yaml").write_text("mine")

    message = error_of("prune", model, "--data", data, "-o", tmp_path / "r.yaml", "--remove-macs", 0.5)

    assert "already exists" in message
    assert (tmp_path / "r.yaml").read_text() == "mine"
