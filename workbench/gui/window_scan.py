"""The sensitivity scan from the menu."""

from PySide6.QtCore import QObject, Slot

from workbench.gui.document import Document


class WindowScan(QObject):
    """The window's slot for the scan."""

    def __init__(self, document: Document, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document

    @Slot()
    def measure(self) -> None:
        """Measure how sensitive each layer is; what is known already is not measured again."""
        scans = self._document.scans
        self._document.searching.scan(scans.axes, scans.samples)
