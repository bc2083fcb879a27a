"""Measuring a scan in processes of this computer: a process that is lost loses nothing."""

import multiprocessing
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from workbench.engine.core.errors import RunError, WorkbenchError
from workbench.engine.runtime.fresh_process import start_deaf_to_ctrl_c
from workbench.engine.search.scan.scan_bench import ScanTask, SeenCell
from workbench.engine.search.scan.scan_crew import Done
from workbench.engine.search.scan.scan_source import ScanSource
from workbench.jobs import JobContext

# How often somebody who wants to stop is looked for.
_POLL_S = 0.05
_MOST_LOSSES = 3


class ProcessCrew:
    """Processes that each open the model once, and measure task by task.

    A task whose process ends without an answer is given to another one, up to three times: it may be the task that
    is fatal.

    Args:
        source: of the scan.
        count: how many processes.
    """

    def __init__(self, source: ScanSource, count: int) -> None:
        self._source, self._count = source, count

    def run(self, tasks: Iterator[ScanTask], ctx: JobContext) -> Iterator[Done]:
        """As `ScanCrew` says. Raises RunError, too, if no process can open the model."""
        workers: list[_Worker] = []
        lost: deque[ScanTask] = deque()
        losses: dict[ScanTask, int] = {}
        is_over, num_unborn = False, 0
        try:
            while True:
                ctx.checkpoint()
                while not is_over and len(workers) < self._count:
                    workers.append(_started(self._source))
                for worker in workers:
                    if worker.task is None:
                        task = lost.popleft() if lost else next(tasks, None)
                        is_over = is_over or task is None
                        worker.give(task)
                if all(worker.task is None for worker in workers):
                    return
                for connection in wait([worker.connection for worker in workers if worker.task is not None], _POLL_S):
                    worker = next(one for one in workers if one.connection is connection)
                    task = worker.task
                    assert task is not None
                    answer = worker.answer()
                    if answer is not None:
                        num_unborn = 0
                        yield task, answer
                        continue
                    workers.remove(worker)
                    worker.end()
                    num_unborn = 0 if worker.has_answered else num_unborn + 1
                    if num_unborn >= _MOST_LOSSES:
                        raise RunError(f"{num_unborn} processes ended before they measured anything", "free memory")
                    losses[task] = losses.get(task, 0) + 1
                    is_over = False
                    if losses[task] < _MOST_LOSSES:
                        lost.append(task)
                    else:
                        yield task, _given_up(task)
        finally:
            for worker in workers:
                worker.end()


def _given_up(task: ScanTask) -> list[SeenCell]:
    error = f"{_MOST_LOSSES} processes ended while they measured it; free memory, or use fewer workers"
    return [SeenCell(setting, number, error=error) for number in task.batches for setting in task.settings]


@dataclass(eq=False)
class _Worker:
    """One process, and what it is at."""

    process: BaseProcess
    connection: Connection
    task: ScanTask | None = None
    has_answered: bool = False

    def give(self, task: ScanTask | None) -> None:
        self.task = task
        if task is not None:
            try:
                self.connection.send(task)
            except OSError:
                # It has ended; the answer that does not come will say so.
                return

    def answer(self) -> list[SeenCell] | None:
        """What was seen; None if the process has ended. Raises RunError with what it says."""
        try:
            found: list[SeenCell] | str = self.connection.recv()
        except (EOFError, OSError):
            return None
        self.task, self.has_answered = None, True
        if isinstance(found, str):
            raise RunError(found)
        return found

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _started(source: ScanSource) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(source, theirs), daemon=True)
    start_deaf_to_ctrl_c(process)
    theirs.close()
    return _Worker(process, ours)


def _work(source: ScanSource, connection: Connection) -> None:
    """In the process: answer each task, until nobody asks."""
    try:
        bench = None
        while True:
            task = connection.recv()
            bench = bench or source.bench()
            connection.send(bench.measure(task, JobContext()))
    except (EOFError, ConnectionError):
        pass  # the scan has ended
    except Exception as error:
        connection.send(str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}")
