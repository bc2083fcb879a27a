"""The samples of one model input: where they are stored, how they are shaped, and what tensor they become."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import DataError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.reports import Preprocessing
from workbench.engine.data.array_source import Array
from workbench.engine.data.image_source import ImageSource
from workbench.engine.data.pictures import PictureForm, Pixels, decode, reform
from workbench.engine.data.preprocessing import StoredSample, fits, resolve_preprocessing
from workbench.engine.data.sample_store import SampleStore
from workbench.engine.data.tensors import TensorMaker

_KEPT_BYTES = 256 << 20
Indices = npt.NDArray[np.int64]
Settings = Mapping[str, object] | Preprocessing


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One input's samples.

    Args:
        name: of the model's input.
        stored: what a sample looks like in its source.
        preprocessing: how it becomes a tensor.
        rows: the samples by index, before the formula.
        tensor: the formula.
    """

    name: str
    stored: StoredSample
    preprocessing: Preprocessing
    rows: Callable[[Indices], Array]
    tensor: TensorMaker

    def batch(self, indices: Indices) -> Array:
        """The input's tensor for these samples."""
        return self.tensor(self.rows(indices))


def image_column(source: ImageSource, settings: Settings, model_input: TensorInfo | None) -> InputColumn:
    """A column of encoded images. Raises DataError if the first cannot be decoded or does not fit."""
    first = decode(source.files.read(source.names[0]), PictureForm(), f"{source.path}: {source.names[0]}")
    stored = StoredSample(first.shape, is_pixels=True)
    preprocessing = resolve_preprocessing(source.path, settings, model_input, stored)
    form = PictureForm.of(preprocessing, _channels(model_input, preprocessing, first.shape) or first.shape[2])
    shape = decode(source.files.read(source.names[0]), form, f"{source.path}: {source.names[0]}").shape

    def decoded(index: int) -> Pixels:
        name = source.names[index]
        pixels = decode(source.files.read(name), form, f"{source.path}: {name}")
        if pixels.shape != shape:
            raise DataError(
                f"{source.path}: {name} is {_size(pixels.shape)}, {source.names[0]} is {_size(shape)}",
                "set `resize` so that all samples get one size",
            )
        return pixels

    store = SampleStore(decoded, len(source.names), shape, _KEPT_BYTES)
    return _column(str(source.path), model_input, stored, preprocessing, shape, store.rows)


def array_column(
    path: str, array: Array, preprocessing_of: Callable[[StoredSample], Preprocessing], model_input: TensorInfo | None
) -> InputColumn:
    """A column of an array, resized where the preprocessing says so. Raises DataError if it does not fit."""
    pictures = _channels_last(array)
    stored = StoredSample(tuple(pictures.shape[1:]), is_pixels=array.dtype == np.uint8)
    preprocessing = preprocessing_of(stored)
    if preprocessing.layout == "raw":
        pictures = array
    shape = tuple(pictures.shape[1:])
    if not stored.is_pixels or len(shape) != 3 or preprocessing.layout == "raw":
        return _column(path, model_input, stored, preprocessing, shape, pictures.__getitem__)
    form = PictureForm.of(preprocessing, _channels(model_input, preprocessing, shape))
    if not form.changes(shape):
        return _column(path, model_input, stored, preprocessing, shape, pictures.__getitem__)

    def reformed(index: int) -> Pixels:
        return reform(np.asarray(pictures[index], np.uint8), form, f"{path}: sample {index}")

    new_shape = reformed(0).shape
    store = SampleStore(reformed, len(array), new_shape, _KEPT_BYTES)
    return _column(path, model_input, stored, preprocessing, new_shape, store.rows)


def _column(
    path: str,
    model_input: TensorInfo | None,
    stored: StoredSample,
    preprocessing: Preprocessing,
    shape: tuple[int, ...],
    rows: Callable[[Indices], Array],
) -> InputColumn:
    try:
        tensor = TensorMaker(preprocessing, shape, model_input)
    except DataError as error:
        raise DataError(f"{path}: {error.message}", error.hint) from error
    column = InputColumn(model_input.name if model_input else "x", stored, preprocessing, rows, tensor)
    made = column.batch(np.zeros(1, np.int64)).shape[1:]
    if model_input is not None and not fits(made, model_input.shape[1:]):
        raise DataError(
            f"{path}: samples become {_size(made)}, but the model's input {model_input.name!r} takes "
            f"{_size(model_input.shape[1:])}",
            "set `resize`, `crop` or `layout` to fit",
        )
    return column


def _channels(model_input: TensorInfo | None, preprocessing: Preprocessing, shape: tuple[int, ...]) -> int | None:
    """How many channels the model takes; None if it does not say."""
    wanted = model_input.shape[1:] if model_input is not None else ()
    if len(wanted) == 3:
        channels = wanted[2] if preprocessing.layout == "nhwc" else wanted[0]
        return channels if isinstance(channels, int) else None
    sizes = [dim for dim in wanted if isinstance(dim, int)]
    if len(sizes) != len(wanted) or not sizes:
        return None
    side = preprocessing.crop or preprocessing.resize
    area = side * side if side else shape[0] * shape[1]
    channels, rest = divmod(int(np.prod(sizes)), area)
    return channels if rest == 0 else None


def _channels_last(array: Array) -> Array:
    """Pictures as (N, H, W, C), from (N, H, W) bytes or from (N, C, H, W); other arrays as they are."""
    if array.ndim == 3 and array.dtype == np.uint8:
        return array[..., None]
    if array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] not in (1, 3):
        return array.transpose(0, 2, 3, 1)
    return array


def _size(shape: tuple[int | str, ...]) -> str:
    return "×".join(str(dim) for dim in shape) or "a single number"
