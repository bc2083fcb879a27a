"""Who measures the tasks of a scan: threads of this process. Others do it in processes or on other machines."""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from workbench.engine.search.scan.scan_bench import ScanBench, ScanTask, SeenCell
from workbench.jobs import JobContext

Done = tuple[ScanTask, list[SeenCell]]


class ScanCrew(Protocol):
    """Measures tasks, several at a time."""

    def run(self, tasks: Iterator[ScanTask], ctx: JobContext) -> Iterator[Done]:
        """Each task with what was seen, in the order in which they are done.

        Tasks are taken from the iterator when somebody is free for them.

        Raises:
            Cancelled: somebody asked to stop; what was under way is given up.
            RunError: the model does not run on the samples.
        """
        ...


class ThreadCrew:
    """Threads, each with operators on one core: small layers do not share out well over several.

    Args:
        bench: measures.
        threads: how many work at a time.
    """

    def __init__(self, bench: ScanBench, threads: int) -> None:
        self._bench, self._threads = bench, threads

    def run(self, tasks: Iterator[ScanTask], ctx: JobContext) -> Iterator[Done]:
        """As `ScanCrew` says."""
        under_way: dict[Future[list[SeenCell]], ScanTask] = {}
        with ThreadPoolExecutor(self._threads, thread_name_prefix="scan") as pool:
            is_over = False
            try:
                while under_way or not is_over:
                    # One more waits, so that no thread does while what another one saw is worked up.
                    while not is_over and len(under_way) <= self._threads:
                        task = next(tasks, None)
                        is_over = task is None
                        if task is not None:
                            under_way[pool.submit(self._bench.measure, task, ctx)] = task
                    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield under_way.pop(future), future.result()
            finally:
                for future in under_way:
                    future.cancel()
