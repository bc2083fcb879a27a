"""The window's icons, drawn here as strokes on a 24 × 24 grid, in whatever colour the theme asks for."""

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_STROKES = {
    "open": '<path d="M3 19V6h6l2 2h8v3M3 19l3-8h16l-3 8z"/>',
    "data": '<rect x="3" y="4" width="18" height="16" rx="2"/><path d="M4 18l6-5 4 3 3-3 4 4M8 9v.5"/>',
    "undo": '<path d="M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 11h-4"/>',
    "redo": '<path d="M16 5l4 4-4 4M20 9H10a6 6 0 0 0 0 11h4"/>',
    "solve": '<path d="M4 20L14 10M12 8l4 4M17 2v5M14.500 4.500h5M20 12v4M18 14h4M6 3v4M4 5h4"/>',
    "evaluate": '<path fill="COLOR" d="M7 4l13 8-13 8z"/>',
    "latency": '<circle cx="12" cy="13" r="8"/><path d="M12 13l4-4M9 2h6"/>',
    "theme": '<circle cx="12" cy="12" r="8"/><path fill="COLOR" d="M12 4a8 8 0 0 1 0 16z"/>',
    "export": '<path d="M12 15V3M8 7l4-4 4 4M5 12v8h14v-8"/>',
    "save": '<path d="M5 3h12l3 3v14H4V4zM8 3v6h8V3M8 20v-6h8v6"/>',
    "search": '<circle cx="10" cy="10" r="6"/><path d="M15 15l6 6"/>',
    "check": '<path d="M4 13l5 5L20 6"/>',
    "warning": '<path d="M12 3l10 18H2zM12 10v5M12 18v.5"/>',
    "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v6M12 7v.5"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "copy": '<rect x="8" y="8" width="12" height="12" rx="2"/><path d="M16 8V4H4v12h4"/>',
    "app": '<path d="M4 20V4M20 20V4M8 7l4 3 4-3M8 17l4-3 4 3M8 12h8"/>',
}


def icon_pixmap(name: str, color: str, size: int = 18, ratio: float = 2.0) -> QPixmap:
    """An icon of `size` logical pixels, sharp at the given device pixel ratio. Raises KeyError for a name unknown."""
    body = _STROKES[name].replace("COLOR", color)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        f'stroke="{color}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{body}</svg>'
    )
    pixmap = QPixmap(round(size * ratio), round(size * ratio))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def make_icon(name: str, color: str, disabled: str) -> QIcon:
    """An icon in the colour of text, and in a fainter one where it is disabled."""
    icon = QIcon(icon_pixmap(name, color))
    icon.addPixmap(icon_pixmap(name, disabled), QIcon.Mode.Disabled)
    return icon
