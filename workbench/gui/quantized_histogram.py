"""What quantization makes of a histogram, and of each power of two: arithmetic on what the engine has counted."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from workbench.engine.core.quantization_reports import ActivationPreview

_MOST_STEPS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class CodeSteps:
    """The values after they have snapped to their codes, as a histogram with one step a code.

    Args:
        edges: half way between neighbouring codes, shape (K + 1,).
        counts: values a code, in the height that the same values have in the bins before, shape (K,).
    """

    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]


class Fate(Enum):
    """What happens to the values of one octave."""

    KEPT = "kept"
    PARTLY_UNDERFLOWS = "partly underflows"
    UNDERFLOWS = "underflows"
    PARTLY_CLIPPED = "partly clipped"
    CLIPPED = "clipped"


def code_steps(preview: ActivationPreview) -> CodeSteps | None:
    """The fake-quantized histogram; None for a tensor in float.

    Values are taken as spread evenly within their bins. Those beyond the outermost codes are added to these.
    """
    scale, low, high = preview.scale, preview.clip_low, preview.clip_high
    if not scale or low is None or high is None:
        return None
    first, last = round(low / scale), round(high / scale)
    # 16 bits have more codes than a plot has pixels: some neighbours are one step then.
    together = -(-(last - first + 1) // _MOST_STEPS)
    marks = np.append(np.arange(first, last + 1, together), last + 1)
    edges = (marks - 0.5) * scale
    below = np.interp(edges, preview.edges, np.append(0, np.cumsum(preview.counts)))
    below[0], below[-1] = 0, preview.counts.sum()
    bin_width = float(preview.edges[1] - preview.edges[0])
    return CodeSteps(edges, np.diff(below) * bin_width / np.diff(edges))


def octave_fates(preview: ActivationPreview) -> tuple[Fate, ...]:
    """What happens to each of the preview's octaves: below half a step is zero, beyond the outermost code is cut."""
    count = preview.octaves.size
    if preview.scale is None or preview.clip_low is None or preview.clip_high is None:
        return (Fate.KEPT,) * count
    half = preview.scale / 2
    limit = max(abs(preview.clip_low), abs(preview.clip_high)) + half
    return tuple(
        _fate(2.0**exponent, half, limit) for exponent in range(preview.first_octave, preview.first_octave + count)
    )


def share_of(preview: ActivationPreview, fate: Fate) -> float:
    """Fraction of the values that are not zero that lie in octaves of this fate."""
    found = zip(preview.octaves, octave_fates(preview), strict=True)
    return float(sum(share for share, its_fate in found if its_fate is fate))


def _fate(begin: float, half: float, limit: float) -> Fate:
    end = 2 * begin
    if end <= half:
        return Fate.UNDERFLOWS
    if begin >= limit:
        return Fate.CLIPPED
    if begin < half:
        return Fate.PARTLY_UNDERFLOWS
    return Fate.PARTLY_CLIPPED if end > limit * (1 + 1e-9) and begin < limit else Fate.KEPT
