"""Which weights of a layer stay, as its plan says."""

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.weights.magnitude import kept_mask
from workbench.engine.compress.weights.patterns import pattern_mask
from workbench.engine.core.layer import Layer
from workbench.engine.core.plan import LayerPlan


def kept_weights(weight: npt.NDArray[np.float32], layer: Layer, entry: LayerPlan) -> npt.NDArray[np.bool_] | None:
    """Which weights stay, same shape as the weight; None where nothing is pruned."""
    if entry.pattern is not None:
        return pattern_mask(weight, layer, entry.pattern)
    return kept_mask(weight, entry.threshold) if entry.threshold else None
