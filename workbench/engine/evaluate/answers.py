"""What a model says of each sample, small enough to keep: best classes and log-probabilities, or an image's PSNR."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.evaluate.positions import classes_by_position, has_positions

_MAX_KEPT_CLASSES = 4096
_NUM_BEST = 5
# Probabilities that went through 8 bits sum to 1 only roughly; logits practically never do for every sample.
_SUM_TOLERANCE = 0.05
_LEAST_PROBABILITY = 1e-12
# Without it, predictions for a ViT on Fashion-MNIST are worse than by right and wrong answers; with more, those for
# ResNet-20 are, as hardly any answer is left between.
_SHARPNESS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A model's answers to some samples.

    Args:
        best: the five best classes, best first, shape (N, ≤ 5), int64; of the first output.
        log_probabilities: shape (N, classes), float32; None where outputs are no classes, or too many.
        psnr_db: of each sample, shape (N,); None unless outputs are judged as images.
        positions: the best class at each position of a sample, shape (N, positions); None where a sample has one row
            of scores.
    """

    best: npt.NDArray[np.int64]
    log_probabilities: npt.NDArray[np.float32] | None = None
    psnr_db: npt.NDArray[np.float64] | None = None
    positions: npt.NDArray[np.int32] | None = None

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """The best class of each sample, shape (N,)."""
        return self.best[:, 0]


def answers_of(output: npt.NDArray[np.generic], *, with_probabilities: bool = True) -> Answers:
    """The answers in a model's first output of shape (N, …): of one row of classes, or of many positions.

    Outputs that are probabilities already are taken as such, others go through a softmax. Without
    probabilities it takes a third of the time.
    """
    scores = np.asarray(output, np.float32).reshape(len(output), -1)
    if has_positions(output):
        return Answers(_best(scores), positions=classes_by_position(output))
    keeps = with_probabilities and 1 < scores.shape[1] <= _MAX_KEPT_CLASSES
    return Answers(_best(scores), _log_probabilities(scores) if keeps else None)


def same_answers(one: Answers, other: Answers) -> npt.NDArray[np.float64]:
    """How far each sample has the same answer, shape (N,): 0 or 1, or the share of positions with the same class."""
    if one.positions is None or other.positions is None:
        return np.asarray(one.classes == other.classes, np.float64)
    return np.asarray((one.positions == other.positions).mean(axis=1))


def two_classes(scores: npt.NDArray[np.generic], *, are_logits: bool) -> npt.NDArray[np.float32]:
    """A single score of each sample as scores of the classes 0 and 1, shape (N, 2).

    Args:
        scores: N numbers in any shape.
        are_logits: whether they are log-odds of class 1, with its border at 0; otherwise its probability.
    """
    single = np.asarray(scores, np.float32).reshape(-1)
    # The softmax of (0, z) is the sigmoid of z.
    return np.stack([np.zeros_like(single) if are_logits else 1 - single, single], axis=1)


def kl_divergence(reference: Answers, other: Answers) -> npt.NDArray[np.float64] | None:
    """KL divergence of each sample's classes from the reference's, in nats, shape (N,); None if not kept.

    Source: Kullback & Leibler 1951, equation 2.2: Σ p · (ln p − ln q).
    """
    if reference.log_probabilities is None or other.log_probabilities is None:
        return None
    p = reference.log_probabilities.astype(np.float64)
    divergence = (np.exp(p) * (p - other.log_probabilities)).sum(axis=1)
    return np.asarray(np.maximum(divergence, 0.0))


def soft_drop(
    reference: Answers, other: Answers, classes: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.float64] | None:
    """How much less each answer counts than the reference's if it counts by its probability, −1…1, shape (N,).

    It changes with any noise, where right or wrong mostly stays: of a few samples its mean tells what the accuracy of
    many would. Probabilities are sharpened before, so that a model that is only less sure of the same answers loses
    little.

    Args:
        reference: answers to N samples.
        other: to the same.
        classes: the right one of each sample, shape (N,); None where nothing says.

    Returns:
        None without classes, where probabilities are not kept, or where a class is none of the model's.
    """
    before, after = reference.log_probabilities, other.log_probabilities
    if classes is None or before is None or after is None:
        return None
    if classes.min(initial=0) < 0 or classes.max(initial=0) >= before.shape[1]:
        return None
    return _sharpened(before, classes) - _sharpened(after, classes)


def _sharpened(logged: npt.NDArray[np.float32], classes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The probability of one class of each sample, all logits times `_SHARPNESS`."""
    sharp = np.exp(_SHARPNESS * logged.astype(np.float64))
    return np.asarray(sharp[np.arange(len(classes)), classes] / sharp.sum(axis=1))


def _best(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Of equal scores the first comes first, as argmax has it."""
    width = min(_NUM_BEST, scores.shape[1])
    best = np.empty((len(scores), width), np.int64)
    left = scores.copy() if width > 1 else scores
    rows = np.arange(len(scores))
    for place in range(width):
        best[:, place] = left.argmax(axis=1)
        if place + 1 < width:
            left[rows, best[:, place]] = -np.inf
    return best


def _log_probabilities(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    sums = scores.sum(axis=1, keepdims=True)
    if scores.min() >= 0 and np.all(np.abs(sums - 1) <= _SUM_TOLERANCE):
        return np.asarray(np.log(np.maximum(scores / sums, np.float32(_LEAST_PROBABILITY))))
    shifted = scores - scores.max(axis=1, keepdims=True)
    logged: npt.NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    # As of probabilities: with logits in the thousands, one sample would be the divergence of all.
    return np.maximum(logged, np.float32(np.log(_LEAST_PROBABILITY)))
