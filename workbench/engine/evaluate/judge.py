"""Which metric a data set gets, and what a model's outputs are worth by it."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import DataError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.data.dataset import Dataset
from workbench.engine.evaluate.answers import Answers, answers_of, same_answers, two_classes
from workbench.engine.evaluate.positions import class_axis
from workbench.engine.evaluate.psnr import psnr_db

Indices = npt.NDArray[np.int64]
_CLASS_METRICS = ("top1", "top5")


@dataclass(slots=True)
class Judge:
    """One metric on one data set.

    Args:
        metric: "top1", "top5", "psnr" or "agreement".
        dataset: the samples, with their labels or targets.
        has_logits: of models with a single score: whether one outside 0…1 was seen, so that none is a probability.
    """

    metric: str
    dataset: Dataset
    has_logits: bool = False

    @property
    def uses_labels(self) -> bool:
        """Whether labels are compared with the outputs."""
        return self.metric in _CLASS_METRICS

    def answers(self, output: npt.NDArray[np.generic], indices: Indices, *, with_probabilities: bool = True) -> Answers:
        """What a model's first output says of these samples.

        Raises:
            DataError: it is one number for all samples, or images have the wrong size.
        """
        if output.ndim == 0:
            raise DataError(
                f"{self.dataset.info.path}: the model's first output is one number for all samples, not an answer each",
                "give a model whose first output lists the samples; `calibration` data needs no answers",
            )
        if self.metric != "psnr":
            return answers_of(self._told_apart(output), with_probabilities=with_probabilities)
        targets = self.dataset.targets
        assert targets is not None
        quality = psnr_db(output, targets[indices], self.dataset.info.preprocessing.scale)
        return Answers(np.zeros((len(indices), 0), np.int64), None, quality)

    def _told_apart(self, output: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """The output with two classes in the place of a single score, of a sample or at each position."""
        self.has_logits = self.has_logits or holds_logits(output)
        return told_apart(output, are_logits=self.has_logits)

    def hits(self, answers: Answers, original: Answers | None, indices: Indices) -> npt.NDArray[np.bool_]:
        """On which samples the answer is right, shape (N,); for metrics that are a share of samples."""
        if self.metric == "agreement":
            assert original is not None
            return np.asarray(same_answers(answers, original) == 1)
        width = 5 if self.metric == "top5" else 1
        return np.asarray((answers.best[:, :width] == self.right_classes(indices)[:, None]).any(axis=1))

    def right_classes(self, indices: Indices) -> Indices:
        """Which of the model's classes is right by the labels, shape (N,); for metrics that use them."""
        labels = self.dataset.labels
        assert labels is not None
        return np.asarray(labels[indices] + self.dataset.info.preprocessing.labels_offset, np.int64)


def holds_logits(output: npt.NDArray[np.generic]) -> bool:
    """Whether an output of single scores has one outside 0…1, so that none is a probability."""
    return _is_single(output) and bool(np.any((np.asarray(output) < 0) | (np.asarray(output) > 1)))


def told_apart(output: npt.NDArray[np.generic], *, are_logits: bool) -> npt.NDArray[np.generic]:
    """An output of single scores, of a sample or at each position, as scores of two classes; others as they are."""
    if not _is_single(output):
        return output
    return two_classes(np.asarray(output, np.float32), are_logits=are_logits).reshape(len(output), -1, 2)


def choose_metric(asked: str, dataset: Dataset, output: TensorInfo) -> str:
    """The metric that was asked for, or the one that the data and the model's output allow.

    Args:
        asked: "" to choose: top1 with labels and classes, psnr with target images, otherwise agreement.
        dataset: the samples.
        output: the model's first.

    Raises:
        DataError: the data has not what the metric needs.
    """
    path, has_labels, has_targets = dataset.info.path, dataset.info.has_labels, dataset.targets is not None
    if asked in _CLASS_METRICS and not has_labels:
        raise DataError(f"{path}: {asked} needs labels, which the data has not", "set `metric: agreement`")
    if asked == "psnr" and not has_targets:
        raise DataError(f"{path}: psnr needs target images", "give them as `y` in an .npz")
    if not asked and has_labels and _gives_classes(output):
        return "top1"
    if not asked and has_targets:
        return "psnr"
    return asked or "agreement"


def check_labels(dataset: Dataset, num_outputs: int) -> None:
    """Raise DataError, naming the sample, unless each label with its offset is one of the outputs."""
    labels, offset = dataset.labels, dataset.info.preprocessing.labels_offset
    if labels is None:
        return
    outside = np.flatnonzero((labels + offset < 0) | (labels + offset >= num_outputs))
    if outside.size:
        index = int(outside[0])
        shifted = f" + {offset}" if offset else ""
        raise DataError(
            f"{dataset.info.path}: sample {dataset.name(index)} has label {int(labels[index])}{shifted}, "
            f"but the model's outputs are numbered 0 to {num_outputs - 1}",
            "correct the labels, or set `labels_offset`",
        )


def num_outputs(output: TensorInfo) -> int | None:
    """How many classes the output tells apart; None if its shape does not say. A single score tells two."""
    sizes = [dim for dim in output.shape[1:] if isinstance(dim, int)]
    return max(2, math.prod(sizes)) if output.shape and len(sizes) == len(output.shape) - 1 else None


def _is_single(output: npt.NDArray[np.generic]) -> bool:
    return output.size == len(output) or (output.ndim >= 4 and output.shape[class_axis(output)] == 1)


def _gives_classes(output: TensorInfo) -> bool:
    """Whether the output may be one row of scores: at most one dimension of a sample is larger than 1."""
    return sum(1 for dim in output.shape[1:] if dim != 1) <= 1
