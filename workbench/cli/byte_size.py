"""A size on the command line, as it is printed: a number of bytes, or one with its unit."""

import re

import click

_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([kmg]?i?b)?", re.IGNORECASE)


class ByteSize(click.IntRange):
    """At least one byte: `140000`, `140kB` (of 1,000), `1.5MiB` (of 1,048,576)."""

    name = "size"

    def __init__(self) -> None:
        super().__init__(min=1)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes, rounded down. Raises click.BadParameter."""
        found = _SIZE.fullmatch(str(value).strip())
        unit = _UNITS.get((found[2] or "").lower()) if found else None
        if found is None or unit is None:
            self.fail(f"{value} is no size; say it in bytes, or such as 140kB or 1.5MiB", param, ctx)
        return int(super().convert(int(float(found[1]) * unit), param, ctx))
