"""What a scan and some measured mixes say of every other mix: kept for the bench, evaluated at each move of a knob."""

from PySide6.QtCore import QObject, Signal

from workbench.engine.core.accuracy_prediction import AccuracyPrediction
from workbench.engine.core.measurement import Figure
from workbench.engine.core.sensitivity import SensitivityScan, is_on_same_ranges
from workbench.engine.core.sensitivity_table import AskedOfLayers
from workbench.gui.known_scan import KnownScan


class KnownPrediction(QObject):
    """Holds the newest prediction for as long as it is of the scan on the bench; `changed` when it is another one."""

    changed = Signal()

    def __init__(self, scans: KnownScan, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scans = scans
        self._found: AccuracyPrediction | None = None

    @property
    def prediction(self) -> AccuracyPrediction | None:
        """The prediction; None where there is none of this model, these samples, ranges and layers."""
        found, scan = self._found, self._scans.scan
        if found is None or scan is None or found.table.layers != scan.layers:
            return None
        is_of_scan = (found.model_digest, found.dataset_digest) == (scan.model_digest, scan.dataset_digest)
        return found if is_of_scan and is_on_same_ranges(found.ranges_digest, scan.ranges_digest) else None

    def learned_from(self, scan: SensitivityScan) -> AccuracyPrediction | None:
        """The prediction if it has come to its end, and is of this very scan: what a search can rest on."""
        found = self.prediction
        return found if found is not None and found.is_complete and found.is_of(scan) else None

    def take(self, prediction: object) -> None:
        """A prediction has come, perhaps of few mixes so far."""
        if isinstance(prediction, AccuracyPrediction):
            self._found = prediction
            self.changed.emit()

    def accuracy(self, asked: AskedOfLayers) -> Figure | None:
        """What a mix will reach, with its 90 % interval; None where that is not known.

        Args:
            asked: of each layer of the scan.
        """
        found = self.prediction
        return found.accuracy(asked) if found is not None else None
