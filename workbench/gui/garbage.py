"""Python's garbage, collected on the main thread only: Qt's objects must die where they live."""

import gc

from PySide6.QtCore import QObject, QTimer

_LOOK_EVERY_MS = 500


class MainThreadGarbage(QObject):
    """Takes the collection of garbage to the main thread, until it is closed.

    Python collects in whichever thread happens to allocate. That may be the one that reads the engine's replies, and
    a widget in a cycle of references would be destroyed there: the process crashes, then or later.

    Args:
        parent: what it lives and dies with.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=_LOOK_EVERY_MS)
        self._timer.timeout.connect(collect_due)
        self._timer.start()
        gc.disable()

    def close(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.enable()


def collect_due() -> None:
    """Collect the oldest generation whose count is over its threshold, as Python itself would have."""
    for generation in (2, 1, 0):
        threshold = gc.get_threshold()[generation]
        if threshold and gc.get_count()[generation] > threshold:
            gc.collect(generation)
            return
