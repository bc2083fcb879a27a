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
from workbench.engine.data.sample_store import Checkpoint, SampleStore
from workbench.engine.data.tensors import TensorMaker

# Decoded images of an input, kept only where their tensors are not: a quarter of the memory for the same samples.
_KEPT_PIXEL_BYTES = 256 << 20
Indices = npt.NDArray[np.int64]
Settings = Mapping[str, object] | Preprocessing
# Samples by index, before the formula.
Rows = Callable[[Indices, Checkpoint], Array]


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One input's samples.

    Args:
        name: of the model's input.
        stored: what a sample looks like in its source.
        preprocessing: how it becomes a tensor.
        batch: the input's tensor for samples by index.
        conversion: what becomes of colours, in words; empty where they stay as they are.
    """

    name: str
    stored: StoredSample
    preprocessing: Preprocessing
    batch: Rows
    conversion: str = ""


@dataclass(frozen=True, slots=True)
class _Samples:
    """Samples before the formula.

    Args:
        path: of their source, for messages.
        stored: what they look like there.
        count: how many there are.
        shape: of one, decoded and resized.
        dtype: of their numbers.
        rows: gives them by index; asked for with the bytes that may be used to keep what has to be decoded.
    """

    path: str
    stored: StoredSample
    count: int
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    rows: Callable[[int], Rows]


def image_column(
    source: ImageSource, settings: Settings, model_input: TensorInfo | None, *, kept_bytes: int
) -> InputColumn:
    """A column of encoded images.

    Args:
        source: the images.
        settings: preprocessing that was given.
        model_input: what they are for; None to look at them without a model.
        kept_bytes: how much memory tensors may be kept in.

    Raises:
        DataError: the first cannot be decoded or does not fit.
    """
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

    samples = _made_one_by_one(str(source.path), stored, len(source.names), shape, decoded)
    return _column(samples, preprocessing, model_input, kept_bytes)


def array_column(
    path: str,
    array: Array,
    preprocessing_of: Callable[[StoredSample], Preprocessing],
    model_input: TensorInfo | None,
    *,
    kept_bytes: int,
) -> InputColumn:
    """A column of an array, resized where the preprocessing says so; arguments as for images.

    Raises:
        DataError: it does not fit.
    """
    pictures = _channels_last(array)
    stored = StoredSample(tuple(pictures.shape[1:]), is_pixels=array.dtype == np.uint8)
    preprocessing = preprocessing_of(stored)
    if preprocessing.layout == "raw":
        pictures = array
    shape = tuple(pictures.shape[1:])
    form = PictureForm.of(preprocessing, _channels(model_input, preprocessing, shape) if len(shape) == 3 else None)
    if not stored.is_picture or preprocessing.layout == "raw" or not form.changes(shape):

        def as_stored(_: int) -> Rows:
            return lambda indices, _: pictures[indices]

        samples = _Samples(path, stored, len(array), shape, pictures.dtype, as_stored)
        return _column(samples, preprocessing, model_input, kept_bytes)

    def reformed(index: int) -> Pixels:
        return reform(np.asarray(pictures[index], np.uint8), form, f"{path}: sample {index}")

    samples = _made_one_by_one(path, stored, len(array), reformed(0).shape, reformed)
    return _column(samples, preprocessing, model_input, kept_bytes)


def _made_one_by_one(
    path: str, stored: StoredSample, count: int, shape: tuple[int, ...], made: Callable[[int], Pixels]
) -> _Samples:
    def make(indices: Indices, pixels: Array, checkpoint: Checkpoint) -> None:
        for place, index in enumerate(indices):
            checkpoint()
            pixels[place] = made(int(index))

    def rows(kept_bytes: int) -> Rows:
        return SampleStore(make, count, shape, np.uint8, max_bytes=kept_bytes).rows

    return _Samples(path, stored, count, shape, np.dtype(np.uint8), rows)


def _column(
    samples: _Samples, preprocessing: Preprocessing, model_input: TensorInfo | None, kept_bytes: int
) -> InputColumn:
    try:
        tensor = TensorMaker(preprocessing, samples.shape, model_input)
    except DataError as error:
        raise DataError(f"{samples.path}: {error.message}", error.hint) from error
    shape = tensor(np.zeros((1, *samples.shape), samples.dtype)).shape[1:]
    if model_input is not None and not fits(shape, model_input.shape[1:]):
        raise DataError(
            f"{samples.path}: samples become {_size(shape)}, but the model's input {model_input.name!r} takes "
            f"{_size(model_input.shape[1:])}",
            "set `resize`, `crop` or `layout` to fit",
        )
    name = model_input.name if model_input else "x"
    conversion = _conversion(samples.stored.shape, samples.shape) if samples.stored.is_picture else ""
    return InputColumn(name, samples.stored, preprocessing, _batches(samples, tensor, shape, kept_bytes), conversion)


def _conversion(stored: tuple[int, ...], made: tuple[int, ...]) -> str:
    """What happens to the channels of pictures; the model says how many it takes, and nobody else."""
    words = {(1, 3): "grey pictures become RGB, three channels alike", (3, 1): "colour pictures become grey"}
    return words.get((stored[2], made[2]), "") if len(made) == 3 else ""


def _batches(samples: _Samples, tensor: TensorMaker, shape: tuple[int, ...], kept_bytes: int) -> Rows:
    """The tensors by index: kept, where making them costs something and there is room."""
    if tensor.is_cheap:
        rows = samples.rows(_KEPT_PIXEL_BYTES)
        return lambda indices, checkpoint: tensor(rows(indices, checkpoint))

    def make(indices: Indices, tensors: Array, checkpoint: Checkpoint) -> None:
        tensor.write(rows(indices, checkpoint), tensors)

    store = SampleStore(make, samples.count, shape, tensor.dtype, max_bytes=kept_bytes)
    rows = samples.rows(0 if store.keeps_all else _KEPT_PIXEL_BYTES)
    return store.rows


def _channels(model_input: TensorInfo | None, preprocessing: Preprocessing, shape: tuple[int, ...]) -> int | None:
    """How many channels the model takes; None if it does not say."""
    wanted = model_input.shape[1:] if model_input is not None else ()
    if len(wanted) == 3:
        channels = wanted[2] if preprocessing.layout == "nhwc" else wanted[0]
        return channels if isinstance(channels, int) else None
    sizes = [dim for dim in wanted if isinstance(dim, int)]
    if len(sizes) != len(wanted) or not sizes:
        return None
    height, width = preprocessing.size or shape[:2]
    area = preprocessing.crop**2 if preprocessing.crop else height * width
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
