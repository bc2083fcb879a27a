"""How far a model's outputs are from what they should be, sample by sample, in double precision."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Outputs = Sequence[npt.NDArray[np.generic]]
Floats = npt.NDArray[np.float64]
# As where answers are judged: probabilities from a rounded softmax sum to one only roughly.
_SUM_TOLERANCE = 0.05
_LEAST_PROBABILITY = 1e-12


def class_scores(outputs: Outputs) -> npt.NDArray[np.generic] | None:
    """The first output as scores of classes, shape (N, K), K > 1; None if it is something else."""
    first = np.asarray(outputs[0])
    is_row = first.ndim >= 2 and int(np.prod(first.shape[1:])) == max(first.shape[1:], default=1) > 1
    return first.reshape(len(first), -1) if is_row else None


def log_probabilities(scores: npt.NDArray[np.generic]) -> Floats:
    """Natural logarithms of the classes' probabilities, shape (N, K); of scores that are no probabilities a softmax."""
    wide = scores.astype(np.float64)
    if bool((wide >= 0).all()) and bool((np.abs(wide.sum(axis=1) - 1) < _SUM_TOLERANCE).all()):
        return np.asarray(np.log(np.maximum(wide, _LEAST_PROBABILITY)))
    shifted = wide - wide.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def cross_entropy(scores: npt.NDArray[np.generic], label: int) -> Floats:
    """−ln p(label) of each row, nats, shape (N,)."""
    return -log_probabilities(scores)[:, label]


def divergence(reference: Outputs, outputs: Outputs) -> Floats:
    """How far each row is from the reference, which has one row, shape (N,).

    KL divergence where the first output is scores of classes, nats; else half the squared error as a share of the
    reference's squares, which is the same of normal distributions around the outputs, summed over the outputs.
    """
    expected, found = class_scores(reference), class_scores(outputs)
    if expected is not None and found is not None:
        p, q = log_probabilities(expected), log_probabilities(found)
        return np.asarray((np.exp(p) * (p - q)).sum(axis=1))
    total = np.zeros(len(outputs[0]))
    for wanted, other in zip(reference, outputs, strict=True):
        signal = np.asarray(wanted, np.float64).reshape(1, -1)
        error = np.asarray(other, np.float64).reshape(len(total), -1) - signal
        total += np.square(error).sum(axis=1) / max(float(np.square(signal).sum()), np.finfo(np.float64).tiny) / 2
    return total
