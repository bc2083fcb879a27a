"""Ctrl-C as a wish to stop, heard at once: while the runtime works, the main thread hears nothing."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from workbench.jobs import JobContext


@contextmanager
def cancelled_by_ctrl_c(ctx: JobContext) -> Iterator[None]:
    """Have Ctrl-C cancel the context instead of raising KeyboardInterrupt. For the main thread.

    Python calls a handler in the main thread, and only between two steps of it: after a call into onnxruntime, however
    long, and perhaps while the context's own lock is held. A thread that waits for the byte, which is written to a
    socket the moment the signal comes, has neither trouble.
    """
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = threading.Thread(target=_listen, args=(heard, ctx), name="ctrl-c", daemon=True)
    listener.start()
    old_handler = signal.signal(signal.SIGINT, _do_nothing)
    old_descriptor = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(old_descriptor)
        signal.signal(signal.SIGINT, old_handler)
        told.close()
        listener.join()
        heard.close()


def _listen(heard: socket.socket, ctx: JobContext) -> None:
    # Each signal is a byte with its number; none at all says that the other end is closed.
    while numbers := heard.recv(64):
        if signal.SIGINT in numbers:
            ctx.cancel()


def _do_nothing(*_: object) -> None:
    """Only with a handler of Python's is the byte written."""
