"""Encoded images and stored arrays as pictures of one size and number of channels."""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from workbench.engine.core.errors import DataError
from workbench.engine.core.reports import Preprocessing

Pixels = npt.NDArray[np.uint8]
# 64 megapixels are more than any camera's sample; decoding more is likely a decompression bomb.
_LARGEST_PIXELS = 64_000_000
_MODES = {1: "L", 3: "RGB"}
# What Pillow raises on damaged files, by its own tests, besides OSError.
_DAMAGES = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error,
            OverflowError)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PictureForm:
    """The size and channels that pictures get.

    Args:
        resize: (height, width) in pixels, or None; bilinear.
        crop: side of a centred square in pixels, cut out after resizing, or None.
        channels: 1 for grey, 3 for colour, None to leave them.
    """

    resize: tuple[int, int] | None = None
    crop: int | None = None
    channels: int | None = None

    @staticmethod
    def of(preprocessing: Preprocessing, channels: int | None) -> "PictureForm":
        """The form that a preprocessing asks for."""
        return PictureForm(preprocessing.size, preprocessing.crop, channels if channels in _MODES else None)

    def changes(self, shape: tuple[int, ...]) -> bool:
        """Whether a stored picture (H, W, C) would come out different."""
        crop = (self.crop, self.crop) if self.crop is not None else None
        return shape[2] != (self.channels or shape[2]) or any(shape[:2] != size for size in (self.resize, crop) if size)


def decode(data: bytes, form: PictureForm, where: str) -> Pixels:
    """The picture in an encoded image, shape (H, W, C).

    Args:
        data: the encoded file.
        form: what size and channels it gets.
        where: names the sample in messages.

    Raises:
        DataError: it is no readable image, has too many pixels, or is smaller than the crop.
    """
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > _LARGEST_PIXELS:
            raise DataError(f"{where} has {image.width}×{image.height} pixels, too many for a sample", "remove it")
        plain = _plain(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{where} has too many pixels for a sample", "remove it") from error
    except _DAMAGES as error:
        raise DataError(f"{where} is no readable image", "remove or replace it") from error
    return _formed(plain, form, where)


def reform(pixels: Pixels, form: PictureForm, where: str) -> Pixels:
    """A stored picture (H, W, 1 or 3) in another form. Raises DataError if it is smaller than the crop."""
    if pixels.shape[2] not in _MODES:
        raise DataError(f"{where} has {pixels.shape[2]} channels", "give grey or colour images to resize")
    return _formed(Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels), form, where)


def _plain(image: Image.Image) -> Image.Image:
    """The image in grey or colour, without palette, transparency or 16 bits."""
    if image.mode in ("RGB", "L"):
        image.load()
        return image
    if image.mode.startswith("I"):
        # Pillow's own conversion clips at 255 instead of scaling 65,535 down.
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    return image.convert("L" if image.mode in ("1", "LA", "F") else "RGB")


def _formed(image: Image.Image, form: PictureForm, where: str) -> Pixels:
    if form.channels is not None and image.mode != _MODES[form.channels]:
        image = image.convert(_MODES[form.channels])
    if form.resize is not None and image.size != form.resize[::-1]:
        image = image.resize(form.resize[::-1], Image.Resampling.BILINEAR)
    if form.crop is not None:
        left, top = (image.width - form.crop) // 2, (image.height - form.crop) // 2
        if left < 0 or top < 0:
            raise DataError(f"{where} is {image.width}×{image.height}, smaller than the crop", "set `resize` too")
        image = image.crop((left, top, left + form.crop, top + form.crop))
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels
