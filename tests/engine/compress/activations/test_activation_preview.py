import numpy as np
import pytest

from workbench.engine.compress.activations.activation_preview import activation_preview
from workbench.engine.core.recipe import ActivationSettings
from workbench.engine.core.tensor_statistics import HALF_BINS, TensorStatistics

_EMPTY = np.zeros(0, np.float32)


@pytest.fixture
def statistics() -> TensorStatistics:
    """Six zeros, two values near 0.75, one near 3 and one near 100, in bins of 1/16."""
    counts = np.zeros(2 * HALF_BINS, np.int64)
    for value, count in ((0.0, 6), (0.75, 2), (3.0, 1), (100.0, 1)):
        counts[HALF_BINS + int(value * 16)] += count
    return TensorStatistics(0.0, 100.0, _EMPTY, _EMPTY, _EMPTY, 1 / 16, counts, 10, num_zeros=6)


def test_octaves_count_what_is_not_zero(statistics):
    preview = activation_preview("t", statistics, None, is_input=True)

    # [0.5, 1) holds two of four, [2, 4) one, [64, 128) one.
    assert preview.first_octave == -1
    assert preview.octaves.tolist() == [0.5, 0, 0.25, 0, 0, 0, 0, 0.25]
    assert preview.scale is None
    assert preview.sqnr_db == float("inf")


def test_the_kept_range_and_what_it_clips_are_those_of_the_codes(statistics):
    settings = ActivationSettings(8, range="mse")

    preview = activation_preview("t", statistics, settings, is_input=False)

    assert preview.clip_low == 0
    assert preview.clip_high == pytest.approx(255 * preview.scale)
    assert preview.clipped in (0.0, 0.1)
    assert preview.zero_point == 0
    assert int(preview.counts.sum()) == 10
    assert len(preview.edges) == len(preview.counts) + 1
