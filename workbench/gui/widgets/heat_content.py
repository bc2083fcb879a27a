"""What a heat map shows, as values."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class HeatContent:
    """What the map shows.

    Args:
        columns: names of the layers.
        rows: heads of the settings.
        sections: titles of the kinds of settings, each with its number of rows.
        places: where each cell lies on the scale, 0…1, NaN where it is not measured; shape (rows, columns).
        has_error: which cells could not be measured; same shape.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    sections: tuple[tuple[str, int], ...] = ()
    places: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    has_error: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
