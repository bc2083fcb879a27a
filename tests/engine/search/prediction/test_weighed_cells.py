"""Divergences of a scan beside the accuracy that its cells lost."""

import pytest

from workbench.engine.core.accuracy_prediction import DropCurve
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.engine.search.prediction.weighed_cells import weighed_by_drops

_CURVE = DropCurve(0.8, 1.0, 1.0)


def _weighed(kl: float, drop: float | None, half: float = 0.0) -> float:
    figure = None if drop is None else Figure(drop, "fraction", Origin.MEASURED, drop - half, drop + half, 64)
    return _weighed_cell(kl, figure, None)


def _weighed_cell(kl: float, drop: Figure | None, soft: Figure | None) -> float:
    divergence = Figure(kl, "nat", Origin.MEASURED)
    cell = ScanCell("a", ScanSetting(weights=4), divergence, 20.0, drop, 64, soft_drop=soft)
    scan = SensitivityScan("m", "d", ScanAxes(), ("a",), (cell,), 64)
    (found,) = weighed_by_drops(scan, _CURVE).cells
    return found.kl.value


def test_a_cell_that_loses_what_its_divergence_says_keeps_it():
    assert _weighed(0.5, _CURVE.drop(0.5), 0.05) == pytest.approx(0.5, rel=0.03)


def test_a_large_divergence_that_changes_no_answer_counts_less():
    assert 0.02 < _weighed(0.8, 0.0, 0.08) < 0.6


def test_what_few_samples_say_counts_little():
    sure, unsure = _weighed(0.8, 0.1, 0.05), _weighed(0.8, 0.1, 0.5)

    assert sure < unsure < 0.8


def test_cells_without_a_drop_stay_as_they_are():
    assert _weighed(0.3, None) == 0.3


def test_probabilities_say_what_few_answers_cannot():
    unsure = Figure(0.0, "fraction", Origin.MEASURED, -0.5, 0.5, 64)
    lost = _CURVE.drop(0.2)
    sure = Figure(lost, "fraction", Origin.MEASURED, lost - 0.001, lost + 0.001, 64)

    assert _weighed_cell(0.8, unsure, None) > 0.3
    # Near the 0.2 at which so much is lost: a fifth of what is lost by probability may never be.
    assert 0.2 < _weighed_cell(0.8, unsure, sure) < 0.25
