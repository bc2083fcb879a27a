"""A small session for the worker's child: every verb does one thing that tests can see."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from workbench.engine.core.errors import ModelError
from workbench.jobs import JobContext


class FakeSession:
    """Remembers what was opened, and counts as slowly as it is let."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.let = threading.Event()
        self.noted: list[str] = []

    def open_model(self, path: str) -> str:
        if path == "fatal":
            os._exit(7)
        if path == "missing":
            raise ModelError("missing: no such file", "choose another")
        self.opened = [path]
        return path

    def open_data(self, path: str, overrides: dict[str, object] | None = None) -> str:
        self.opened.append(path)
        return path

    def open_bench(self, path: str, calibration: str) -> str:
        self.opened = [path, calibration]
        return path

    def close_calibration(self) -> None:
        self.opened = self.opened[:1]

    def what_is_open(self) -> list[str]:
        return self.opened

    def niceness(self) -> int:
        return os.nice(0)

    def echo(self, value: object) -> object:
        return value

    def fault(self) -> None:
        raise ZeroDivisionError("a fault")

    def lambda_back(self) -> object:
        return lambda: None

    def count(self, number: int, ctx: JobContext) -> Iterator[int]:
        for done in range(number):
            ctx.checkpoint()
            ctx.progress(done + 1, number, "counting")
            yield done

    def count_for_ever(self, ctx: JobContext) -> Iterator[int]:
        number = 0
        while True:
            ctx.checkpoint()
            yield number
            number += 1
            threading.Event().wait(0.001)

    def deaf(self, ctx: JobContext) -> None:
        ctx.progress(1, 1, "from here on nothing is heard")
        threading.Event().wait(600)

    def wait_until_let(self) -> str:
        self.let.wait(30)
        return "let"

    def note(self, text: str) -> list[str]:
        self.noted.append(text)
        return self.noted

    def note_alone(self, ctx: JobContext) -> list[str]:
        with ctx.alone():
            ctx.progress(1, 1, "alone")
            # Long enough for what is asked for now to come first if it could.
            threading.Event().wait(0.3)
            return self.note("alone")

    def let_go(self) -> None:
        self.let.set()


class NoSession:
    """A session that cannot be made."""

    def __init__(self) -> None:
        raise ModelError("the runtime is missing", "install it")


def crash() -> None:
    """A session whose making ends the process without a word, as a broken runtime does."""
    os._exit(11)


def make_if_mended() -> FakeSession:
    """A session that can be made once a file is there."""
    if not Path(os.environ["FAKE_SESSION_NEEDS"]).exists():
        raise ModelError("the runtime is missing", "install it")
    return FakeSession()
