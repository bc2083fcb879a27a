"""Whether samples fit a model, found out by running one of them: before they take the place of others."""

import math
from collections.abc import Sequence

import numpy as np

from workbench.engine.core.errors import DataError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.data.dataset import Dataset
from workbench.engine.evaluate.judge import Judge, check_labels, choose_metric
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_COMPARE = "compare models whose inputs have one shape"


def check_fits(session: RuntimeSession, dataset: Dataset, ctx: JobContext) -> None:
    """Run the first sample, and look whether labels or target images go with what comes out.

    Raises:
        Cancelled: somebody asked to stop.
        DataError: labels or target images do not fit, or the data has not what its metric needs.
        RunError: the model does not take the sample.
    """
    metric = choose_metric(dataset.info.preprocessing.metric, dataset, session.outputs[0])
    judge, first = Judge(metric, dataset), np.zeros(1, np.int64)
    output = session.run_samples(dataset.batch(first), 1, ctx)[0]
    judge.answers(output, first, with_probabilities=False)
    if judge.uses_labels:
        check_labels(dataset, max(2, math.prod(output.shape[1:])))


def check_same_inputs(found: Sequence[TensorInfo], wanted: Sequence[TensorInfo], path: str) -> None:
    """Raise DataError, naming the other model, unless it takes what was made ready for this one."""
    if len(found) != len(wanted):
        raise DataError(f"{path}: takes {len(found)} inputs, the first model {len(wanted)}", _COMPARE)
    for one, other in zip(found, wanted, strict=True):
        sizes = list(zip(one.shape[1:], other.shape[1:], strict=False))
        differs = any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in sizes)
        if len(one.shape) != len(other.shape) or differs:
            shapes = [" × ".join(str(size) for size in item.shape) for item in (one, other)]
            raise DataError(f"{path}: its input takes {shapes[0]}, that of the first model {shapes[1]}", _COMPARE)
