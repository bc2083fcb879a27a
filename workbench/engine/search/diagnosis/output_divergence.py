"""How far a compressed model's outputs are from the float model's, on a few samples."""

import numpy as np
import numpy.typing as npt

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.data.dataset import Dataset, seeded_subset
from workbench.engine.evaluate.collecting import collect_outputs
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

Outputs = list[npt.NDArray[np.generic]]


class OutputDivergence:
    """Measures compressed models against one float model on the same samples.

    Args:
        original: the float model.
        answers: its answers, kept from other evaluations.
        dataset: the samples.
        limit: number of samples.
    """

    def __init__(self, original: RuntimeSession, answers: ReferenceAnswers, dataset: Dataset, limit: int) -> None:
        self._original, self._answers, self._dataset, self._limit = original, answers, dataset, limit
        self._expected: list[Outputs] = []

    def of(self, data: bytes, ctx: JobContext) -> Figure:
        """KL divergence of the outputs, nats; where they are no classes, the mean share of noise in each output.

        The share of noise is Σ(y−ŷ)² / Σy² over all samples, as boxes and scores of a detector have it.

        Args:
            data: the compressed file's bytes.
            ctx: asked before each batch; told the progress.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: the file does not run on the samples.
        """
        session = RuntimeSession(data)
        reports = evaluate(session, self._dataset, ctx, limit=self._limit, metric="agreement", reference=self._answers)
        *_, report = reports
        if report.kl_divergence is not None:
            return report.kl_divergence
        return Figure(self._noise(session, ctx), "fraction", Origin.MEASURED, n=report.figure.n)

    def _noise(self, session: RuntimeSession, ctx: JobContext) -> float:
        if not self._expected:
            self._expected = self._outputs(self._original, ctx)
        found = self._outputs(session, ctx)
        shares = [_noise_share(self._expected, found, number) for number in range(len(found[0]))]
        return float(np.mean(shares))

    def _outputs(self, session: RuntimeSession, ctx: JobContext) -> list[Outputs]:
        order = seeded_subset(len(self._dataset), self._limit)
        batches: list[Outputs] = []
        collect_outputs(session, self._dataset, order, ctx, lambda _, outputs: batches.append(outputs))
        return batches


def _noise_share(expected: list[Outputs], found: list[Outputs], number: int) -> float:
    """Of one output over all batches."""
    signal = noise = 0.0
    for one, two in zip(expected, found, strict=True):
        wanted = np.asarray(one[number], np.float64)
        signal += float(np.sum(np.square(wanted)))
        noise += float(np.sum(np.square(wanted - np.asarray(two[number], np.float64))))
    return noise / signal if signal > 0 else 0.0
