"""Measuring a scan on a Dask cluster: the model and the samples go to each worker once, by the network."""

import time
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from workbench.engine.core.errors import RunError
from workbench.engine.search.scan.scan_bench import ScanBench, ScanTask, SeenCell
from workbench.engine.search.scan.scan_crew import Done
from workbench.engine.search.scan.scan_source import ScanSource
from workbench.jobs import JobContext

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_S = 10
_POLL_S = 0.2
# A worker that has a second task at hand does not wait for the network.
_TASKS_A_THREAD = 2
_RETRIES = 3


class ClusterCrew:
    """The workers of a cluster that runs. Dask gives the tasks of a lost worker to others.

    Args:
        source: of the scan, with everything inside: workers may be on other machines.
        address: of the scheduler, such as "tcp://10.0.0.5:8786".

    Raises:
        RunError: Dask is not installed, or no scheduler answers there.
    """

    def __init__(self, source: ScanSource, address: str) -> None:
        self._source = source
        self._client = _connected(address)

    def run(self, tasks: Iterator[ScanTask], ctx: JobContext) -> Iterator[Done]:
        """As `ScanCrew` says."""
        from distributed import wait

        client = self._client
        under_way: dict[Future, ScanTask] = {}
        try:
            source = self._sent(ctx)
            is_over = False
            while under_way or not is_over:
                ctx.checkpoint()
                most = _TASKS_A_THREAD * max(1, sum(client.nthreads().values()))
                while not is_over and len(under_way) < most:
                    task = next(tasks, None)
                    is_over = task is None
                    if task is not None:
                        under_way[client.submit(_measured, source, task, pure=False, retries=_RETRIES)] = task
                if not under_way:
                    return
                try:
                    done = wait(list(under_way), timeout=_POLL_S, return_when="FIRST_COMPLETED").done
                except TimeoutError:
                    continue
                for future in done:
                    yield under_way.pop(future), _result(future)
        finally:
            client.cancel(list(under_way))
            client.close()

    def _sent(self, ctx: JobContext) -> "Future":
        """The source, on every worker. Raises RunError if there is none, and Cancelled."""
        deadline = time.monotonic() + _CONNECT_S
        while not self._client.nthreads():
            ctx.checkpoint()
            if time.monotonic() > deadline:
                raise RunError("the cluster has no workers", "start some with `dask worker ADDRESS`")
            time.sleep(_POLL_S)
        return self._client.scatter(self._source, broadcast=True)


def _result(future: "Future") -> list[SeenCell]:
    error = future.exception()
    if error is None:
        found: list[SeenCell] = future.result()
        return found
    hint = "look at the worker's log; each needs the workbench in its environment"
    raise RunError(f"a worker of the cluster: {error or type(error).__name__}", hint) from error


def _connected(address: str) -> "Client":
    try:
        from distributed import Client
    except ImportError as error:
        raise RunError("a cluster needs Dask", "pip install 'workbench[cluster]'") from error
    try:
        return Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        hint = "start one with `dask scheduler` and `dask worker ADDRESS`, and give its address"
        raise RunError(f"{address}: no scheduler answers ({error})", hint) from error


def _measured(source: ScanSource, task: ScanTask) -> list[SeenCell]:
    """On a worker."""
    return _bench(_Known(source)).measure(task, JobContext())


class _Known:
    """A source that is told from others by its token, so that the bench of a scan is made once a process."""

    def __init__(self, source: ScanSource) -> None:
        self.source = source

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other.source.token == self.source.token

    def __hash__(self) -> int:
        return hash(self.source.token)


@lru_cache(maxsize=1)
def _bench(known: _Known) -> ScanBench:
    return known.source.bench()
