"""`workbench scan`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.project.scan_file import scan_from_json

_ROOT = Path(__file__).resolve().parents[2]
_FEW = ("--bits", "2,8", "--sparsity", "0.5", "--samples", "32")

# Killed as a power cut would do it, after some cells.
_KILLED = """
import os, signal, sys
from workbench.cli.main import main
from workbench.engine.search.scan.sensitivity_scan import _Scan

add, count = _Scan._add, 0

def dying(self, layer, seen):
    global count
    add(self, layer, seen)
    count += 1
    if count == 5:
        os.kill(os.getpid(), signal.SIGKILL)

_Scan._add = dying
sys.exit(main(sys.argv[1:]))
"""


def test_it_prints_one_json_object_and_writes_the_same_scan(
    model: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "scan.json"

    status = main(["scan", model, "--data", data, *_FEW, "-o", str(out), "--json"])

    printed, written = json.loads(capsys.readouterr().out), json.loads(out.read_text())
    assert status == 0
    assert {"cells", "seconds", "resumed"} <= printed.keys()
    assert {"layer", "setting", "kl", "sqnr_db", "accuracy_drop", "n"} <= printed["cells"][0].keys()
    assert printed["cells"] == written["cells"]
    assert {cell["n"] for cell in written["cells"]} == {32}
    assert scan_from_json(written).is_complete


def test_the_table_names_what_it_shows(model: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["scan", model, "--data", data, *_FEW, "-o", str(tmp_path / "scan.json")])

    printed = capsys.readouterr().out
    assert "W8" in printed
    assert "50 % zeros" in printed
    assert "KL divergence of the outputs, nats; measured, 32 samples a cell" in printed


def test_cells_that_a_larger_scan_knew_say_on_how_many_samples_they_were_measured(
    model: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    weights = ("--bits", "8", "--sparsity", "")
    main(["scan", model, "--data", data, *weights, "--samples", "48", "-o", str(tmp_path / "large.json")])
    capsys.readouterr()

    main(["scan", model, "--data", data, *weights, "--samples", "32", "-o", str(tmp_path / "same.json")])
    same = capsys.readouterr().out
    main(["scan", model, "--data", data, *_FEW, "-o", str(tmp_path / "more.json")])
    more = capsys.readouterr().out

    assert "measured, 48 samples a cell" in same
    assert "measured, 32 to 48 samples a cell" in more


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_after_a_kill_the_scan_goes_on_and_ends_as_without(model: str, data: str, tmp_path: Path, own_home: Path):
    command = ["scan", model, "--data", data, *_FEW]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}

    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, *command, "-o", str(tmp_path / "a.json")],
        env=environment, check=False, capture_output=True, timeout=120,
    )  # fmt: skip
    main([*command, "-o", str(tmp_path / "a.json")])
    elsewhere = {**environment, "XDG_CACHE_HOME": str(tmp_path / "elsewhere")}
    subprocess.run(
        [sys.executable, "-m", "workbench", *command, "-o", str(tmp_path / "b.json")],
        env=elsewhere, check=True, capture_output=True, timeout=120,
    )  # fmt: skip

    resumed, unbroken = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert killed.returncode == -signal.SIGKILL
    assert resumed["resumed"] > 0
    assert unbroken["resumed"] == 0
    by_place = [{(cell["layer"], str(cell["setting"])): cell for cell in one["cells"]} for one in (resumed, unbroken)]
    assert by_place[0] == by_place[1]


def test_what_an_interrupted_scan_wrote_is_replaced_without_force_and_a_whole_one_is_not(
    model: str, data: str, tmp_path: Path, error_of
):
    out = tmp_path / "scan.json"
    command = ["scan", model, "--data", data, *_FEW, "-o", str(out)]
    main(command)
    assert "already exists" in error_of(*command)
    stopped = json.loads(out.read_text()) | {"is_complete": False}
    out.write_text(json.dumps(stopped))

    assert main(command) == 0
    assert json.loads(out.read_text())["is_complete"]


def test_a_criterion_that_is_not_known_is_said_before_anything_is_measured(error_of, model: str, data: str, tmp_path):
    options = ["--ratio", "0.5", "--criterion", "foo"]

    assert "criterion 'foo' is not known" in error_of(
        "scan", model, "--data", data, *options, "-o", tmp_path / "s.json"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bits", "2,x"], "is no list of numbers; write them with commas, such as 2,4,8"),
        (["--bits", "1"], "1 is not within 2 and 16"),
        (["--sparsity", "1.5"], "1.5 is not within 0 and 1"),
        (["--bits", "", "--sparsity", ""], "nothing is to be scanned"),
        (["--workers", "2", "--cluster", "tcp://x:1"], "give --workers or --cluster, not both"),
    ],
)
def test_bad_options_are_one_clear_line(
    error_of, model: str, data: str, tmp_path: Path, options: list[str], words: str
):
    assert words in error_of("scan", model, "--data", data, *options, "-o", tmp_path / "s.json")


def test_a_first_look_has_weights_activations_and_each_layer_alone(
    model: str, data: str, capsys: pytest.CaptureFixture[str]
):
    words = ["scan", model, "--data", data, "--first-look", "--bits", "2", "--samples", "32"]

    assert main(words) == 0
    printed = capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert "weights do more than activations" in printed
    assert "KL divergence of the outputs, nats; measured, 32 samples" in printed
    # Weights of two bits beside activations of the usual eight.
    (rule,) = found["recipe"]["rules"]
    assert (rule["weights"]["bits"], rule["activations"]["bits"]) == (2, 8)
    assert found["weights"]["value"] > found["activations"]["value"]
    assert all(one["alone"]["origin"] == "measured" for one in found["layers"])
    assert all(f"\n{one['layer']} " in printed for one in found["layers"])


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (("--first-look", "-o", "scan.json"), "writes no scan"),
        (("--first-look", "--bits", "2,4"), "one number of bits"),
        ((), "give -o"),
    ],
    ids=["a file", "several widths", "no file"],
)
def test_a_look_and_a_scan_are_told_apart(error_of, model: str, data: str, more, what):
    assert what in error_of("scan", model, "--data", data, *more)
