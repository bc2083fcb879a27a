"""Proof that a written file is what was previewed: a fresh process opens it, and every output is compared."""

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.core.errors import VerificationError, WorkbenchError
from workbench.engine.core.reports import DataInfo, Preprocessing, Verification
from workbench.engine.data.dataset import Dataset, open_dataset
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_BATCH = 50
_RANDOM_SAMPLES = 8

Outputs = list[npt.NDArray[np.generic]]
Feeds = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class _Task:
    """What the fresh process is told: paths and settings, nothing of the preview."""

    model_path: str
    data: DataInfo | None
    count: int


def verify_file(preview: bytes, path: Path, dataset: Dataset | None, ctx: JobContext) -> Verification:
    """Compare the file, opened in a fresh process, with the previewed bytes on the same samples.

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
    count = len(dataset) if dataset is not None else _RANDOM_SAMPLES
    task = _Task(str(path), dataset.info if dataset is not None else None, count)
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_run_fresh, args=(task, send))
    process.start()
    send.close()
    done = agreed = 0
    largest = 0.0
    first_difference = ""
    try:
        for feeds, size in _batches(session, dataset, count):
            ctx.checkpoint()
            outputs = [output[:size] for output in session.run(feeds, ctx)]
            difference, same = _compared(outputs, _received(receive))
            largest, agreed, done = max(largest, difference), agreed + same, done + size
            if difference > 0 and not first_difference:
                first_difference = _first_difference(preview, path, feeds)
            ctx.progress(done, count, f"verified {done} of {count} samples")
    finally:
        receive.close()
        process.join(2)
        if process.is_alive():
            process.kill()
            process.join()
    ok = largest == 0 and agreed == done
    return Verification(done, largest, agreed / done if done else 1.0, ok, first_difference)


def _run_fresh(task: _Task, send: Connection) -> None:
    """In the fresh process: open the file and the samples again, send the outputs batch by batch."""
    try:
        session = RuntimeSession(Path(task.model_path))
        dataset = None
        if task.data is not None:
            preprocessing = task.data.preprocessing
            settings = {item.name: getattr(preprocessing, item.name) for item in fields(Preprocessing)}
            del settings["guessed"]
            given = {name: value for name, value in settings.items() if value is not None}
            dataset = open_dataset(Path(task.data.path), given, session.inputs)
        for feeds, size in _batches(session, dataset, task.count):
            send.send([output[:size] for output in session.run(feeds)])
    except WorkbenchError as error:
        send.send(str(error))
    except (BrokenPipeError, ConnectionResetError):
        pass  # the parent was cancelled and needs no more
    finally:
        send.close()


def _batches(session: RuntimeSession, dataset: Dataset | None, count: int) -> Iterator[tuple[Feeds, int]]:
    """The same batches in both processes, and how many samples of each count."""
    size = session.batch_size or (_BATCH if dataset is not None else 1)
    for start in range(0, count, size):
        indices = list(range(start, min(start + size, count)))
        if dataset is None:
            yield _random_feeds(session, size, start), len(indices)
        else:
            filled = indices + indices[-1:] * ((session.batch_size or len(indices)) - len(indices))
            yield dataset.batch(filled), len(indices)


def _random_feeds(session: RuntimeSession, size: int, seed: int) -> Feeds:
    generator = np.random.default_rng(seed)
    feeds: Feeds = {}
    for info in session.inputs:
        shape = tuple(
            dim if isinstance(dim, int) else (size if place == 0 else 1) for place, dim in enumerate(info.shape)
        )
        values = generator.random(shape, dtype=np.float32)
        feeds[info.name] = values if info.dtype == "float" else values.astype(_numpy_name(info.dtype))
    return feeds


def _numpy_name(dtype: str) -> str:
    return {"double": "float64", "bool": "bool"}.get(dtype, dtype)


def _received(receive: Connection) -> Outputs:
    try:
        answer = receive.recv()
    except EOFError as error:
        raise VerificationError("the fresh process ended while it ran the file", "try again; free memory") from error
    if isinstance(answer, str):
        raise VerificationError(f"the fresh process cannot use the file: {answer}")
    outputs: Outputs = answer
    return outputs


def _compared(expected: Outputs, found: Outputs) -> tuple[float, int]:
    """Largest difference over all outputs, and how many samples give the same first answer."""
    largest = 0.0
    for first, second in zip(expected, found, strict=True):
        if first.dtype.kind not in "fiub":
            largest = max(largest, 0.0 if np.array_equal(first, second) else float("inf"))
            continue
        one, two = first.astype(np.float64), second.astype(np.float64)
        same = (one == two) | (np.isnan(one) & np.isnan(two))
        gap = np.where(same, 0.0, np.nan_to_num(np.abs(one - two), nan=np.inf))
        largest = max(largest, float(gap.max(initial=0.0)))
    rows = len(expected[0])
    flat = [np.asarray(output).reshape(rows, -1) for output in (expected[0], found[0])]
    return largest, int((flat[0].argmax(axis=1) == flat[1].argmax(axis=1)).sum())


def _first_difference(preview: bytes, path: Path, feeds: Feeds) -> str:
    """The first node, in graph order, whose output differs between the two models."""
    found = [_all_outputs(onnx.load_from_string(preview), feeds), _all_outputs(onnx.load(str(path)), feeds)]
    names: Sequence[str] = list(found[0])
    missing = np.zeros(0)
    return next((name for name in names if not np.array_equal(found[0][name], found[1].get(name, missing))), "")


def _all_outputs(proto: onnx.ModelProto, feeds: Feeds) -> Feeds:
    """Every tensor that depends on the inputs, by name, in graph order."""
    live = set(feeds)
    taps = []
    for node in proto.graph.node:
        if any(name in live for name in node.input):
            live.update(node.output)
            taps += [name for name in node.output if name]
    del proto.graph.output[:]
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in taps)
    session = RuntimeSession(proto.SerializeToString())
    return dict(zip(taps, session.run(feeds), strict=True))
