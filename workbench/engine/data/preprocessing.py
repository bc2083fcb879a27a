"""How samples become tensors: read from a file beside the data, overridden by hand, or guessed from the model."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image

from workbench.engine.core.errors import DataError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.reports import Preprocessing

_KEYS = tuple(item.name for item in fields(Preprocessing) if item.name != "guessed")
_METRICS = ("", "top1", "top5", "psnr", "agreement")
_CHOICES = {"channel_order": ("rgb", "bgr"), "layout": ("nchw", "nhwc", "raw"), "metric": _METRICS}


def read_preprocessing(
    data_path: Path,
    overrides: Mapping[str, object],
    inputs: Sequence[TensorInfo],
    sample_shape: tuple[int, ...],
) -> Preprocessing:
    """The preprocessing of a data set: what its `.data.yaml` says, then the overrides, then guesses.

    Args:
        data_path: of the data; `NAME.data.yaml` is looked for beside it.
        overrides: settings given by hand; they win.
        inputs: of the model; empty to guess nothing from it.
        sample_shape: of one stored sample.

    Raises:
        DataError: an unknown key or a bad value; the message names the file and line.
    """
    given = {**_read_sidecar(data_path), **_checked(overrides, "preprocessing")}
    guesses = {name: value for name, value in _guesses(inputs, sample_shape, given).items() if name not in given}
    values: dict[str, Any] = {**given, **guesses}
    return Preprocessing(**values, guessed=tuple(guesses))


def to_tensor(
    samples: npt.NDArray[np.generic], preprocessing: Preprocessing, model_input: TensorInfo
) -> npt.NDArray[np.generic]:
    """The model's input for a batch of stored samples.

    Args:
        samples: uint8 images (N, H, W, C), or features (N, …).
        preprocessing: how.
        model_input: gives the shape and the element type.
    """
    dtype = {"float": np.float32, "float16": np.float16, "double": np.float64, "int64": np.int64, "int32": np.int32,
             "uint8": np.uint8}.get(model_input.dtype, np.float32)  # fmt: skip
    if preprocessing.layout == "raw":
        return _fitted(samples.astype(dtype), model_input)
    images = samples.astype(np.float32)
    if preprocessing.channel_order == "bgr":
        images = images[..., ::-1]
    mean, std = np.array(preprocessing.mean, np.float32), np.array(preprocessing.std, np.float32)
    images = (images * np.float32(preprocessing.scale) - mean) / std
    if preprocessing.layout == "nchw":
        images = images.transpose(0, 3, 1, 2)
    return _fitted(np.ascontiguousarray(images, dtype), model_input)


def resized(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """The image after `resize` and `crop`."""
    if preprocessing.resize is not None and image.size != (preprocessing.resize,) * 2:
        image = image.resize((preprocessing.resize,) * 2, Image.Resampling.BILINEAR)
    if preprocessing.crop is not None:
        left, top = (image.width - preprocessing.crop) // 2, (image.height - preprocessing.crop) // 2
        image = image.crop((left, top, left + preprocessing.crop, top + preprocessing.crop))
    return image


def _fitted(tensor: npt.NDArray[np.generic], model_input: TensorInfo) -> npt.NDArray[np.generic]:
    """The tensor in the model's rank: (N, 28, 28, 1) for an input (N, 784, 1), where the numbers are as many."""
    wanted = model_input.shape[1:]
    if all(isinstance(dim, int) for dim in wanted) and tuple(tensor.shape[1:]) != wanted:
        count = int(np.prod([dim for dim in wanted if isinstance(dim, int)], dtype=np.int64))
        if count == int(np.prod(tensor.shape[1:], dtype=np.int64)):
            return tensor.reshape(len(tensor), *[int(dim) for dim in wanted])
    return tensor


def _read_sidecar(data_path: Path) -> dict[str, object]:
    for name in (f"{data_path.name}.data.yaml", f"{data_path.stem}.data.yaml"):
        path = data_path.with_name(name)
        if path.is_file():
            try:
                node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
                values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
                raise DataError(f"{path}: cannot be read ({' '.join(str(error).split())[:120]})") from error
            if not isinstance(values, dict):
                raise DataError(f"{path}: must hold `key: value` lines", f"the keys are {', '.join(_KEYS)}")
            lines = {key.value: key.start_mark.line + 1 for key, _ in node.value} if node is not None else {}
            return _checked(values, str(path), lines)
    return {}


def _checked(values: Mapping[str, object], source: str, lines: Mapping[str, int] | None = None) -> dict[str, object]:
    checked: dict[str, object] = {}
    for key, value in values.items():
        where = f"{source}, line {lines[key]}" if lines and key in lines else source
        if key not in _KEYS:
            raise DataError(f"{where}: unknown key {key!r}", f"the keys are {', '.join(_KEYS)}")
        try:
            checked[key] = _value(key, value)
        except (TypeError, ValueError) as error:
            raise DataError(f"{where}: {key} cannot be {value!r} ({error})") from error
    return checked


def _value(key: str, value: object) -> object:
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            raise ValueError(f"one of {', '.join(filter(None, _CHOICES[key]))}")
        return value
    if key in ("mean", "std"):
        numbers = tuple(float(str(item)) for item in (value if isinstance(value, list | tuple) else [value]))
        if not numbers or (key == "std" and 0 in numbers):
            raise ValueError("must not be zero or empty")
        return numbers
    if key == "scale":
        return float(str(value))
    number = int(str(value))
    if key in ("resize", "crop") and number < 1:
        raise ValueError("a number of pixels")
    return number


def _guesses(
    inputs: Sequence[TensorInfo], sample_shape: tuple[int, ...], given: Mapping[str, object]
) -> dict[str, object]:
    """What the model's input tells of its samples, and the defaults that nobody gave."""
    guesses: dict[str, object] = {"scale": 1 / 255, "mean": (0.0,), "std": (1.0,)}
    if not inputs:
        return guesses
    shape = inputs[0].shape
    is_image = len(sample_shape) == 3
    if not is_image:
        return {"layout": "raw"}
    if len(shape) == 4:
        channels_last = shape[3] == sample_shape[2] and shape[1] != sample_shape[2]
        guesses["layout"] = "nhwc" if channels_last else "nchw"
        height = shape[1] if channels_last else shape[2]
        if isinstance(height, int) and height > 0 and height != sample_shape[0] and not given.get("crop"):
            guesses["resize"] = height
    return guesses
