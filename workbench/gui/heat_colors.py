"""The colours of the heat map: from 0, what costs nothing, to 1, what costs most, as one table a theme."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from workbench.gui.theme import Tokens

_NUM_COLORS = 256
# Where black and white have the same contrast, 4.58: √(1.05 · 0.05) − 0.05 (WCAG 2.2, 1.4.3 wants 4.5).
_LIGHT_GROUND = 0.1791


@lru_cache(maxsize=4)
def heat_table(stops: tuple[str, ...]) -> npt.NDArray[np.uint32]:
    """256 opaque colours as Qt's ARGB32 numbers, between the stops at equal distances, shape (256,)."""
    channels = np.array([[int(stop[first : first + 2], 16) for first in (1, 3, 5)] for stop in stops], float)
    at, places = np.linspace(0, 1, _NUM_COLORS), np.linspace(0, 1, len(stops))
    red, green, blue = (np.interp(at, places, channels[:, one]).round().astype(np.uint32) for one in range(3))
    table: npt.NDArray[np.uint32] = np.uint32(0xFF000000) | (red << 16) | (green << 8) | blue
    return table


def heat_numbers(tokens: Tokens, places: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """The colour of each place of 0…1; transparent where it is NaN. Same shape."""
    known = np.isfinite(places)
    steps = np.where(known, np.clip(places, 0, 1), 0) * (_NUM_COLORS - 1)
    return np.where(known, heat_table(tokens.heat)[steps.round().astype(np.intp)], np.uint32(0))


def heat_color(tokens: Tokens, place: float) -> str:
    """The colour of one place of 0…1, as #rrggbb."""
    number = int(heat_numbers(tokens, np.array([place], np.float32))[0])
    return f"#{number & 0xFFFFFF:06x}"


def text_on(color: str) -> str:
    """Black or white, whichever is read better on this ground (relative luminance as in WCAG 2.2).

    >>> text_on("#ffd9a8"), text_on("#123449")
    ('#000000', '#ffffff')
    """
    parts = [int(color[first : first + 2], 16) / 255 for first in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if luminance > _LIGHT_GROUND else "#ffffff"
