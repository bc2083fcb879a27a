"""How large and how often zero the channels of a tensor are."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class ChannelActivity:
    """Of one tensor, over samples and positions.

    Args:
        mean_magnitude: mean |a| of each channel, shape (C,).
        zero_share: how many of its values are exactly zero, 0…1, shape (C,).
    """

    mean_magnitude: npt.NDArray[np.float64]
    zero_share: npt.NDArray[np.float64]
