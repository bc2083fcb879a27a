"""What the column of sensitivities says: a layer's place on the scale of the heat map, and where that comes from."""

from dataclasses import dataclass

import numpy as np

from workbench.gui.heat_scale import Measure
from workbench.gui.scan_table import ScanTable
from workbench.gui.setting_now import SettingNow, cost_now

NO_SCAN = "No sensitivity scan has been run yet: Measure sensitivity (F4)"
TITLE_TIP = (
    "Sensitivity, 0 to 1 on the scale of the heat map: of the setting that the layer has now; in a broken frame, "
    "of the mean over all settings"
)


@dataclass(frozen=True, slots=True)
class SensitivityChip:
    """One cell of the column.

    Args:
        place: on the scale, 0…1.
        is_of_setting: whether it is of what the layer has now, and not the mean over what was tried.
        tip: the same in words.
    """

    place: float
    is_of_setting: bool
    tip: str

    @property
    def text(self) -> str:
        """Two digits."""
        return f"{self.place:.2f}"


class SensitivityTable:
    """Chips by layer.

    Args:
        table: the scan; None before the first.
    """

    def __init__(self, table: ScanTable | None = None) -> None:
        self._table = table if table is not None and table.scan.cells else None

    @property
    def table(self) -> ScanTable | None:
        """What is read; None where nothing is measured."""
        return self._table

    def chip(self, layer: str, now: SettingNow) -> SensitivityChip | None:
        """What is said of a layer; None where nothing is known of it."""
        if self._table is None or (column := self._table.place_of.get(layer)) is None:
            return None
        kl = self._table.values(Measure.KL)[:, column]
        scale = self._table.scale(Measure.KL)
        cost = cost_now(self._table.settings, kl, now)
        if cost is not None:
            how = "measured" if cost.is_exact else "estimated from the cells of the scan"
            return SensitivityChip(
                scale.place(cost.kl), True, f"KL {cost.kl:.3g} at {now.text}, {how}{self._counted()}"
            )
        known = np.isfinite(kl)
        if not known.any():
            return None
        place = float(scale.places(kl[known]).mean())
        why = "" if now.is_untouched else f"; {now.text} was not scanned"
        return SensitivityChip(place, False, f"mean over {int(known.sum())} settings{self._counted()}{why}")

    def _counted(self) -> str:
        return f", n = {self._table.scan.num_samples:,}" if self._table is not None else ""
