"""Times models on an Android phone that is plugged in.

`adb` of Android's platform tools copies the model over and starts `onnxruntime_perf_test`, which ONNX Runtime's build
for Android makes. It is not shipped here: put it on the phone once, as the messages say.

Source: https://developer.android.com/tools/adb, and onnxruntime/test/perftest/README.md for the options.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from workbench.plugin_api import LatencyRunner, RunError, ToolTime, hook, read_times

_FOLDER = "/data/local/tmp"
_PERF_TEST = f"{_FOLDER}/onnxruntime_perf_test"
_MODEL = f"{_FOLDER}/workbench-model.onnx"
_RUNS = 50
_LIMIT_S = 300
# What adb says of a phone in its second column.
_READY = "device"
_HINTS = {
    "unauthorized": "allow USB debugging on its screen",
    "offline": "plug it in again",
    "no permissions": "give your user access to USB devices",
}


@hook
def latency_runners() -> list[LatencyRunner]:
    """The runner `adb`."""
    return [
        LatencyRunner(
            name="adb",
            summary="a phone that is plugged in, with onnxruntime_perf_test on its CPU",
            devices=list_phones,
            measure=measure_on_phone,
        )
    ]


def list_phones() -> Sequence[str]:
    """Serial numbers of the phones that answer. Raises RunError if there are none, or no adb."""
    lines = [line.split(maxsplit=1) for line in _adb("devices").splitlines()[1:] if line.strip()]
    states = {serial: state.strip() for serial, state in (line for line in lines if len(line) == 2)}
    ready = [serial for serial, state in states.items() if state == _READY]
    if ready:
        return ready
    for serial, state in states.items():
        hint = next((hint for word, hint in _HINTS.items() if state.startswith(word)), "look at its screen")
        raise RunError(f"the phone {serial} is {state}", hint)
    raise RunError("no phone is plugged in", "connect one by USB, and allow USB debugging in its developer options")


def measure_on_phone(model: Path, serial: str, threads: int) -> ToolTime:
    """Average time of one inference on random inputs, on the phone's CPU.

    Args:
        model: an ONNX file without external data.
        serial: of a phone that `list_phones` gave.
        threads: of ONNX Runtime on the phone.

    Raises:
        RunError: the phone has no onnxruntime_perf_test, or the model does not run there.
    """
    if "yes" not in _adb("-s", serial, "shell", f"test -x {_PERF_TEST} && echo yes || echo no"):
        hint = f"build ONNX Runtime for Android, `adb push onnxruntime_perf_test {_FOLDER}`, and `chmod +x` it there"
        raise RunError(f"the phone {serial} has no {_PERF_TEST}", hint)
    try:
        _adb("-s", serial, "push", str(model), _MODEL)
        said = _adb(
            "-s", serial, "shell", f"cd {_FOLDER} && {_PERF_TEST} -I -s -m times -r {_RUNS} -x {threads} {_MODEL}"
        )
    finally:
        _adb("-s", serial, "shell", f"rm -f {_MODEL}", may_fail=True)
    return read_times(said, f"what onnxruntime_perf_test printed on {serial}")[0]


def _adb(*arguments: str, may_fail: bool = False) -> str:
    """What adb prints. Raises RunError with its last line where it fails."""
    program = shutil.which("adb")
    if program is None:
        raise RunError("adb was not found", "install Android's platform tools, and put them on the PATH")
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunError(
            f"adb {arguments[0]} gave no answer for {_LIMIT_S} s", "unlock the phone, and try again"
        ) from error
    if done.returncode and not may_fail:
        lines = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()
        raise RunError(f"adb: {lines[-1]}", "look at the phone, and try again")
    return done.stdout
