"""Where figures lie between harmless and worst, by hand."""

import numpy as np
import pytest

from workbench.gui.heat_scale import Measure, heat_scale


def test_divergences_lie_by_their_logarithm_between_round_ends():
    scale = heat_scale(Measure.KL, np.array([0.002, 0.05, 0.9, np.nan]))

    assert (scale.low, scale.high) == (0.001, 1.0)
    places = scale.places(np.array([0.001, 0.01, 0.1, 1.0, np.nan]))
    assert places[:4].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert np.isnan(places[4])


def test_what_lies_beyond_the_ends_is_cut():
    scale = heat_scale(Measure.KL, np.array([0.001, 1.0]))

    assert (scale.place(0.0), scale.place(50.0)) == (0.0, 1.0)


def test_a_divergence_of_nothing_spans_no_more_than_five_decades():
    scale = heat_scale(Measure.KL, np.array([1e-15, 2.0]))

    assert scale.high / scale.low == pytest.approx(1e5)


def test_drops_begin_at_a_tenth_of_a_point():
    scale = heat_scale(Measure.DROP, np.array([-0.01, 0.0, 0.02, 0.41]))

    assert (scale.low, scale.high) == (0.001, 0.5)
    assert scale.place(-0.01) == 0.0
    assert [text for _, text in scale.ticks] == ["≤ 0.1", "0.3", "1", "3", "10", "30"]


def test_much_signal_is_harmless():
    scale = heat_scale(Measure.SQNR, np.array([12.0, 38.0, np.inf]))

    assert (scale.low, scale.high) == (40.0, 10.0)
    assert scale.places(np.array([np.inf, 40.0, 25.0, 10.0])).tolist() == pytest.approx([0, 0, 0.5, 1])
    assert [text for _, text in scale.ticks] == ["40", "30", "20", "10"]


@pytest.mark.parametrize("measure", list(Measure))
def test_without_a_figure_there_is_still_a_scale(measure: Measure):
    scale = heat_scale(measure, np.full((3, 2), np.nan))

    assert len(scale.ticks) >= 2
    assert np.isnan(scale.places(np.array([np.nan]))[0])


def test_ends_stay_while_a_scan_fills_in_between_them():
    values = np.array([0.0012, 0.8])

    assert heat_scale(Measure.KL, values) == heat_scale(Measure.KL, np.array([*values, 0.5, 0.03]))
