"""How close output images are to the images they should be."""

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import DataError

# An exact match has no error to divide by; more than 100 dB is beyond what 16-bit images resolve.
MOST_DB = 100.0


def psnr_db(
    outputs: npt.NDArray[np.generic], targets: npt.NDArray[np.generic], scale: float
) -> npt.NDArray[np.float64]:
    """Peak signal-to-noise ratio of each sample in dB, shape (N,), at most 100.

    Args:
        outputs: images of shape (N, C, H, W), (N, H, W, C) or (N, H, W); clipped to 0…peak.
        targets: the same in any of these layouts. Bytes are scaled as the model's pixels are, with the peak
            255 · scale; other numbers are taken as they are, with the peak 1.
        scale: what pixels 0…255 are multiplied by before the model sees them.

    Raises:
        DataError: outputs and targets have different sizes.

    Source: 10 · log10(peak² / MSE); ITU-T J.340, section 4.
    """
    is_bytes = targets.dtype == np.uint8
    peak = 255 * scale if is_bytes else 1.0
    wanted = targets.astype(np.float64) * (scale if is_bytes else 1.0)
    found = _in_layout_of(np.asarray(outputs, np.float64), wanted)
    errors = ((np.clip(found, 0, peak) - wanted) ** 2).reshape(len(wanted), -1).mean(axis=1)
    least = peak**2 / 10 ** (MOST_DB / 10)
    return np.asarray(10 * np.log10(peak**2 / np.maximum(errors, least)))


def _in_layout_of(found: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if found.shape == wanted.shape:
        return found
    if found.ndim == 4 and wanted.ndim == 4:
        for order in ((0, 2, 3, 1), (0, 3, 1, 2)):
            if tuple(found.shape[axis] for axis in order) == wanted.shape:
                return found.transpose(order)
    sizes = [tuple(dim for dim in array.shape[1:] if dim != 1) for array in (found, wanted)]
    if sizes[0] == sizes[1] and len(found) == len(wanted):
        return found.reshape(wanted.shape)
    shapes = ["×".join(map(str, array.shape[1:])) for array in (found, wanted)]
    raise DataError(f"the model gives images of {shapes[0]}, the targets are {shapes[1]}", "correct `y`")
