"""How far a compressed model's outputs are from the float model's, on a few samples."""

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.data.dataset import Dataset
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.jobs import JobContext


def output_divergence(
    data: bytes, dataset: Dataset, original: ReferenceAnswers, ctx: JobContext, *, limit: int
) -> Figure:
    """KL divergence of the outputs from the original's, nats; where they are no classes, the share of other answers.

    Args:
        data: the compressed file's bytes.
        dataset: the samples.
        original: the original's answers to them.
        ctx: asked before each batch; told the progress.
        limit: number of samples.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: the file does not run on the samples.
    """
    *_, report = evaluate(data, dataset, ctx, limit=limit, metric="agreement", reference=original)
    if report.kl_divergence is not None:
        return report.kl_divergence
    return Figure(1 - report.figure.value, "fraction", Origin.MEASURED, n=report.figure.n)
