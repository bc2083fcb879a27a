"""The colours of the heat map: the order is seen in both themes, with any kind of colour vision."""

import numpy as np
import pytest

from workbench.gui.heat_colors import heat_color, heat_numbers, heat_table, text_on
from workbench.gui.theme import DARK, LIGHT

# Machado, Oliveira and Fernandes 2009, severity 1.0.
_VISION = {
    "all": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
}
_TO_CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_LIGHTNESS = np.array([0.2104542553, 0.7936177850, -0.0040720468])


def lightness(numbers: np.ndarray, vision: np.ndarray) -> np.ndarray:
    """Lightness as in OKLab (Ottosson 2020)."""
    parts = np.stack([(numbers >> shift) & 0xFF for shift in (16, 8, 0)], axis=-1) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ vision.T, 0, 1)
    return np.cbrt(seen @ _TO_CONES.T) @ _LIGHTNESS


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("vision", list(_VISION))
def test_what_costs_more_stands_out_more_for_every_eye(tokens, vision: str):
    shades = lightness(heat_table(tokens.heat)[::16], _VISION[vision])

    steps = np.diff(shades) * (1 if tokens is DARK else -1)
    assert steps.min() > 0
    assert abs(shades[-1] - shades[0]) > 0.4


def test_the_ends_are_the_first_and_last_stop():
    assert heat_color(LIGHT, 0.0) == LIGHT.heat[0]
    assert heat_color(LIGHT, 1.0) == LIGHT.heat[-1]
    assert heat_color(LIGHT, 7.0) == LIGHT.heat[-1]


def test_what_is_not_known_is_transparent():
    numbers = heat_numbers(DARK, np.array([[np.nan, 0.5]], np.float32))

    assert numbers[0, 0] == 0
    assert numbers[0, 1] >> 24 == 0xFF


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_read_on_every_colour(tokens):
    for place in np.linspace(0, 1, 33):
        ground = heat_color(tokens, float(place))
        shades = [_luminance(one) for one in (ground, text_on(ground))]
        # WCAG 2.2, 1.4.3.
        assert (max(shades) + 0.05) / (min(shades) + 0.05) > 4.5


def _luminance(color: str) -> float:
    parts = np.array([int(color[first : first + 2], 16) for first in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
