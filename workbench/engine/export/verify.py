"""Proof that a written file is what was previewed: a fresh process opens it, and every output is compared."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import VerificationError, WorkbenchError
from workbench.engine.core.reports import DataInfo, Verification
from workbench.engine.data.dataset import Dataset, open_dataset, seeded_order
from workbench.engine.evaluate.collecting import collect_outputs
from workbench.engine.evaluate.nan_outputs import num_with_nan
from workbench.engine.export.first_difference import first_difference
from workbench.engine.export.output_gap import output_gap
from workbench.engine.runtime.fresh_process import start_deaf_to_ctrl_c
from workbench.engine.runtime.random_inputs import RANDOM_INPUTS, random_inputs
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_RANDOM_SAMPLES = 8
_POLL_S, _END_S = 0.1, 2.0

Indices = npt.NDArray[np.int64]
Outputs = list[npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class _Task:
    """What the fresh process is told: paths and settings, nothing of the preview."""

    model_path: str
    data: DataInfo | None


def verify_file(preview: bytes, path: Path, dataset: Dataset | None, ctx: JobContext) -> Verification:
    """Compare the file, opened in a fresh process, with the previewed bytes on the same samples.

    Outputs are compared batch by batch as they come, so that none but one batch's are held.

    Args:
        preview: the bytes that were previewed.
        path: the file that was written.
        dataset: the samples, all of which are used; eight seeded random inputs if None.
        ctx: asked before each batch; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        VerificationError: the fresh process failed to open or run the file.
    """
    session = RuntimeSession(preview)
    task = _Task(str(path), dataset.info if dataset is not None else None)
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_run_fresh, args=(task, send))
    start_deaf_to_ctrl_c(process)
    send.close()
    found = _Comparison(is_random=dataset is None)

    def compare(places: Indices, outputs: Outputs) -> None:
        if found.add(len(places), outputs, _received(receive, ctx)):
            found.first_difference = first_difference(preview, path, _feeds(session, dataset, places))

    try:
        _run_all(session, dataset, ctx, compare)
        process.join(_END_S)
    finally:
        # Still there after an error or a cancel, when nobody needs its answers.
        receive.close()
        process.kill()
        process.join()
    return found.result()


@dataclass
class _Comparison:
    """What has been compared so far."""

    is_random: bool
    samples: int = 0
    agreed: int = 0
    largest: float = 0.0
    first_difference: str = ""
    num_nan: int = 0

    def add(self, count: int, expected: Outputs, found: Outputs) -> bool:
        """Count a batch of `count` samples in; whether it is the first that differs."""
        difference = max(output_gap(one, two) for one, two in zip(expected, found, strict=True))
        is_first = difference > 0 and self.largest == 0
        self.samples += count
        self.num_nan += num_with_nan(found, count)
        self.agreed += _num_same(count, expected[0], found[0])
        self.largest = max(self.largest, difference)
        return is_first

    def result(self) -> Verification:
        """The whole."""
        ok = self.largest == 0 and self.agreed == self.samples
        agreement = self.agreed / self.samples if self.samples else 1.0
        return Verification(
            self.samples, self.largest, agreement, ok, self.first_difference, self.is_random, self.num_nan
        )


def _run_fresh(task: _Task, send: Connection) -> None:
    """In the fresh process: open the file and the samples again, send the outputs batch by batch."""
    try:
        session = RuntimeSession(Path(task.model_path))
        dataset = None
        if task.data is not None:
            # Each sample is read once here, so none is worth keeping.
            path, preprocessing = Path(task.data.path), task.data.preprocessing
            dataset = open_dataset(path, preprocessing, session.inputs, kept_bytes=0)
        _run_all(session, dataset, JobContext(), lambda _, outputs: send.send(outputs))
    except WorkbenchError as error:
        send.send(str(error))
    except ConnectionError:
        pass  # the parent was cancelled and needs no more
    finally:
        send.close()


def _run_all(
    session: RuntimeSession, dataset: Dataset | None, ctx: JobContext, on_batch: Callable[[Indices, Outputs], None]
) -> None:
    """Every sample in the same order and batches in both processes; that of an evaluation, which has them ready."""
    if dataset is not None:
        collect_outputs(session, dataset, seeded_order(len(dataset)), ctx, on_batch)
        return
    for index in range(_RANDOM_SAMPLES):
        ctx.checkpoint()
        outputs = session.run(random_inputs(session, seed=index), ctx, fed=RANDOM_INPUTS)
        on_batch(np.array([index]), [output if output.ndim else output[None] for output in outputs])
        ctx.progress(index + 1, _RANDOM_SAMPLES, f"{index + 1} of {_RANDOM_SAMPLES} random inputs")


def _feeds(session: RuntimeSession, dataset: Dataset | None, places: Indices) -> dict[str, npt.NDArray[np.generic]]:
    if dataset is None:
        return random_inputs(session, seed=int(places[0]))
    # As many as a fixed batch takes, or all of these.
    size = session.batch_size or len(places)
    return dataset.batch(np.resize(places, size))


def _received(receive: Connection, ctx: JobContext) -> Outputs:
    try:
        while not receive.poll(_POLL_S):
            ctx.checkpoint()
        answer = receive.recv()
    except (EOFError, ConnectionError) as error:
        raise VerificationError("the fresh process ended while it ran the file", "try again; free memory") from error
    if isinstance(answer, str):
        raise VerificationError(f"the fresh process cannot use the file: {answer}")
    outputs: Outputs = answer
    return outputs


def _num_same(count: int, expected: npt.NDArray[np.generic], found: npt.NDArray[np.generic]) -> int:
    """How many samples give the same first answer. Outputs that are not by sample count as one."""
    if expected.shape != found.shape or expected.size == 0:
        return count if expected.shape == found.shape else 0
    rows = count if expected.shape[:1] == (count,) else 1
    best = [output.reshape(rows, -1).argmax(axis=1) for output in (expected, found)]
    return int((best[0] == best[1]).sum()) * (count // rows)
