"""The original model's answers, computed when first asked for and kept, so that no sample is run twice."""

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import DataError
from workbench.engine.data.dataset import Dataset
from workbench.engine.evaluate.answers import Answers
from workbench.engine.evaluate.judge import Judge
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

Indices = Sequence[int] | npt.NDArray[np.int64]
Feeds = Mapping[str, npt.NDArray[np.generic]]
_KEPT_BYTES = 256 << 20


class ReferenceAnswers:
    """Answers of one model to one data set. May be asked from several threads.

    Args:
        session: the original model.
        dataset: the samples.
        max_bytes: answers beyond are computed each time.
    """

    def __init__(self, session: RuntimeSession, dataset: Dataset, *, max_bytes: int = _KEPT_BYTES) -> None:
        self._session = session
        self._dataset = dataset
        self._max_bytes = max_bytes
        self._kept_bytes = 0
        self._known: dict[tuple[bool, int], Answers] = {}
        self._lock = threading.Lock()

    @property
    def dataset_digest(self) -> str:
        """Of the samples and preprocessing that the answers hold for."""
        return self._dataset.info.digest

    def answers(self, indices: Indices, feeds: Feeds, ctx: JobContext, judge: Judge | None = None) -> Answers:
        """The answers to these samples, which `feeds` holds already; only unknown ones are run.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: the judge looks at other samples.
            RunError: the model does not take the samples.
        """
        judge = judge or Judge("agreement", self._dataset)
        if judge.dataset.info.digest != self.dataset_digest:
            raise DataError("the original's answers belong to other samples", "evaluate the original on these")
        keys = [(judge.metric == "psnr", int(index)) for index in indices]
        found = {row: self._known[key] for row, key in enumerate(keys) if key in self._known}
        missing = [row for row in range(len(keys)) if row not in found]
        if missing:
            places = np.asarray(indices, np.int64)[missing]
            rows = feeds if len(missing) == len(keys) else {name: array[missing] for name, array in feeds.items()}
            fresh = judge.answers(self._session.run_samples(rows, len(missing), ctx)[0], places)
            if len(missing) == len(keys):
                self._keep_all(keys, fresh)
                return fresh
            found |= {row: _row(fresh, place) for place, row in enumerate(missing)}
            self._keep_all([keys[row] for row in missing], fresh)
        return _stacked([found[row] for row in range(len(keys))])

    def _keep_all(self, keys: Sequence[tuple[bool, int]], answers: Answers) -> None:
        with self._lock:
            for place, key in enumerate(keys):
                row = _row(answers, place)
                size = sum(array.nbytes for array in _arrays(row))
                if key not in self._known and self._kept_bytes + size <= self._max_bytes:
                    self._known[key] = row
                    self._kept_bytes += size


def _row(answers: Answers, place: int) -> Answers:
    """One sample's answer, copied so that the batch it came in can go."""
    logged, quality, positions = answers.log_probabilities, answers.psnr_db, answers.positions
    return Answers(
        answers.best[place : place + 1].copy(),
        None if logged is None else logged[place : place + 1].copy(),
        None if quality is None else quality[place : place + 1].copy(),
        None if positions is None else positions[place : place + 1].copy(),
    )


def _arrays(answers: Answers) -> list[npt.NDArray[np.generic]]:
    parts = (answers.best, answers.log_probabilities, answers.psnr_db, answers.positions)
    return [part for part in parts if part is not None]


def _stacked(rows: Sequence[Answers]) -> Answers:
    logged = [row.log_probabilities for row in rows if row.log_probabilities is not None]
    quality = [row.psnr_db for row in rows if row.psnr_db is not None]
    positions = [row.positions for row in rows if row.positions is not None]
    return Answers(
        np.concatenate([row.best for row in rows]),
        np.concatenate(logged) if logged else None,
        np.concatenate(quality) if quality else None,
        np.concatenate(positions) if positions else None,
    )
