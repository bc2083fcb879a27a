"""The sensitivity scan of what lies on the bench: what the store has at once, and what a running scan finds."""

import logging
from dataclasses import replace
from functools import cached_property

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Calibration
from workbench.engine.core.reports import DataInfo
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan, digest_of_ranges, is_on_same_ranges
from workbench.gui.engine import Engine
from workbench.gui.lanes import LatestLane
from workbench.gui.scan_table import ScanTable
from workbench.worker.messages import Failed

_log = logging.getLogger(__name__)

# Partial results come quicker than anybody looks, and each of them draws the map and a column anew.
_REST_MS = 100
# What a scan measures each cell on if it is not told; its early figures are of fewer.
_DEFAULT_SAMPLES = 64


class KnownScan(QObject):
    """Follows the bench; `changed` when other cells, axes or layers are there, `completed(scan)` when none is missing.

    Attributes:
        axes: which settings are looked at, and tried by the next scan.
        samples: on how many the next scan measures each cell; None for as many as the engine holds for enough.
    """

    changed = Signal()
    completed = Signal(object)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.axes = ScanAxes()
        self.samples: int | None = None
        self._model: ModelInfo | None = None
        self._data: DataInfo | None = None
        self._ranges_digest = ""
        self._found: _Found | None = None
        # Reading what is stored takes no time: it must not wait for what is measured.
        self._lane = LatestLane(engine, "look", parent=self)
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self._after_rest)
        self._is_told = True

    @property
    def scan(self) -> SensitivityScan | None:
        """What is known; a scan without cells before anything is measured, None without a model and samples."""
        return self._found.scan if self._found is not None else None

    @property
    def table(self) -> ScanTable | None:
        """The same as arrays."""
        return self._found.table if self._found is not None else None

    @property
    def has_cells(self) -> bool:
        """Whether anything is measured."""
        return self._found is not None and bool(self._found.scan.cells)

    def begin_model(self, model: ModelInfo) -> None:
        """Another model lies on the bench, and no samples."""
        self._lane.clear()
        self._model, self._data = model, None
        self._begin()

    def begin_data(self, data: DataInfo, calibration_digest: str = "") -> None:
        """Other samples lie on the bench, or others set ranges: ask what is known of them.

        Args:
            data: what is evaluated on.
            calibration_digest: of the samples that set ranges; "" where those of `data` do.
        """
        self._data = data
        # A scan changes one layer of the empty recipe, whose calibration is the usual one.
        self._ranges_digest = digest_of_ranges(calibration_digest or data.digest, Calibration())
        self._begin()
        self.ask()

    def set_axes(self, axes: ScanAxes) -> None:
        """Look at other settings."""
        if axes != self.axes:
            self.axes = axes
            self._begin()
            self.ask()

    def ask(self) -> None:
        """Ask for what is known without measuring."""
        if self._model is not None and self._data is not None:
            self._lane.submit("known_scan", self.axes, on_done=self._on_known, on_failed=self._on_failed)

    def take(self, scan: object) -> None:
        """A scan has found something; one of another model, of other samples or other settings is dropped."""
        if isinstance(scan, SensitivityScan) and self._is_of_bench(scan):
            self._found = _Found(scan)
            if scan.is_complete or not self._rest.isActive():
                self._tell()
            else:
                self._is_told = False
            if scan.is_complete and scan.cells:
                self.completed.emit(scan)

    def _begin(self) -> None:
        """Nothing is known yet, but what could be."""
        self._found = None
        if self._model is not None and self._data is not None:
            layers = tuple(layer.name for layer in self._model.layers if layer.editable)
            digests = self._model.digest, self._data.digest
            empty = SensitivityScan(*digests, self.axes, layers, (), 0, ranges_digest=self._ranges_digest)
            self._found = _Found(empty)
        self._tell()

    def _tell(self) -> None:
        self._is_told = True
        self._rest.start()
        self.changed.emit()

    @Slot()
    def _after_rest(self) -> None:
        if not self._is_told:
            self._tell()

    def _is_of_bench(self, scan: SensitivityScan) -> bool:
        return (
            self._model is not None
            and self._data is not None
            and (scan.model_digest, scan.dataset_digest, scan.axes)
            == (self._model.digest, self._data.digest, self.axes)
            and is_on_same_ranges(scan.ranges_digest, self._ranges_digest)
        )

    def _on_known(self, scan: object) -> None:
        if isinstance(scan, SensitivityScan) and not self._knows_as_much_as(scan):
            self.take(replace(scan, is_complete=scan.has_all(self._enough)))

    def _knows_as_much_as(self, scan: SensitivityScan) -> bool:
        """Whether what a scan has found since is no less than the store had, or is whole: it is not told twice."""
        known = self.scan
        if known is None:
            return False
        return len(known.cells) > len(scan.cells) or (known.is_complete and len(known.cells) == len(scan.cells))

    @property
    def _enough(self) -> int:
        """Samples behind each cell of a scan that has come to its end."""
        return min(_DEFAULT_SAMPLES, self._data.num_samples) if self._data is not None else _DEFAULT_SAMPLES

    def _on_failed(self, failure: object) -> None:
        """Nobody waits for it: without a store everything can be measured."""
        if isinstance(failure, Failed):
            _log.warning("what is known of sensitivities cannot be read: %s", failure.text)


class _Found:
    """A scan, and its table once somebody looks at it: partial results come quicker than they are drawn."""

    def __init__(self, scan: SensitivityScan) -> None:
        self.scan = scan

    @cached_property
    def table(self) -> ScanTable:
        return ScanTable(self.scan)
