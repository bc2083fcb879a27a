"""A real Ctrl-C, in a process of its own: heard in the middle of a run, and never a deadlock."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.cli.interrupt import cancelled_by_ctrl_c
from workbench.jobs import JobContext

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 60

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself a Ctrl-C there")

# The signal comes when the runtime is in the middle of a run.
_INTERRUPTED_RUN = """
import os, signal, sys, threading
from workbench.cli.main import main
from workbench.engine.runtime.session import RuntimeSession

run = RuntimeSession.run

def interrupted(self, feeds, ctx=None):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    return run(self, feeds, ctx)

RuntimeSession.run = interrupted
sys.exit(main(sys.argv[1:]))
"""

# The signal comes while the main thread takes and gives the context's lock all the time.
_INTERRUPTED_LOCK = """
import os, signal, threading
from workbench.cli.output import job

for _ in range(5):
    with job("locks") as ctx:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        while not ctx.is_cancelled:
            ctx.call_on_cancel(int)()
"""


def _run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True, text=True, check=False, timeout=_PATIENCE_S,
    )  # fmt: skip


def _endless(path: Path) -> Path:
    """A model whose one run goes round a loop for hours: two features to two scores."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Neg", ["before"], ["after"])],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []),
         helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("before", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
         helper.make_tensor_value_info("after", TensorProto.FLOAT, None)],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Loop", ["times", "", "x"], ["y"], body=body)], "endless",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(np.array(10**12), "times")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_a_run_of_the_runtime_is_cut_short(tmp_path: Path):
    np.savez(tmp_path / "d.npz", x=np.ones((4, 2), np.float32), y=np.zeros(4))

    done = _run(_INTERRUPTED_RUN, "evaluate", _endless(tmp_path / "m.onnx"), "--data", tmp_path / "d.npz")

    assert (done.returncode, done.stderr, done.stdout) == (130, "interrupted\n", "")


def test_a_signal_while_the_context_is_asked_is_no_deadlock():
    done = _run(_INTERRUPTED_LOCK)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where whoever started the tests has it ignored."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, old)


@pytest.mark.usefixtures("heard")
def test_afterwards_ctrl_c_is_what_it_was():
    before = signal.getsignal(signal.SIGINT)
    ctx = JobContext()

    with cancelled_by_ctrl_c(ctx):
        signal.raise_signal(signal.SIGINT)
        deadline = time.monotonic() + _PATIENCE_S
        while not ctx.is_cancelled and time.monotonic() < deadline:
            os.sched_yield()

    assert ctx.is_cancelled
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
