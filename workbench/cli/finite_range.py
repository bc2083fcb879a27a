"""A number on the command line that is one: click lets "nan" through, as it is neither too small nor too large."""

import math

import click


class FiniteRange(click.FloatRange):
    """A finite number within bounds; any bound may be missing."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises click.BadParameter."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number
