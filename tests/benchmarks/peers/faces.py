"""How far a quantized face detector moves from the float one; there are no labels.

The detector's boxes leave it decoded: corners as fractions of width and height.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WIDTH_PX, HEIGHT_PX = 320, 240
_FACE = 1
# Boxes of lower scores are never shown; before those of one face are merged, so that none is left out.
_LEAST_SCORE = 0.5

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FaceShift:
    """Of a quantized detector against the float one.

    Args:
        cosine: of all face scores of all images.
        lowest_cosine: of the face scores of the image that suffers most.
        largest_px, median_px: how far a corner's coordinate moves, over boxes that the float model calls faces.
        num_boxes: how many those are.
    """

    cosine: float
    lowest_cosine: float
    largest_px: float
    median_px: float
    num_boxes: int

    def __str__(self) -> str:
        return (
            f"score cosine {self.cosine:.5f} (lowest image {self.lowest_cosine:.5f}), box shift at most "
            f"{self.largest_px:.2f} px (median {self.median_px:.2f}, {self.num_boxes} boxes)"
        )


def face_shift(reference: tuple[Array, Array], quantized: tuple[Array, Array]) -> FaceShift:
    """Compare scores (N, boxes, 2) and boxes (N, boxes, 4) of two detectors on the same images."""
    before, now = reference[0][..., _FACE].astype(np.float64), quantized[0][..., _FACE].astype(np.float64)
    by_image = np.sum(before * now, 1) / (np.linalg.norm(before, axis=1) * np.linalg.norm(now, axis=1))
    cosine = np.sum(before * now) / (np.linalg.norm(before) * np.linalg.norm(now))
    moved = np.abs(quantized[1] - reference[1]) * np.array([WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX])
    largest = moved.max(axis=-1)[before > _LEAST_SCORE]
    return FaceShift(
        float(cosine), float(by_image.min()), float(largest.max()), float(np.median(largest)), len(largest)
    )
