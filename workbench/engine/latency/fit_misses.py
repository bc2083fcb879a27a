"""Measurements that a profile was fitted to and does not tell: what a user has to know before trusting it."""

from collections.abc import Iterator

from workbench.engine.core.format import format_ms, format_with_interval
from workbench.engine.core.measurement import Figure

# Chips of one kind differ by less; beyond, most have mistaken the unit.
_FAR = 20.0


def unlikely_time(name: str, ms: float, before: Figure | None, device: str) -> Iterator[str]:
    """A line where a time is not of the size that a device like this has.

    Args:
        name: of the model.
        ms: as it was measured.
        before: the estimate for the device that the profile is like; None where there is none.
        device: its id.
    """
    if before is not None and not before.value / _FAR <= ms <= before.value * _FAR:
        like = f"{format_ms(before.value)} is estimated for {device}"
        yield f"{name}: {format_ms(ms)} was given, where {like}: is it in milliseconds?"


def missed_time(name: str, ms: float, after: Figure | None) -> Iterator[str]:
    """A line where a time lies outside the band that the fitted profile gives the same model.

    Args:
        name: of the model.
        ms: as it was measured.
        after: the estimate of the fitted profile, with its 80 % band; None where there is none.
    """
    if after is None or after.low is None or after.high is None or after.low <= ms <= after.high:
        return
    yield (
        f"{name}: {format_ms(ms)} was given and is outside of what the fit says, "
        f"{format_with_interval(after)}: no device like it has all of these times"
    )
