"""Colours, fonts and spacing of the window, in light and in dark, applied live."""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

FONT_FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans")
FONT_PIXELS = 12
SMALL_PIXELS = 11
HEAD_PIXELS = 14
FIGURE_PIXELS = 24
SPACING = 8
RADIUS = 6


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one theme, as #rrggbb; every painted part of the window uses these only.

    Args:
        heat: stops of the map from what costs nothing to what costs most, at equal distances. Lightness goes one way
            only, towards what stands out on the surface, so that the order is seen with any kind of colour vision.
    """

    name: str
    window: str
    surface: str
    raised: str
    border: str
    track: str
    text: str
    muted: str
    accent: str
    accent_soft: str
    on_accent: str
    good: str
    good_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    bar: str
    heat: tuple[str, ...]


LIGHT = Tokens(
    name="light",
    window="#eef0f4",
    surface="#ffffff",
    raised="#f7f8fa",
    border="#dadee5",
    track="#dcdfe6",
    text="#1b2028",
    muted="#657080",
    accent="#1c6fe0",
    accent_soft="#dce8fa",
    on_accent="#ffffff",
    good="#17804f",
    good_soft="#e4f6ec",
    warn="#a85f00",
    warn_soft="#fdf1dd",
    bad="#d02f2f",
    bad_soft="#fbe9e9",
    bar="#5f93d6",
    heat=("#e5f1f7", "#c0e0e8", "#9bd0cc", "#bab676", "#ca8e2c", "#c2520b", "#971a20"),
)

DARK = Tokens(
    name="dark",
    window="#14171b",
    surface="#1b1f24",
    raised="#22272d",
    border="#333a43",
    track="#2f353d",
    text="#e8ebef",
    muted="#949eab",
    accent="#4b9cff",
    accent_soft="#1f3f63",
    on_accent="#ffffff",
    good="#4ac785",
    good_soft="#1b362a",
    warn="#f0a93b",
    warn_soft="#3a2e1b",
    bad="#f2625c",
    bad_soft="#3a2326",
    bar="#5d94de",
    heat=("#123449", "#0a5063", "#256d6d", "#71844e", "#b78f2f", "#ef954b", "#feb4a5"),
)


class Theme(QObject):
    """Which tokens are in use. Panels are handed the theme and repaint on `changed`."""

    changed = Signal()

    def __init__(self, tokens: Tokens = LIGHT, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tokens = tokens
        # A move of a slider asks for some two hundred of each.
        self._colors: dict[tuple[str, int], QColor] = {}
        self._fonts: dict[tuple[int, bool], QFont] = {}

    @property
    def tokens(self) -> Tokens:
        """The colours in use."""
        return self._tokens

    @property
    def is_dark(self) -> bool:
        """Whether the dark tokens are in use."""
        return self._tokens.name == "dark"

    def color(self, name: str, alpha: int = 255) -> QColor:
        """A token as a colour, with an alpha of 0…255."""
        color = self._colors.get((name, alpha))
        if color is None:
            color = QColor(getattr(self._tokens, name))
            color.setAlpha(alpha)
            self._colors[name, alpha] = color
        return color

    def font(self, pixels: int = FONT_PIXELS, *, bold: bool = False) -> QFont:
        """The window's font at a fixed size in pixels."""
        font = self._fonts.get((pixels, bold))
        if font is None:
            font = QFont()
            font.setFamilies(list(FONT_FAMILIES))
            font.setPixelSize(pixels)
            font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
            self._fonts[pixels, bold] = font
        return font

    def apply(self, application: QCoreApplication, tokens: Tokens | None = None) -> None:
        """Dress the whole application in these tokens, or in those in use."""
        self._tokens = tokens or self._tokens
        self._colors.clear()
        if not isinstance(application, QApplication):
            return
        # Asking for the style by name each time would reset the palette of every widget twice.
        if application.style().objectName().lower() != "fusion":
            application.setStyle(QStyleFactory.create("Fusion"))
        application.setFont(self.font())
        application.setPalette(palette_of(self._tokens))
        application.setStyleSheet(style_sheet_of(self._tokens))
        self.changed.emit()


def palette_of(tokens: Tokens) -> QPalette:
    """A complete palette: Fusion paints everything that the style sheet leaves alone with it."""
    palette = QPalette()
    role = QPalette.ColorRole
    for group_role, color in (
        (role.Window, tokens.window),
        (role.WindowText, tokens.text),
        (role.Base, tokens.surface),
        (role.AlternateBase, tokens.raised),
        (role.Text, tokens.text),
        (role.PlaceholderText, tokens.muted),
        (role.Button, tokens.surface),
        (role.ButtonText, tokens.text),
        (role.BrightText, tokens.bad),
        (role.Highlight, tokens.accent),
        (role.HighlightedText, tokens.on_accent),
        (role.ToolTipBase, tokens.raised),
        (role.ToolTipText, tokens.text),
        (role.Link, tokens.accent),
        (role.Light, tokens.raised),
        (role.Midlight, tokens.border),
        (role.Mid, tokens.border),
        (role.Dark, tokens.border),
        (role.Shadow, tokens.border),
    ):
        palette.setColor(group_role, QColor(color))
    for disabled in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, disabled, QColor(tokens.muted))
    return palette


def style_sheet_of(tokens: Tokens) -> str:
    """The few rules that a palette cannot say. Spin boxes are left to Fusion: rules collapse them."""
    return f"""
    QFrame#card {{ background: {tokens.surface}; border: 1px solid {tokens.border}; border-radius: 8px; }}
    QFrame#inner {{ background: {tokens.raised}; border: 1px solid {tokens.border}; border-radius: 8px; }}
    QToolBar {{ background: {tokens.surface}; border: none; border-bottom: 1px solid {tokens.border};
                padding: 6px 10px; spacing: 4px; }}
    QToolBar QToolButton {{ border: 1px solid transparent; border-radius: 6px; padding: 5px 8px; }}
    QToolBar QToolButton:hover {{ background: {tokens.accent_soft}; }}
    QToolBar QToolButton:focus {{ border-color: {tokens.accent}; }}
    QToolBar QToolButton:disabled {{ color: {tokens.muted}; }}
    QToolBar::separator {{ background: {tokens.border}; width: 1px; margin: 6px 6px; }}
    QMenuBar {{ background: {tokens.surface}; }}
    QMenuBar::item:selected {{ background: {tokens.accent_soft}; }}
    QMenu {{ background: {tokens.surface}; border: 1px solid {tokens.border}; padding: 4px; }}
    QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {tokens.accent_soft}; color: {tokens.text}; }}
    QMenu::item:disabled {{ color: {tokens.muted}; }}
    QMenu::separator {{ height: 1px; background: {tokens.border}; margin: 4px 6px; }}
    QStatusBar {{ color: {tokens.muted}; }}
    QStatusBar::item {{ border: none; }}
    QPushButton {{ background: {tokens.surface}; border: 1px solid {tokens.border}; border-radius: 6px;
                   padding: 5px 12px; }}
    QPushButton:hover {{ background: {tokens.accent_soft}; }}
    QPushButton:focus {{ border-color: {tokens.accent}; }}
    QPushButton:disabled {{ color: {tokens.muted}; }}
    QPushButton#primary {{ background: {tokens.accent if tokens.name == "light" else "#2f74cf"};
                           color: {tokens.on_accent}; border: none; font-weight: 600; padding: 7px 16px; }}
    QPushButton#primary:disabled {{ background: {tokens.track}; color: {tokens.muted}; }}
    QPushButton#primary:focus {{ border: 1px solid {tokens.text}; padding: 6px 15px; }}
    QPushButton#link {{ background: transparent; border: none; color: {tokens.accent};
                        text-align: left; padding: 2px; }}
    QPushButton#link:focus {{ text-decoration: underline; }}
    QLineEdit#filter {{ background: {tokens.surface}; border: 1px solid {tokens.border}; border-radius: 6px;
                        padding: 5px 8px; }}
    QLineEdit#filter:focus {{ border-color: {tokens.accent}; }}
    QTabBar {{ background: transparent; }}
    QTabBar::tab {{ background: transparent; color: {tokens.muted}; padding: 8px 14px; border: none;
                    border-bottom: 2px solid transparent; }}
    QTabBar::tab:selected {{ color: {tokens.text}; font-weight: 600; border-bottom: 2px solid {tokens.accent}; }}
    QTabBar::tab:focus {{ color: {tokens.accent}; }}
    QTabWidget::pane {{ border: none; border-top: 1px solid {tokens.border}; }}
    QTableView {{ background: {tokens.surface}; border: none; gridline-color: {tokens.border}; outline: none;
        selection-background-color: {tokens.accent_soft}; selection-color: {tokens.text}; }}
    QHeaderView {{ background: {tokens.surface}; border: none; }}
    QHeaderView::section {{ background: {tokens.surface}; color: {tokens.muted}; border: none;
                            border-bottom: 1px solid {tokens.border}; padding: 5px 6px; }}
    QPlainTextEdit, QTextBrowser {{ background: {tokens.surface}; border: none; }}
    QScrollArea {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
    QScrollBar::handle:vertical {{ background: {tokens.track}; border-radius: 3px; min-height: 28px; margin: 1px; }}
    QScrollBar:horizontal {{ background: transparent; height: 8px; margin: 0; }}
    QScrollBar::handle:horizontal {{ background: {tokens.track}; border-radius: 3px; min-width: 28px; margin: 1px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QSplitter::handle {{ background: transparent; }}
    QToolTip {{ background: {tokens.raised}; color: {tokens.text}; border: 1px solid {tokens.border}; padding: 4px; }}
    QProgressBar {{ background: {tokens.track}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }}
    QProgressBar::chunk {{ background: {tokens.accent}; border-radius: 3px; }}
    QLabel#muted {{ color: {tokens.muted}; }}
    QLabel#head {{ font-size: {HEAD_PIXELS}px; font-weight: 600; }}
    QLabel#strong {{ font-weight: 600; }}
    """
