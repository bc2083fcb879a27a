"""What is lost, in the unit in which people allow it."""

import pytest

from workbench.engine.core.accuracy_drop import drop_of, least_drop_of
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.reports import EvaluationReport


def _report(difference: Figure | None) -> EvaluationReport:
    figure = Figure(0.8, "fraction", Origin.MEASURED)
    return EvaluationReport("top1", figure, 100, 100, 1.0, "r", figure, difference)


def test_a_fraction_that_is_lost_counts_in_percentage_points():
    report = _report(Figure(-0.03, "fraction", Origin.MEASURED, -0.05, -0.01))

    assert drop_of(report) == pytest.approx(3)
    # Of an interval of −5 to −1 points, one point is the least that is lost.
    assert least_drop_of(report) == pytest.approx(1)


def test_decibels_stay_decibels():
    report = _report(Figure(-0.5, "dB", Origin.MEASURED, -0.75, -0.25))

    assert (drop_of(report), least_drop_of(report)) == (0.5, 0.25)


def test_without_an_interval_the_point_estimate_is_all_there_is():
    assert least_drop_of(_report(Figure(-0.25, "fraction", Origin.MEASURED))) == 25


def test_the_original_loses_nothing():
    assert drop_of(_report(None)) == least_drop_of(_report(None)) == 0
