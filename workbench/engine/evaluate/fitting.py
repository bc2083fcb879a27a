"""Whether samples fit a model, found out by running one of them: before they take the place of others."""

import math

import numpy as np

from workbench.engine.data.dataset import Dataset
from workbench.engine.evaluate.judge import Judge, check_labels, choose_metric
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext


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
