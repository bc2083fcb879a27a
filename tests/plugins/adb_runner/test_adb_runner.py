"""No phone is plugged in where tests run: a small program called `adb` says what the real one would."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from workbench.cli.main import main

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for adb is a script with a first line for Unix")

_PRINTED = """\
Session creation time cost: 0.0213 s
First inference time cost: 14 ms
Total inference time cost: 0.6115 s
Total inference requests: 50
Average inference time cost: 12.23 ms
Min Latency: 0.0118 s
Max Latency: 0.0131 s
P50 Latency: 0.0122 s
"""
_ADB = """\
#!{python}
import json, pathlib, sys
answers = json.loads(pathlib.Path({answers!r}).read_text())
said = " ".join(sys.argv[1:])
with open({log!r}, "a") as log:
    log.write(said + "\\n")
for words, answer, status in answers:
    if words in said:
        print(answer, file=sys.stdout if status == 0 else sys.stderr)
        sys.exit(status)
"""


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Have `adb` answer each call by the first words that it contains; gives the calls that were made."""
    folder, log, known = tmp_path / "bin", tmp_path / "calls", tmp_path / "answers.json"
    folder.mkdir()
    log.touch()
    monkeypatch.setenv("PATH", str(folder))

    def answer(*answers: tuple[str, str, int]) -> Path:
        known.write_text(json.dumps(answers))
        program = folder / "adb"
        program.write_text(_ADB.format(python=sys.executable, answers=str(known), log=str(log)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return log

    return answer


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], demo_folder: Path):
    """What stands on standard error, in one line, when the demo's model is timed by that way."""

    def run(way: str) -> str:
        assert main(["latency", str(demo_folder / "digits.onnx"), "--on", way]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    return run


def _devices(*lines: str) -> tuple[str, str, int]:
    return "devices", "\n".join(("List of devices attached", *lines)), 0


def test_a_model_is_timed_on_the_phone_and_nothing_stays_there(phone, demo_folder: Path, capsys):
    log = phone(_devices("R58M123\tdevice"), ("test -x", "yes", 0), ("onnxruntime_perf_test", _PRINTED, 0))

    assert main(["latency", str(demo_folder / "digits.onnx"), "--on", "adb", "--threads", "2", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["device"] == "R58M123"
    assert (found["figure"]["value"], found["figure"]["origin"], found["figure"]["n"]) == (12.23, "measured", 50)
    assert any("11.8 ms to 13.1 ms" in note for note in found["notes"])
    calls = log.read_text().splitlines()
    assert any(" -x 2 " in call for call in calls)
    pushed = next(call.split()[-1] for call in calls if " push " in call)
    assert calls[-1] == f"-s R58M123 shell rm -f {pushed}"


def test_people_are_told_how_to_keep_the_figure(phone, demo_folder: Path, capsys):
    phone(_devices("R58M123\tdevice"), ("test -x", "yes", 0), ("onnxruntime_perf_test", _PRINTED, 0))
    model = demo_folder / "digits.onnx"

    assert main(["latency", str(model), "--on", "adb"]) == 0

    said = capsys.readouterr().out
    assert "12.2 ms, measured on R58M123" in said
    assert f"workbench devices add my-phone --like ID --measured {model}=12.23" in said


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((_devices(),), "no phone is plugged in; connect one by USB"),
        ((_devices("R58M123\tunauthorized"),), "the phone R58M123 is unauthorized; allow USB debugging"),
        ((_devices("A\tdevice", "B\tdevice"),), "several devices are connected; name one of A, B"),
        ((_devices("A\tdevice"), ("test -x", "no", 0)), "adb push onnxruntime_perf_test"),
        (
            (_devices("A\tdevice"), ("test -x", "yes", 0), ("push", "error: no space left on device", 1)),
            "adb: error: no space left on device",
        ),
        ((_devices("A\tdevice"), ("test -x", "yes", 0), ("perf_test", "Failed to load", 0)), "no time found"),
    ],
    ids=["none", "not allowed", "two", "no tool", "full", "no time"],
)
def test_what_stands_in_the_way_is_said_in_one_line(phone, refused, answers, expected: str):
    phone(*answers)

    assert expected in refused("adb")


def test_without_adb_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "install Android's platform tools" in refused("adb")


def test_another_way_than_those_there_are_is_refused(refused):
    assert "there is: adb" in refused("usb")
