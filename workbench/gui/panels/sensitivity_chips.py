"""What the column of sensitivities says: a layer's place on the scale of the heat map, and where that comes from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from workbench.engine.core.asked_of_recipe import is_as_scanned
from workbench.engine.core.sensitivity_table import AskedOfLayers
from workbench.gui.heat_scale import Measure
from workbench.gui.scan_table import ScanTable
from workbench.gui.setting_now import SettingNow, rows_now

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


class SensitivityChips:
    """Chips by layer.

    Args:
        table: the scan; None before the first.
        asked: what the recipe asks of its layers.
    """

    def __init__(self, table: ScanTable | None = None, asked: AskedOfLayers | None = None) -> None:
        self._table = table if table is not None and table.scan.cells else None
        self._asked = asked

    @property
    def is_empty(self) -> bool:
        """Whether nothing is measured."""
        return self._table is None

    def chip(self, layer: str, now: SettingNow) -> SensitivityChip | None:
        """What is said of a layer; None where nothing is known of it.

        Args:
            layer: its name.
            now: what it has.
        """
        if self._table is None or (column := self._table.place_of.get(layer)) is None:
            return None
        kl = float(self._costs[column])
        counted = f", n = {self._table.scan.num_samples:,}"
        if not now.is_untouched and np.isfinite(kl):
            place = self._table.scale(Measure.KL).place(kl)
            return SensitivityChip(place, True, f"KL {kl:.3g} at {now.text}, {self._how(column, now)}{counted}")
        mean, count = float(self._means[0][column]), int(self._means[1][column])
        if not count:
            return None
        why = "" if now.is_untouched else f"; {now.text} was not scanned"
        return SensitivityChip(mean, False, f"mean over {count} settings{counted}{why}")

    def _how(self, column: int, now: SettingNow) -> str:
        """Measured where the setting is one of the cells; otherwise read between them, or added up."""
        assert self._table is not None
        if now.settings is not None and not is_as_scanned(self._table.scan.axes, now.settings):
            return "estimated: scanned with other scales or another range"
        rows = rows_now(self._table.settings, now)
        is_cell = len(rows) == len(now.amounts) == 1 and rows[0].is_integer()
        if is_cell and np.isfinite(self._table.values(Measure.KL)[int(rows[0]), column]):
            return "measured"
        return "estimated from the cells of the scan"

    @cached_property
    def _costs(self) -> npt.NDArray[np.float64]:
        """KL of what each layer has, shape (L,); what channels of a group cost stands at each of its layers."""
        assert self._table is not None
        if self._asked is None:
            return np.full(len(self._table.layers), np.nan)
        costs = self._table.curves.kl(self._asked)
        of_groups = self._table.curves.ratio.kl(self._asked.ratio)
        for name, first in self._table.scan.groups:
            member, place = self._table.place_of.get(name), self._table.place_of.get(first)
            if member is not None and place is not None and member != place:
                costs[member] += of_groups[place]
        return costs

    @cached_property
    def _means(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Mean place over the settings that are known of each layer, and how many these are; shape (L,) each."""
        assert self._table is not None
        places = self._table.places(Measure.KL)
        known = np.isfinite(places)
        count = known.sum(axis=0)
        return (np.where(known, places, 0).sum(axis=0) / np.maximum(1, count)).astype(np.float32), count
