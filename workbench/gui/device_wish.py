"""A device of a user's own, as it is asked for: like which one, and what was measured there."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DeviceWish:
    """What a profile is fitted to.

    Args:
        name: that a person knows it by.
        like: id of the profile of the same or the nearest chip.
        measured: model files and their ms there.
    """

    name: str
    like: str
    measured: tuple[tuple[Path, float], ...]

    @property
    def id(self) -> str:
        """Of the new profile.

        >>> DeviceWish("My phone (blue)", "", ()).id
        'my-phone-blue'
        >>> DeviceWish("小米 14", "", ()).id
        '小米-14'
        """
        return re.sub(r"[^\w.+]+", "-", self.name.lower()).strip("-")


def parse_ms(text: str) -> float | None:
    """Milliseconds as a person writes them; None if the text is no positive number.

    >>> parse_ms("31,5 ms"), parse_ms("12"), parse_ms("fast"), parse_ms("-3")
    (31.5, 12.0, None, None)
    """
    number = text.lower().removesuffix("ms").strip().replace(",", ".")
    try:
        value = float(number)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
