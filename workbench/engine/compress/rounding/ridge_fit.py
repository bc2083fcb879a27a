"""Least squares: the weights whose outputs come closest to those wanted, drawn towards the weights that are there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
# Added to the diagonal of H, as a share of its mean: keeps weights where the samples say nothing of them.
DAMPING = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class OutputProblem:
    """What the samples say of a layer's outputs: the error of weights W is tr((W − W*) H (W − W*)').

    Args:
        inputs: H, shape (G, K, K): mean products of what is summed into an output, for each group of a
            grouped convolution.
        wanted: C, shape (G, K, N): mean products of that with the wanted outputs.
        num_rows: how many places of outputs the means are over.
    """

    inputs: Array
    wanted: Array
    num_rows: int


def ridge_fit(weight: npt.NDArray[np.floating], problem: OutputProblem, *, damping: float = DAMPING) -> Array:
    """The weights that minimise E[(W x − t)²] + λ |W − W₀|².

    W' = (H + λ I)⁻¹ (C + λ W₀'), with H = E[x x'] and C = E[x t']. As W₀ itself has no penalty, the error of the
    outputs is never larger than with W₀. λ is `damping` of H's mean diagonal, and more where there are fewer rows than
    weights of an output: what a few samples say of many weights is mostly noise.

    Args:
        weight: W₀, shape (G, N, K): groups, outputs of a group, weights of an output.
        problem: H and C of the layer.
        damping: share of the mean of H's diagonal.

    Returns:
        Shape (G, N, K). Cost: G·K³.

    Source: He et al. 2017 (arXiv:1707.06168), section 3.1, eq. 5, and Luo et al. 2017 (ThiNet, arXiv:1707.06342),
        section 3.2.2, eq. 7; the ridge is ours.
    """
    size = problem.inputs.shape[-1]
    # Inputs that were never anything but zero must not make the system singular.
    mean = np.maximum(np.einsum("gkk->gk", problem.inputs).mean(axis=1), np.finfo(np.float32).tiny)[:, None, None]
    ridge = max(damping, size / max(1, problem.num_rows)) * mean
    right = problem.wanted + ridge * weight.transpose(0, 2, 1).astype(np.float64)
    return np.ascontiguousarray(np.linalg.solve(problem.inputs + ridge * np.eye(size), right).transpose(0, 2, 1))
