"""The original beside what became of it: sizes, counts, zeros and accuracy."""

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.measurement import Figure
from workbench.engine.core.plan import Plan
from workbench.engine.core.reports import EvaluationReport, ModelSummary


def compared_accuracy(evaluation: EvaluationReport | None) -> tuple[Figure | None, Figure | None, Figure | None]:
    """The original's figure, the compressed model's, and the difference."""
    if evaluation is None:
        return None, None, None
    if evaluation.metric == "agreement":
        # The original agrees with itself whatever it does: that is no measurement of it.
        return None, evaluation.figure, None
    return evaluation.reference or evaluation.figure, evaluation.figure, evaluation.difference


def shares_left(compressor: Compressor, plan: Plan) -> dict[str, float]:
    """What is left of each layer's weights; empty where no channels go."""
    kept = {group.group: group.kept for group in plan.groups}
    return compressor.pruning.channels.layer_shares(kept) if kept else {}


def summary_of(compressor: Compressor, plan: Plan, file_bytes: int, accuracy: Figure | None) -> ModelSummary:
    """A model after a plan.

    Args:
        compressor: of the model, without the channels that go.
        plan: what is done to it.
        file_bytes: of the file that this gives.
        accuracy: as it was measured; None if it was not.
    """
    info = compressor.model.info
    is_known = any(layer.statistics is not None for layer in info.layers)
    sparsity = compressor.sparsity(plan) if is_known else None
    return ModelSummary(file_bytes, info.num_params, info.macs, sparsity, accuracy)
