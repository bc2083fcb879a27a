"""A scan's divergences, corrected by what its cells themselves lost.

The divergence does not know which class is right. Zeros in a classifier make a network less sure of the same answers,
so that hardly one changes; and what turns answers of a network that is too sure of itself is as often to the good. What
is lost where answers count by their probability says that, of few samples, and adds up over layers, too. Where nobody
knows what is right, or five classes may be, the answers that were lost say it.
"""

import math
from dataclasses import replace

import numpy as np

from workbench.engine.core.accuracy_prediction import DropCurve
from workbench.engine.core.sensitivity import ScanCell, SensitivityScan

# How far divergences lie from what the drop would say, as a logarithm, between layers of one network: of answers that
# count by their probability; and of answers that stay right or turn wrong.
_APART, _APART_WHOLE = 0.8, 0.4
_TRIED = np.linspace(np.log(1e-6), np.log(30.0), 500)
# How far the same drop by probability lies from the answers that are lost in the end, as a share.
_SYSTEMATIC = 0.2
_LEAST_KL, _LEAST_DEVIATION = 1e-9, 1e-5
_Z95 = 1.96


def weighed_by_drops(scan: SensitivityScan, curve: DropCurve) -> SensitivityScan:
    """The scan with the divergence of each cell that goes best with both its divergence and its drop.

    Args:
        scan: as it was measured; cells of which nothing more is known stay as they are.
        curve: what is lost at a divergence.
    """
    drops = np.array([curve.drop(kl) for kl in np.exp(_TRIED).tolist()])

    def weighed(cell: ScanCell) -> ScanCell:
        kl, drop = cell.kl, cell.soft_drop or cell.drop
        if kl is None or drop is None or drop.low is None or drop.high is None or kl.value <= _LEAST_KL:
            return cell
        apart, deviation = _APART, (drop.high - drop.low) / 2 / _Z95
        if cell.soft_drop is not None:
            deviation = math.hypot(deviation, _LEAST_DEVIATION, _SYSTEMATIC * drop.value)
        else:
            # An interval of few samples that all stay right is no narrower than half an answer.
            apart, deviation = _APART_WHOLE, max(deviation, 0.5 / max(1, cell.num_samples))
        off = ((_TRIED - np.log(kl.value)) / apart) ** 2 + ((drop.value - drops) / deviation) ** 2
        return replace(cell, kl=replace(kl, value=float(np.exp(_TRIED[off.argmin()])), low=None, high=None))

    return replace(scan, cells=tuple(map(weighed, scan.cells)))
