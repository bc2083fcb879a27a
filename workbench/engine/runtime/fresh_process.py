"""Processes that begin anew and do not inherit this one's niceness.

A process can make itself nicer but, without rights, never less nice again, and what it starts is as nice as itself.
So a small process is started before, and starts others when asked: the fork server of the standard library.
"""

import multiprocessing
import multiprocessing.forkserver
import os
import signal
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess

_FORK_SERVER = "forkserver"


def keep_niceness() -> None:
    """Have later fresh processes start with the niceness that this process has now.

    To be called before `os.nice`; costs a process that sleeps, of about 10 MB, until this one ends. Without a
    call, the first fresh process does it. Does nothing on Windows, where nothing is niced.
    """
    if _FORK_SERVER in multiprocessing.get_all_start_methods():
        # Nothing is imported ahead: each process is to begin as if it had been started by hand.
        multiprocessing.set_forkserver_preload([])
        multiprocessing.forkserver.ensure_running()


def fresh_process(target: Callable[..., None], *args: object) -> BaseProcess:
    """A process, not yet started, that will call the target, a module's function."""
    keep_niceness()
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context(_FORK_SERVER if _FORK_SERVER in methods else "spawn")
    process: BaseProcess = context.Process(target=target, args=args, daemon=True)  # type: ignore[attr-defined]  # of both
    return process


def start_deaf_to_ctrl_c(process: BaseProcess) -> None:
    """Start a spawned process that hears no Ctrl-C from its first moment on.

    A terminal sends it to both processes, and it is this one that decides what it means. What the new process does
    about signals by itself would come too late: it first imports for a second.
    """
    if not hasattr(signal, "pthread_sigmask"):
        process.start()
        return
    # Started by the first process, it would undo the mask on its way.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def niceness() -> int:
    """Of this process: 0 is normal, 19 the least urgent; 0 where there is no such thing."""
    return os.nice(0) if hasattr(os, "nice") else 0
