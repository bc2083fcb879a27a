"""The engine's process for tests of the whole window: as real as any, but forked off one that has imported it all."""

import multiprocessing
import os
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess

from workbench.worker.server import serve


class ForkedWorkers:
    """Stands where the client finds `multiprocessing`: what it asks to spawn is forked."""

    def __init__(self) -> None:
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")

    def get_context(self, method: str) -> "ForkedWorkers":
        assert method == "spawn"
        return self

    def Pipe(self) -> tuple[Connection, Connection]:  # as multiprocessing calls it
        return self._context.Pipe()

    def Process(self, *, target: object, args: tuple[Connection, str], name: str) -> BaseProcess:
        assert target is serve
        return self._context.Process(target=_serve, args=(dict(os.environ), *args), name=name)


def _serve(environment: Mapping[str, str], connection: Connection, factory: str) -> None:
    """With the environment of now: the server has that of the first test."""
    os.environ.clear()
    os.environ.update(environment)
    serve(connection, factory)
