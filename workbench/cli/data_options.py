"""The options that say which samples to use and how to prepare them, shared by several verbs."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])
NAMES = ("resize", "crop", "scale", "mean", "std", "channel_order", "layout", "labels_offset", "metric")
OPTIONS = tuple(f"--{name.replace('_', '-')}" for name in NAMES)


def preprocessing_options(function: _Function) -> _Function:
    """Add `--resize`, `--mean`, … to a verb; they win over the file beside the data."""
    for option_name, name in zip(reversed(OPTIONS), reversed(NAMES), strict=True):
        option = click.option(option_name, name, default=None, help=_HELP[name])
        function = option(function)
    return function


def limit_option(what: str) -> Callable[[_Function], _Function]:
    """Add `--limit` to a verb, which measures `what` on a part of the samples."""
    text = f"{what} on so many samples only: drawn from all of them with a fixed seed, the same at each call."
    return click.option("--limit", type=click.IntRange(min=1), default=None, help=text)


def overrides(values: dict[str, str | None]) -> dict[str, object]:
    """The settings that were given, with lists of numbers split at commas. Raises DataError, naming the option."""
    from workbench.engine.data.settings import checked_settings

    given: dict[str, object] = {name: values[name] for name in NAMES if values.get(name) is not None}
    for name in ("mean", "std"):
        if name in given:
            given[name] = [part.strip() for part in str(given[name]).split(",")]
    for name, value in given.items():
        checked_settings({name: value}, f"--{name.replace('_', '-')}")
    return given


_HELP = {
    "resize": "Size that images are resized to, in pixels: 224, or height and width as 240x320.",
    "crop": "Side of the centred square that is cut out, in pixels.",
    "scale": "Pixels 0…255 are multiplied by this first; 1/255 = 0.00392157 if not given.",
    "mean": "Subtracted after scaling; one number, or one a channel: 0.485,0.456,0.406.",
    "std": "Divided by after the mean; as --mean.",
    "channel_order": "rgb or bgr.",
    "layout": "nchw, nhwc, or raw for features.",
    "labels_offset": "Added to a label to give the output's index.",
    "metric": "top1, top5, psnr or agreement; chosen by what the data has if not given.",
}
