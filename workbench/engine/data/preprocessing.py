"""Which preprocessing a data set gets: from the file beside it, by hand, or guessed from the model's input."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.reports import Preprocessing
from workbench.engine.data.settings import KEYS, checked_settings, read_sidecar


@dataclass(frozen=True, slots=True)
class StoredSample:
    """What a sample looks like in its source.

    Args:
        shape: (H, W, C) for images, otherwise as stored.
        is_pixels: whether its numbers are bytes, 0…255.
    """

    shape: tuple[int, ...]
    is_pixels: bool

    @property
    def is_picture(self) -> bool:
        """Whether it is an image of bytes."""
        return self.is_pixels and len(self.shape) == 3


def resolve_preprocessing(
    data_path: Path,
    overrides: Mapping[str, object] | Preprocessing,
    model_input: TensorInfo | None,
    sample: StoredSample,
) -> Preprocessing:
    """What the `.data.yaml` says, then the overrides, then guesses, which are listed in `guessed`.

    Args:
        data_path: of the data; `NAME.data.yaml` is looked for beside it.
        overrides: settings given by hand; they win. A whole Preprocessing is taken as it is.
        model_input: gives layout, size and channels; None to guess nothing from it.
        sample: the first one.

    Raises:
        DataError: an unknown key or a bad value; the message names the file and line.
    """
    if isinstance(overrides, Preprocessing):
        return overrides
    given = {**read_sidecar(data_path), **checked_settings(overrides, "preprocessing")}
    guesses = _guesses(model_input, sample, given)
    values: dict[str, Any] = {**guesses, **given}
    return Preprocessing(**values, guessed=tuple(name for name in KEYS if name in guesses and name not in given))


def _guesses(model_input: TensorInfo | None, sample: StoredSample, given: Mapping[str, object]) -> dict[str, object]:
    """What the model's input tells of its samples, and the defaults that nobody gave."""
    wanted = model_input.shape[1:] if model_input is not None else ()
    numbers: dict[str, object] = {"scale": 1 / 255 if sample.is_pixels else 1.0, "mean": (0.0,), "std": (1.0,)}
    is_prepared = not sample.is_pixels and fits(sample.shape, wanted)
    if len(sample.shape) != 3 or is_prepared or given.get("layout") == "raw":
        # Features, and pictures that somebody has prepared: as they are.
        return {**numbers, "scale": 1.0, "layout": "raw"}
    if len(wanted) != 3:
        return {**numbers, "layout": "nchw"}
    layout = str(given.get("layout") or _layout(wanted, sample.shape[2]))
    size = _resize(wanted if layout == "nhwc" else (wanted[1], wanted[2], wanted[0]), sample.shape, given)
    return {**numbers, "layout": layout, **size}


def _layout(wanted: tuple[int | str, ...], channels: int) -> str:
    """Channels are few: where the last axis could be theirs and the first could not, they come last."""
    likely = (channels, 1, 3)
    return "nhwc" if wanted[2] in likely and wanted[0] not in likely else "nchw"


def _resize(wanted: tuple[int | str, ...], stored: tuple[int, ...], given: Mapping[str, object]) -> dict[str, object]:
    """The size that the model fixes, if samples have another one. `crop` is for the user to combine."""
    height, width = wanted[0], wanted[1]
    if not isinstance(height, int) or not isinstance(width, int) or min(height, width) < 1 or given.get("crop"):
        return {}
    if stored[:2] == (height, width):
        return {}
    return {"resize": height if height == width else (height, width)}


def fits(shape: tuple[int, ...], wanted: tuple[int | str, ...]) -> bool:
    """Whether a sample's shape agrees with an input's, in which dimensions by name agree with any."""
    return len(shape) == len(wanted) and all(
        not isinstance(dim, int) or dim == size for dim, size in zip(wanted, shape, strict=True)
    )
