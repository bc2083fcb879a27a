"""Histograms of four values whose codes can be counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.engine.core.quantization_reports import ActivationPreview
from workbench.engine.core.recipe import ActivationSettings
from workbench.gui.quantized_histogram import Fate, code_steps, octave_fates, share_of


@pytest.fixture
def preview():
    """Ten values in each of eight bins over [-4, 4); codes 0 and 1 of a step of 2 keep [0, 2]."""
    return ActivationPreview(
        "x", True, ActivationSettings(8), -4.0, 4.0, 0.0, 2.0, 2.0, 0, 0.5, 6.0,
        edges=np.arange(-4, 5, dtype=np.float64), counts=np.full(8, 10), octaves=np.array([0.25, 0.25, 0.5]),
        first_octave=-1, channel_low=np.zeros(0, np.float32), channel_high=np.zeros(0, np.float32), num_samples=3,
    )  # fmt: skip


def test_values_snap_to_the_nearest_code_and_the_clipped_ones_to_the_outermost(preview):
    steps = code_steps(preview)

    # Below 1 they become 0: fifty of the eighty. Each step is two bins wide.
    np.testing.assert_allclose(steps.edges, [-1, 1, 3])
    np.testing.assert_allclose(steps.counts, [25, 15])


def test_nothing_gets_lost_whatever_the_number_of_codes(preview):
    wide = replace(preview, clip_low=-4.0, clip_high=4.0, scale=8 / 65535)

    steps = code_steps(wide)

    assert steps.counts.size <= 1024
    assert (steps.counts * np.diff(steps.edges)).sum() == pytest.approx(80)


def test_octaves_below_half_a_step_underflow_and_those_beyond_the_range_are_clipped(preview):
    # Half a step is 1, and what is kept ends at 2 + 1: [0.5, 1) vanishes, [1, 2) stays, [2, 4) is cut in part.
    assert octave_fates(preview) == (Fate.UNDERFLOWS, Fate.KEPT, Fate.PARTLY_CLIPPED)
    assert share_of(preview, Fate.PARTLY_CLIPPED) == 0.5


def test_what_lies_below_half_a_step_is_lost(preview):
    coarser = replace(preview, scale=4.0, clip_high=4.0)

    # Half a step is 2 by now: [0.5, 1) and [1, 2) vanish.
    assert share_of(coarser, Fate.UNDERFLOWS) == preview.octaves[:2].sum()


def test_an_octave_beyond_the_range_is_clipped_whole(preview):
    assert octave_fates(replace(preview, first_octave=2)) == (Fate.CLIPPED,) * 3


def test_in_float_everything_is_kept(preview):
    preview = replace(preview, clip_low=None, clip_high=None, scale=None)

    assert code_steps(preview) is None
    assert set(octave_fates(preview)) == {Fate.KEPT}
