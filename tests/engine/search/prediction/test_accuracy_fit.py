"""What guessing gives, and how much can be lost: a curve must be able to reach what was measured."""

import itertools

import pytest

from workbench.engine.core.accuracy_prediction import MeasuredMix
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, SensitivityScan
from workbench.engine.search.prediction.accuracy_fit import fit_accuracy, guessing, with_mix
from workbench.jobs import JobContext

_AXES = ScanAxes(weight_bits=(2, 4, 8), sparsities=())


def _report(drop: float, metric: str = "agreement") -> EvaluationReport:
    return EvaluationReport(
        metric=metric,
        figure=Figure(1 - drop, "fraction", Origin.MEASURED, n=1000),
        done=1000,
        total=1000,
        seconds=1.0,
        reference=Figure(1.0, "fraction", Origin.MEASURED, n=1000),
        difference=Figure(-drop, "fraction", Origin.MEASURED, n=1000),
    )


def _scan() -> SensitivityScan:
    cells = tuple(
        ScanCell(layer, setting, Figure(4.0 ** (2 - (setting.weights or 0)), "nat", Origin.MEASURED), num_samples=64)
        for layer in ("a", "b", "c")
        for setting in _AXES.settings
    )
    return SensitivityScan("m", "d", _AXES, ("a", "b", "c"), cells, 64)


@pytest.mark.parametrize(
    ("metric", "classes", "chance"),
    [("agreement", None, 0.0), ("agreement", 0, 0.0), ("agreement", 21, 1 / 21), ("top5", 10, 0.5), ("top1", 1, 0.5)],
    ids=["unknown", "no labels", "classes", "one of five", "a single score"],
)
def test_guessing_is_one_of_the_classes_or_nothing_where_they_are_not_known(metric, classes, chance):
    assert guessing(_report(0.1, metric), classes) == pytest.approx(chance)


def test_no_less_can_be_lost_than_was_measured():
    drops = itertools.cycle([0.02, 0.1, 0.4])

    def measure(recipe: Recipe, ctx: JobContext) -> EvaluationReport:
        return _report(next(drops))

    # Whoever says that a guess is always right is told otherwise by the samples.
    *_, prediction = fit_accuracy(_scan(), measure, JobContext(), chance=1.0, kinds={})

    assert prediction.curve.most == 0.4
    assert prediction.kl_for(0.02) < float("inf")


def test_a_mix_that_loses_more_raises_what_can_be_lost():
    def measure(recipe: Recipe, ctx: JobContext) -> EvaluationReport:
        return _report(0.1)

    *_, prediction = fit_accuracy(_scan(), measure, JobContext(), chance=0.8, kinds={})

    assert prediction.curve.most == pytest.approx(0.2)
    assert with_mix(prediction, MeasuredMix(3.0, 0.6)).curve.most == 0.6
