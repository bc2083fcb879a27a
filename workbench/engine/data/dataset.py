"""A data set made ready for one model: stored samples, preprocessed into batches on demand."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.core.digest import digest_of_json
from workbench.engine.core.errors import DataError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.reports import DataInfo, Preprocessing
from workbench.engine.data.array_source import ArraySource
from workbench.engine.data.image_source import ImageSource
from workbench.engine.data.input_column import InputColumn, Settings, array_column, image_column
from workbench.engine.data.preprocessing import StoredSample, resolve_preprocessing
from workbench.engine.data.sources import Source, open_source

# Measured: making the tensor of a 224×224 image costs a quarter of what the smallest networks take to run it.
KEPT_BYTES = 512 << 20
_ONLY_ARRAY = "x"


class Dataset:
    """Samples of one source, for one model.

    Tensors are kept when they are made, up to 512 MiB; of images beyond, decoded pixels, up to 256 MiB an input.

    Args:
        source: the stored samples.
        info: what the data set looks like from outside.
        columns: the samples of each model input.
    """

    def __init__(self, source: Source, info: DataInfo, columns: Sequence[InputColumn]) -> None:
        self._source = source
        self._names = source.names
        self._columns = tuple(columns)
        self.info = info

    def __len__(self) -> int:
        return self.info.num_samples

    @property
    def labels(self) -> npt.NDArray[np.int64] | None:
        """The label of each sample, without `labels_offset`; None if there are none."""
        return self._source.labels

    @property
    def targets(self) -> npt.NDArray[np.generic] | None:
        """The image that each output should be like, shape (N, …), as stored; None if there are none."""
        return self._source.targets if isinstance(self._source, ArraySource) else None

    def name(self, index: int) -> str:
        """What the sample is called in its source."""
        return self._names[index]

    def batch(
        self, indices: Sequence[int] | npt.NDArray[np.int64], checkpoint: Callable[[], None] = lambda: None
    ) -> dict[str, npt.NDArray[np.generic]]:
        """The model's inputs for these samples, by input name. Arrays may be read-only.

        May be called from several threads.

        Args:
            indices: of the samples; may repeat.
            checkpoint: asked before each image that is decoded; may raise.

        Raises:
            DataError: a sample cannot be read, or has another size than the first.
        """
        places = np.asarray(indices, np.int64)
        return {column.name: column.batch(places, checkpoint) for column in self._columns}


def open_dataset(
    path: Path,
    overrides: Mapping[str, object] | Preprocessing | None = None,
    inputs: Sequence[TensorInfo] | None = None,
    *,
    kept_bytes: int = KEPT_BYTES,
) -> Dataset:
    """The data set at a path, made ready for a model. The first sample is decoded and checked.

    The same path and Preprocessing give the same tensors in any process.

    Args:
        path: a folder, .zip, .npz or idx file.
        overrides: preprocessing settings that win over the file beside the data; a whole Preprocessing
            is taken as it is.
        inputs: the model's inputs; None to look at the samples without a model.
        kept_bytes: memory that tensors may be kept in, shared equally by the inputs.

    Raises:
        DataError: the data cannot be read or does not fit the model.
    """
    source = open_source(path)
    settings = overrides if overrides is not None else {}
    columns = _columns(source, settings, tuple(inputs) if inputs is not None else (None,), kept_bytes)
    main = next((column for column in columns if column.stored.is_picture), columns[0])
    preprocessing = main.preprocessing
    values = {key: value for key, value in dataclasses.asdict(preprocessing).items() if key != "guessed"}
    info = DataInfo(
        path=str(path),
        num_samples=len(source.names),
        has_labels=source.labels is not None,
        num_classes=0 if source.labels is None else len(np.unique(source.labels)),
        sample_shape=main.stored.shape,
        preprocessing=preprocessing,
        digest=digest_of_json({"source": source.digest, "preprocessing": values}),
        unused=_unused(source, inputs),
        conversion=main.conversion,
    )
    return Dataset(source, info, columns)


def seeded_order(count: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """A permutation of 0…count−1; its first k entries are the subset of k samples, so subsets are nested."""
    return np.random.default_rng(seed).permutation(count)


def seeded_subset(count: int, size: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """The numbers of `size` samples drawn from `count`, or of all; a smaller subset begins a larger one."""
    return seeded_order(count, seed)[:size]


def _columns(
    source: Source, settings: Settings, inputs: tuple[TensorInfo | None, ...], kept_bytes: int
) -> list[InputColumn]:
    if not inputs:
        raise DataError("the model has no inputs, so it takes no samples", "choose another model")
    if isinstance(source, ImageSource):
        if len(inputs) != 1:
            raise DataError(
                f"{source.path}: the model has {len(inputs)} inputs, images can feed one",
                "give an .npz with one array for each input",
            )
        return [image_column(source, settings, inputs[0], kept_bytes=kept_bytes)]
    columns: list[InputColumn] = []
    for model_input in inputs:

        def settled(sample: StoredSample, model_input: TensorInfo | None = model_input) -> Preprocessing:
            # Beside pictures stand numbers such as tokens or boxes, to which mean and std do not apply.
            if len(inputs) > 1 and not sample.is_picture:
                return Preprocessing(scale=1.0, layout="raw")
            return resolve_preprocessing(source.path, settings, model_input, sample)

        name = _array_name(source, model_input, is_only=len(inputs) == 1)
        share = kept_bytes // len(inputs)
        columns.append(array_column(str(source.path), source.arrays[name], settled, model_input, kept_bytes=share))
    return columns


def _unused(source: Source, inputs: Sequence[TensorInfo] | None) -> tuple[str, ...]:
    """Arrays that feed no input of the model."""
    if inputs is None or isinstance(source, ImageSource):
        return ()
    used = {_array_name(source, model_input, is_only=len(inputs) == 1) for model_input in inputs}
    return tuple(name for name in (*source.arrays, *source.refused) if name not in used)


def _array_name(source: ArraySource, model_input: TensorInfo | None, *, is_only: bool) -> str:
    """Which array feeds an input: the one of its name, or `x` where there is only one input."""
    if model_input is not None and model_input.name in source.arrays:
        return model_input.name
    if is_only and _ONLY_ARRAY in source.arrays:
        return _ONLY_ARRAY
    wanted = repr(model_input.name) if model_input is not None else "'x'"
    if model_input is not None and model_input.name in source.refused:
        raise DataError(f"{source.path}: {source.refused[model_input.name]}", "save one array of numbers a sample")
    raise DataError(
        f"{source.path}: has no array {wanted}, only {', '.join(source.arrays)}",
        "save one array for each input, under its name",
    )
