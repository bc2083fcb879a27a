"""What a scan has found, as arrays of settings × layers: the heat map and the column of the table are drawn from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from workbench.engine.core.sensitivity import ScanCell, ScanSetting, SensitivityScan
from workbench.engine.core.sensitivity_table import SensitivityTable, table_of_cells
from workbench.gui.heat_scale import HeatScale, Measure, heat_scale

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScanSection:
    """Settings of one kind, which stand together.

    Args:
        title: what they change.
        first, last: places of its settings, the last one not included.
    """

    title: str
    first: int
    last: int


class ScanTable:
    """Figures by layer and setting; NaN where a cell is not measured, or could not be.

    Args:
        scan: what is known.
    """

    def __init__(self, scan: SensitivityScan) -> None:
        self.scan = scan
        self.layers = scan.layers
        self.settings = scan.axes.settings
        self.sections = _sections(self.settings)
        self.place_of = {name: place for place, name in enumerate(scan.layers)}
        self._place_of_setting = {setting: place for place, setting in enumerate(self.settings)}
        shape = (len(self.settings), len(self.layers))
        self._values = {measure: np.full(shape, np.nan) for measure in Measure}
        self.has_error = np.zeros(shape, np.bool_)
        self.num_known = 0
        self._fill()

    def _fill(self) -> None:
        """One pass over the cells: there may be thousands, ten times a second."""
        members: dict[str, list[int]] = {}
        for name, first in self.scan.groups:
            if name in self.place_of:
                members.setdefault(first, []).append(self.place_of[name])
        nan, places, found = math.nan, [], []
        for cell in self.scan.cells:
            row, column = self._place_of_setting.get(cell.setting), self.place_of.get(cell.layer)
            if row is None:
                continue
            figures = (
                cell.kl.value if cell.kl is not None else nan,
                cell.drop.value if cell.drop is not None else nan,
                cell.sqnr_db if cell.sqnr_db is not None else nan,
                1.0 if cell.error else 0.0,
            )
            if column is not None:
                places.append((row, column))
                found.append(figures)
            if cell.setting.ratio is not None:
                for other in members.get(cell.layer, ()):
                    if other != column:
                        places.append((row, other))
                        found.append(figures)
        self.num_known = len(places)
        if not places:
            return
        rows, columns = np.array(places).T
        columns_of_figures = np.array(found, np.float64).T
        for measure, figures_of_all in zip(Measure, columns_of_figures, strict=False):
            self._values[measure][rows, columns] = figures_of_all
        self.has_error[rows, columns] = columns_of_figures[3] > 0

    @property
    def num_cells(self) -> int:
        """How many cells there are in the end."""
        return self.has_error.size

    @property
    def has_drops(self) -> bool:
        """Whether any accuracy drop is known."""
        return bool(np.isfinite(self._values[Measure.DROP]).any())

    def values(self, measure: Measure) -> Values:
        """One kind of figure, shape (settings, layers): KL in its own unit, drop as a fraction, SQNR in dB."""
        return self._values[measure]

    def scale(self, measure: Measure) -> HeatScale:
        """The scale that holds all of these figures."""
        if measure not in self._scales:
            self._scales[measure] = heat_scale(measure, self._values[measure])
        return self._scales[measure]

    @cached_property
    def curves(self) -> SensitivityTable:
        """What is known of any strength of a setting, between and beyond the cells."""
        return table_of_cells(self.layers, self.settings, self._values[Measure.KL])

    @cached_property
    def _scales(self) -> dict[Measure, HeatScale]:
        return {}

    def places(self, measure: Measure) -> npt.NDArray[np.float32]:
        """Where each cell lies on the scale, 0…1; shape (settings, layers)."""
        return self.scale(measure).places(self._values[measure])

    def cell(self, layer: int, setting: int) -> ScanCell | None:
        """What is known of a cell, by its places."""
        return self.scan.cell(self.layers[layer], self.settings[setting])


def _sections(settings: Sequence[ScanSetting]) -> tuple[ScanSection, ...]:
    """The settings apart by what they change, in the order that they have."""
    sections: list[ScanSection] = []
    for place, setting in enumerate(settings):
        title = section_title(setting)
        if sections and sections[-1].title == title:
            sections[-1] = ScanSection(title, sections[-1].first, place + 1)
        else:
            sections.append(ScanSection(title, place, place + 1))
    return tuple(sections)


def section_title(setting: ScanSetting) -> str:
    """What a setting changes, over the rows of its kind."""
    if setting.ratio is not None:
        return "Fewer channels"
    if setting.sparsity is not None:
        return "Zeros"
    return "Bits of activations" if setting.activations is not None else "Bits of weights"


def setting_head(setting: ScanSetting) -> str:
    """What stands before the row of a setting, below the title of its kind.

    >>> setting_head(ScanSetting(weights=4)), setting_head(ScanSetting(sparsity=0.5)), setting_head(ScanSetting(8, 8))
    ('W4', '50 %', 'W8A8')
    """
    share = setting.sparsity if setting.sparsity is not None else setting.ratio
    return setting.text if share is None else f"{100 * share:g} %"
