"""What the column of SQNR says: figures of the last measurement, and whether they are of the recipe as it is."""

import math
from dataclasses import dataclass

from workbench.engine.core.quantization_reports import LayerSqnr, SqnrReport

_NOT_MEASURED = "not measured"
_EARLIER = "; of an earlier recipe"


@dataclass(frozen=True, slots=True)
class NoiseTexts:
    """One cell.

    Args:
        output: of the layer's output, such as "31.2"; "exact" where nothing differs.
        weights: of its weights; empty where they are as they were.
        is_current: whether the recipe is still the one that was measured.
    """

    output: str
    weights: str
    is_current: bool


class NoiseTable:
    """The figures by layer.

    Args:
        report: the last measurement; None before the first.
        recipe_digest: of the recipe on the bench.
    """

    def __init__(self, report: SqnrReport | None = None, recipe_digest: str = "") -> None:
        self._report = report
        self._layers = {entry.layer: entry for entry in report.layers} if report is not None else {}
        self._is_current = report is not None and report.recipe_digest == recipe_digest

    def __eq__(self, other: object) -> bool:
        """Whether both say the same: every move of a drag makes a table, and few change anything."""
        if not isinstance(other, NoiseTable):
            return NotImplemented
        return self._report is other._report and self._is_current == other._is_current

    __hash__ = None  # type: ignore[assignment] # nothing is kept by a table

    def texts(self, layer: str) -> NoiseTexts | None:
        """What the layer's cell says; None where it was not measured."""
        entry = self._layers.get(layer)
        if entry is None:
            return None
        weights = f"W {_db(entry.weight_db)}" if entry.weight_db is not None else ""
        return NoiseTexts(_db(entry.output_db), weights, self._is_current)

    def tip(self, layer: str) -> str:
        """The same in words."""
        entry = self._layers.get(layer)
        if entry is None or self._report is None:
            return _NOT_MEASURED
        return _words(entry, self._report.num_samples) + ("" if self._is_current else _EARLIER)

    def sort_key(self, layer: str) -> float:
        """The output's dB; layers that were not measured come last."""
        entry = self._layers.get(layer)
        return entry.output_db if entry is not None else math.inf


def _words(entry: LayerSqnr, num_samples: int) -> str:
    weights = f", weights {_with_unit(entry.weight_db)}" if entry.weight_db is not None else ""
    return f"output {_with_unit(entry.output_db)}{weights}; measured on {num_samples} samples"


def _with_unit(decibels: float) -> str:
    return "exact" if math.isinf(decibels) else f"{_db(decibels)} dB"


def _db(decibels: float) -> str:
    return "exact" if math.isinf(decibels) else f"{decibels:.1f}".replace("-", "−")
