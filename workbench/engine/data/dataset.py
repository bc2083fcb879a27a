"""A data set made ready for one model: stored samples, preprocessed into batches on demand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.core.digest import digest_of_json
from workbench.engine.core.errors import DataError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.reports import DataInfo, Preprocessing
from workbench.engine.data.preprocessing import read_preprocessing, resized, to_tensor
from workbench.engine.data.sources import Source, open_source

_CACHED_BYTES = 256 << 20


class Dataset:
    """Samples of one source, for one model. Decoded samples are kept, up to 256 MB.

    Args:
        source: the stored samples.
        info: what the data set looks like from outside.
        model_input: the input that gets the samples.
    """

    def __init__(self, source: Source, info: DataInfo, model_input: TensorInfo) -> None:
        self._source = source
        self.info = info
        self._input = model_input
        self._cache: dict[int, npt.NDArray[np.generic]] = {}
        self._cached_bytes = 0

    def __len__(self) -> int:
        return self.info.num_samples

    @property
    def labels(self) -> npt.NDArray[np.int64] | None:
        """The label of each sample, without `labels_offset`; None if there are none."""
        return self._source.labels

    def name(self, index: int) -> str:
        """What the sample is called in its source."""
        return self._source.names[index]

    def batch(self, indices: Sequence[int]) -> dict[str, npt.NDArray[np.generic]]:
        """The model's inputs for these samples. Raises DataError if they do not fit together or the model."""
        samples = [self._sample(int(index)) for index in indices]
        first = samples[0].shape
        for index, sample in zip(indices, samples, strict=True):
            if sample.shape != first:
                raise DataError(
                    f"{self.info.path}: {self.name(int(index))} is {_size(sample.shape)}, others are {_size(first)}",
                    "set `resize` so that all samples get one size",
                )
        tensor = to_tensor(np.stack(samples), self.info.preprocessing, self._input)
        self._check(tensor)
        return {self._input.name: tensor}

    def _check(self, tensor: npt.NDArray[np.generic]) -> None:
        wanted = self._input.shape
        fits = tensor.ndim == len(wanted) and all(
            not isinstance(dim, int) or dim == size for dim, size in zip(wanted[1:], tensor.shape[1:], strict=False)
        )
        if not fits:
            raise DataError(
                f"{self.info.path}: samples become {_size(tensor.shape[1:])}, but the model's input "
                f"{self._input.name!r} takes {_size(wanted[1:])}",
                "set `resize` or `layout` to fit",
            )

    def _sample(self, index: int) -> npt.NDArray[np.generic]:
        cached = self._cache.get(index)
        if cached is not None:
            return cached
        sample = _decoded(self._source, index, self.info.preprocessing, self._input)
        if self._cached_bytes + sample.nbytes <= _CACHED_BYTES:
            self._cache[index] = sample
            self._cached_bytes += sample.nbytes
        return sample


def open_dataset(path: Path, overrides: Mapping[str, object], inputs: Sequence[TensorInfo]) -> Dataset:
    """The data set at a path, made ready for a model.

    Args:
        path: a folder, .zip, .npz or idx file.
        overrides: preprocessing settings that win over the file beside the data.
        inputs: the model's inputs.

    Raises:
        DataError: the data cannot be read or does not fit the model.
    """
    if len(inputs) != 1:
        raise DataError(f"the model has {len(inputs)} inputs; samples for one input are supported")
    source = open_source(path)
    if not len(source.names):
        raise DataError(f"{path}: holds no samples")
    preprocessing = read_preprocessing(path, overrides, inputs, source.sample_shape)
    settings = {name: getattr(preprocessing, name) for name in Preprocessing.__dataclass_fields__ if name != "guessed"}
    info = DataInfo(
        path=str(path),
        num_samples=len(source.names),
        has_labels=source.labels is not None,
        num_classes=0 if source.labels is None else len(np.unique(source.labels)),
        sample_shape=source.sample_shape,
        preprocessing=preprocessing,
        digest=digest_of_json({"source": source.digest, "preprocessing": settings}),
    )
    dataset = Dataset(source, info, inputs[0])
    dataset.batch([0])
    return dataset


def seeded_order(count: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """A permutation of 0…count−1; its first k entries are the subset of k samples, so subsets are nested."""
    return np.random.default_rng(seed).permutation(count)


def _decoded(
    source: Source, index: int, preprocessing: Preprocessing, model_input: TensorInfo
) -> npt.NDArray[np.generic]:
    """One sample, resized, with as many channels as the model takes."""
    image = source.image(index)
    if image is None:
        return source.array(index)
    position = 3 if preprocessing.layout == "nhwc" else 1
    channels = model_input.shape[position] if len(model_input.shape) == 4 else None
    if channels == 1 and image.mode != "L":
        image = image.convert("L")
    elif channels == 3 and image.mode != "RGB":
        image = image.convert("RGB")
    array = np.asarray(resized(image, preprocessing))
    return array[..., None] if array.ndim == 2 else array


def _size(shape: Sequence[object]) -> str:
    return "×".join(str(dim) for dim in shape) or "a single number"
