"""Preprocessing settings as people give them: checked, with the line of the file in every message."""

import math
from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import yaml

from workbench.engine.core.errors import DataError
from workbench.engine.core.reports import Preprocessing

KEYS = tuple(item.name for item in fields(Preprocessing) if item.name != "guessed")
_CHOICES = {
    "channel_order": ("rgb", "bgr"),
    "layout": ("nchw", "nhwc", "raw"),
    "metric": ("", "top1", "top5", "psnr", "agreement"),
}
_LARGEST_SIDECAR_BYTES = 64 << 10
_LARGEST_SIDE = 8192
_SIDE_FORM = f"a number of pixels from 1 to {_LARGEST_SIDE}"


def read_sidecar(data_path: Path) -> dict[str, object]:
    """The settings in `NAME.data.yaml` beside the data; NAME with or without its suffix. Empty without one.

    Raises:
        DataError: an unknown key or a bad value; the message names the file and line.
    """
    for name in (f"{data_path.name}.data.yaml", f"{data_path.stem}.data.yaml"):
        path = data_path.with_name(name)
        if path.is_file():
            return _read(path)
    return {}


def checked_settings(
    values: Mapping[str, object], source: str, lines: Mapping[str, int] | None = None
) -> dict[str, object]:
    """The settings with the types that Preprocessing has.

    Args:
        values: by name; numbers may be texts, such as "1/255".
        source: named in messages.
        lines: where each setting stands in the source.

    Raises:
        DataError: an unknown key or a bad value.
    """
    checked: dict[str, object] = {}
    for key, value in values.items():
        where = f"{source}, line {lines[key]}" if lines and key in lines else source
        if key not in KEYS:
            raise DataError(f"{where}: unknown key {key!r}", f"the keys are {', '.join(KEYS)}")
        try:
            checked[key] = _value(key, value)
        except ValueError as error:
            raise DataError(f"{where}: {key} cannot be {_said(value)}", f"give {error}") from error
    return checked


def _said(value: object) -> str:
    """A value as somebody wrote it: lists are made of what stands between commas."""
    return repr(", ".join(str(item) for item in value)) if isinstance(value, list | tuple) else repr(value)


def _read(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > _LARGEST_SIDECAR_BYTES:
            raise DataError(f"{path}: too large for settings", "it holds a few `key: value` lines")
        text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read ({' '.join(str(error).split())[:120]})") from error
    if values is None:
        return {}
    if not isinstance(values, dict) or node is None:
        raise DataError(f"{path}: must hold `key: value` lines", f"the keys are {', '.join(KEYS)}")
    lines = {key.value: key.start_mark.line + 1 for key, _ in node.value}
    return checked_settings(values, str(path), lines)


def _value(key: str, value: object) -> object:
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            raise ValueError(f"one of {', '.join(filter(None, _CHOICES[key]))}")
        return value
    if key in ("mean", "std"):
        numbers = tuple(_number(item) for item in (value if isinstance(value, list | tuple) else [value]))
        if not numbers or (key == "std" and 0 in numbers):
            raise ValueError("one number or more" + (", none of them 0" if key == "std" else ""))
        return numbers
    if key == "scale":
        return _number(value)
    if key == "labels_offset":
        return _whole(value)
    return _size(value) if key == "resize" else _side(value)


def _size(value: object) -> int | tuple[int, int] | None:
    """`224`, or height and width as `240x320` or `[240, 320]`."""
    parts = value if isinstance(value, list | tuple) else str(value).replace("×", "x").split("x")
    if len(parts) != 2:
        return _side(value)
    height, width = _side(parts[0]), _side(parts[1])
    if height is None or width is None:
        raise ValueError(_SIDE_FORM)
    return height if height == width else (height, width)


def _side(value: object) -> int | None:
    if value is None:
        return None
    try:
        side = int(str(value))
    except ValueError:
        side = 0
    if not 1 <= side <= _LARGEST_SIDE:
        raise ValueError(_SIDE_FORM)
    return side


def _number(value: object) -> float:
    try:
        number = value if isinstance(value, float) else float(Fraction(str(value)))
    except (ValueError, ZeroDivisionError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("a number such as 0.5 or 1/255")
    return number


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise ValueError("a whole number") from None
