"""Random inputs of one sample, where there are no samples to run a model on."""

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import RunError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.runtime.session import FedWith, RuntimeSession

# Nobody gave them, so that nobody can check them.
RANDOM_INPUTS = FedWith("random inputs", "give samples: it may take other shapes or values than random ones")
_REAL = {"float": np.float32, "float16": np.float16, "double": np.float64}
_WHOLE = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
# The side of most image networks' inputs; with a single pixel many of them do not run.
_IMAGE_SIDE = 224


def random_inputs(session: RuntimeSession, *, seed: int = 0) -> dict[str, npt.NDArray[np.generic]]:
    """One sample by input name: 0…1 for floating point, zeros and ones for other types.

    Dimensions that the model leaves open are 1, but 224 for height and width of an image.

    Raises:
        RunError: an input is of texts, or of another type that numbers do not give.
    """
    generator = np.random.default_rng(seed)
    return {info.name: _random_input(info, generator) for info in session.inputs}


def _random_input(info: TensorInfo, generator: np.random.Generator) -> npt.NDArray[np.generic]:
    shape = tuple(dim if isinstance(dim, int) else _open_size(info, place) for place, dim in enumerate(info.shape))
    if info.dtype in _REAL:
        return generator.random(shape, dtype=np.float32).astype(_REAL[info.dtype])
    if info.dtype not in _WHOLE:
        raise RunError(f"the model's input {info.name!r} takes {info.dtype}, for which there are no random samples")
    # Indices, lengths and masks: 0 and 1 are valid for nearly all of them.
    return generator.integers(0, 2, shape).astype(np.dtype(info.dtype))


def _open_size(info: TensorInfo, place: int) -> int:
    """Of three open or fixed sizes behind the batch, the small one counts channels."""
    if len(info.shape) != 4 or place == 0:
        return 1
    channels_last = info.shape[3] in (1, 3) and info.shape[1] not in (1, 3)
    return _IMAGE_SIDE if place in ((1, 2) if channels_last else (2, 3)) else 1
