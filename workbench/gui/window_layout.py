"""The columns of the window, and how they are found again after a restart."""

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QTableView, QTabWidget, QVBoxLayout, QWidget

from workbench.gui.theme import SPACING
from workbench.gui.widgets.card import Card
from workbench.gui.widgets.columns import Columns

_WIDTH, _HEIGHT = 1600, 1000
# Of the middle: plots have their labels beside one another, and their heads in one line.
_COMFORTABLE = 520
_TITLE_HEIGHT = 36


class WindowLayout:
    """Layers at the left, tabs in the middle above the jobs, the preview at the right; or the welcome page.

    Args:
        above: full-width widgets above the columns.
        middle: tab titles with their contents, for the upper and the lower part.
    """

    def __init__(
        self,
        window: QMainWindow,
        *,
        above: QWidget,
        welcome: QWidget,
        left: QWidget,
        right: QWidget,
        middle: tuple[dict[str, QWidget], dict[str, QWidget]],
    ) -> None:
        self._window = window
        self.tabs, self.lower_tabs = (_tabs(window, contents) for contents in middle)
        self.rows = QSplitter(Qt.Orientation.Vertical, window)
        for tabs in (self.tabs, self.lower_tabs):
            card = Card(parent=window)
            card.column.setContentsMargins(1, 2, 1, 4)
            card.column.addWidget(tabs)
            self.rows.addWidget(card)
        self.rows.setSizes([760, 150])
        self.rows.setStretchFactor(0, 1)
        self.rows.setStretchFactor(1, 0)
        self._columns = Columns(left, self.rows, right, _COMFORTABLE, window)
        self._columns.setSizes([556, 680, 340])
        for splitter in (self._columns, self.rows):
            splitter.setHandleWidth(SPACING)
        self.pages = QStackedWidget(window)
        self.pages.addWidget(welcome)
        self.pages.addWidget(self._columns)
        central = QWidget(window)
        column = QVBoxLayout(central)
        column.setContentsMargins(SPACING, SPACING, SPACING, 0)
        column.setSpacing(SPACING)
        column.addWidget(above)
        column.addWidget(self.pages, 1)
        window.setCentralWidget(central)

    def save(self, settings: QSettings, table: QTableView) -> None:
        """Remember sizes and places."""
        settings.setValue("window/geometry", self._window.saveGeometry())
        settings.setValue("window/state", self._window.saveState())
        settings.setValue("window/columns", self._columns.saveState())
        settings.setValue("window/rows", self.rows.saveState())
        settings.setValue("window/layer_table", table.horizontalHeader().saveState())

    def restore(self, settings: QSettings, table: QTableView) -> None:
        """Find sizes and places as they were left; the first time 1600×1000, or what the screen has room for."""
        if not _restored(settings, "geometry", self._window.restoreGeometry):
            self._window.resize(first_size(self._window.screen().availableSize()))
        _restored(settings, "state", self._window.restoreState)
        _restored(settings, "columns", self._columns.restoreState)
        _restored(settings, "rows", self.rows.restoreState)
        _restored(settings, "layer_table", table.horizontalHeader().restoreState)


def first_size(screen: QSize) -> QSize:
    """How large a window opens that was never open: the window manager adds a title to it.

    >>> first_size(QSize(1920, 1080)).toTuple(), first_size(QSize(1366, 768)).toTuple()
    ((1600, 1000), (1366, 732))
    """
    return QSize(_WIDTH, _HEIGHT).boundedTo(screen - QSize(0, _TITLE_HEIGHT))


def _tabs(parent: QWidget, contents: dict[str, QWidget]) -> QTabWidget:
    tabs = QTabWidget(parent, documentMode=True)
    for title, widget in contents.items():
        tabs.addTab(widget, title)
    tabs.tabBar().setDrawBase(False)
    return tabs


def _restored(settings: QSettings, key: str, restore: object) -> bool:
    value = settings.value(f"window/{key}")
    return isinstance(value, QByteArray) and bool(restore(value))  # type: ignore[operator] # one of Qt's restorers
