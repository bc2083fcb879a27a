"""The original model's answers, computed when first asked for and kept, so that no sample is run twice."""

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workbench.engine.data.dataset import Dataset
from workbench.engine.evaluate.answers import Answers, answers_of
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

Indices = Sequence[int] | npt.NDArray[np.int64]


class ReferenceAnswers:
    """Answers of one model to one data set.

    Args:
        session: the original model.
        dataset: the samples.
    """

    def __init__(self, session: RuntimeSession, dataset: Dataset) -> None:
        self._session = session
        self._dataset = dataset
        self._known: dict[int, tuple[npt.NDArray[np.int64], npt.NDArray[np.float32] | None]] = {}
        self._lock = threading.Lock()

    def answers(self, indices: Indices, feeds: dict[str, npt.NDArray[np.generic]], ctx: JobContext) -> Answers:
        """The answers to these samples, which `feeds` holds already."""
        if any(int(index) not in self._known for index in indices):
            found = answers_of(self._session.run(feeds, ctx)[0][: len(indices)])
            with self._lock:
                for row, index in enumerate(indices):
                    kept = found.log_probabilities
                    self._known[int(index)] = (found.best[row], None if kept is None else kept[row])
            return found
        rows = [self._known[int(index)] for index in indices]
        best = np.stack([row[0] for row in rows])
        logged = [row[1] for row in rows if row[1] is not None]
        stacked = np.stack(logged) if logged else None
        return Answers(best, stacked)
