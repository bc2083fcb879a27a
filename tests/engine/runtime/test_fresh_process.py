"""What a niced process starts is not niced, where it was asked in time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.engine.runtime.fresh_process import niceness

_ROOT = Path(__file__).resolve().parents[3]
_SCRIPT = """
import multiprocessing, os
from workbench.engine.runtime.fresh_process import fresh_process, keep_niceness, niceness

def tell(connection):
    connection.send((niceness(), os.getpid()))

if __name__ == "__main__":
    {first}
    os.nice(3)
    ours, theirs = multiprocessing.Pipe()
    process = fresh_process(tell, theirs)
    process.start()
    found, pid = ours.recv()
    process.join()
    print(found, pid != os.getpid())
"""


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system knows no niceness")
@pytest.mark.parametrize(("first", "more"), [("keep_niceness()", 0), ("", 3)], ids=["kept", "not kept"])
def test_a_fresh_process_has_the_niceness_that_was_kept(tmp_path: Path, first: str, more: int):
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT.format(first=first), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.split() == [str(min(19, niceness() + more)), "True"]
    assert done.stderr == ""


_INTERRUPTED = """
import multiprocessing, os, signal
from workbench.engine.runtime.fresh_process import start_deaf_to_ctrl_c

if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=theirs.send, args=("heard nothing",))
    start_deaf_to_ctrl_c(process)
    # At its very beginning, long before it could say what it does about signals.
    os.kill(process.pid, signal.SIGINT)
    print(ours.recv())
    process.join()
    print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be held back here")
def test_a_process_that_is_deaf_to_ctrl_c_does_not_even_hear_it_at_its_beginning(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(_INTERRUPTED, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(_ROOT)}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("heard nothing\nset()\n", "")
