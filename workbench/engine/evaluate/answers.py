"""What a model says of each sample, small enough to keep: its best classes and their log-probabilities."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_MAX_KEPT_CLASSES = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A model's answers to some samples.

    Args:
        best: the five best classes, best first, shape (N, ≤ 5), int64; of the first output.
        log_probabilities: shape (N, classes), float32; None where there are too many classes to keep.
    """

    best: npt.NDArray[np.int64]
    log_probabilities: npt.NDArray[np.float32] | None

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """The best class of each sample, shape (N,)."""
        return self.best[:, 0]


def answers_of(output: npt.NDArray[np.generic]) -> Answers:
    """The answers in a model's first output of shape (N, …); the rest is seen as one row of classes.

    Outputs that are probabilities already are taken as such, others go through a softmax.
    """
    scores = np.asarray(output, np.float32).reshape(len(output), -1)
    width = min(5, scores.shape[1])
    best = np.argpartition(-scores, width - 1, axis=1)[:, :width] if scores.shape[1] > width else None
    if best is None:
        best = np.argsort(-scores, axis=1, kind="stable")
    else:
        # argpartition may leave out the first of equal scores, which argmax would take.
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        best[:, 0] = scores.argmax(axis=1)
    kept = _log_probabilities(scores) if 1 < scores.shape[1] <= _MAX_KEPT_CLASSES else None
    return Answers(best.astype(np.int64), kept)


def kl_divergence(reference: Answers, other: Answers) -> npt.NDArray[np.float64] | None:
    """KL divergence of each sample's classes from the reference's, in nats, shape (N,); None if not kept."""
    if reference.log_probabilities is None or other.log_probabilities is None:
        return None
    p = reference.log_probabilities.astype(np.float64)
    divergence = (np.exp(p) * (p - other.log_probabilities)).sum(axis=1)
    return np.asarray(np.maximum(divergence, 0.0))


def _log_probabilities(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    sums = scores.sum(axis=1)
    if scores.min() >= 0 and np.allclose(sums, 1, atol=1e-3):
        return np.log(np.maximum(scores, np.float32(1e-12)))
    shifted = scores - scores.max(axis=1, keepdims=True)
    logged: npt.NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logged
