"""What costs look like before a device is measured: learned from all devices together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CostPrior:
    """Logarithms of a run's costs are normal: mean W'φ of its traits, covariance S, and one factor that is all its own.

    Args:
        features: names of the costs, K of them.
        traits: names of what is known of a run without measuring, P of them; the first is constant.
        weights: W, shape (P, K).
        covariance: S of the costs' shape, (K, K).
        scale_variance: of the logarithm of the factor.
        sigma: standard deviation of the logarithm of one network's time about the model.
        floor_ms: times near it count less: what a call and a clock take is not modelled.
        uncertainty: standard deviation of each cost's logarithm that is left after a run is fitted, (K,).
    """

    features: tuple[str, ...]
    traits: tuple[str, ...]
    weights: Floats
    covariance: Floats
    scale_variance: float
    sigma: float
    floor_ms: float
    uncertainty: Floats

    def mean(self, traits: Floats) -> Floats:
        """Expected logarithms of costs in ms, shape (K,) or (runs, K), for traits (P,) or (runs, P)."""
        return np.asarray(traits @ self.weights, np.float64)

    @property
    def precision(self) -> Floats:
        """Inverse covariance of costs with the factor, shape (K, K)."""
        return np.asarray(np.linalg.inv(self.covariance + self.scale_variance), np.float64)
