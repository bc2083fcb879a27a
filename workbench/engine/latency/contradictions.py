"""Times of one model on one device that cannot both be true."""

from collections.abc import Iterator, Sequence

from workbench.engine.core.format import format_ms
from workbench.engine.latency.operator import Operator
from workbench.engine.latency.own_measurement import OwnMeasurement

# Runs of one model differ by some per cent, on a phone that gets warm by more.
_MOST_BETWEEN_RUNS = 1.25


def contradictions(own: Sequence[OwnMeasurement]) -> Iterator[str]:
    """A line for each model whose times are too far apart: both ends, and what is made of them.

    Models are the same where they ask the same of a device.

    Args:
        own: all measurements of a device.
    """
    by_model: dict[tuple[Operator, ...], list[OwnMeasurement]] = {}
    for one in own:
        by_model.setdefault(one.operators, []).append(one)
    for same in by_model.values():
        times = sorted(one.ms for one in same)
        if times[-1] > _MOST_BETWEEN_RUNS * times[0]:
            names = " and ".join(dict.fromkeys(one.name for one in same if one.name)) or "one model"
            count = "both" if len(times) == 2 else f"all {len(times)}"
            yield (
                f"{names} was given {format_ms(times[0])} and {format_ms(times[-1])}: {count} are used, and the "
                "fit lies between them"
            )
