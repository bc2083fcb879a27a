import pytest

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.reports import ChangedSample, EvaluationReport, LatencyReport
from workbench.project.report_json import (
    evaluation_from_json,
    evaluation_to_json,
    figure_from_json,
    latency_from_json,
    latency_to_json,
)

_FIGURE = Figure(0.75, "fraction", Origin.MEASURED, 0.5, 0.9, 16)


def test_an_evaluation_comes_back_without_its_changed_samples():
    paired = Figure(-0.25, "fraction", Origin.MEASURED, -0.5, 0.0, 16)
    report = EvaluationReport("top1", _FIGURE, 16, 500, 0.125, "r", _FIGURE, paired, _FIGURE, paired)
    listed = EvaluationReport(
        "top1", _FIGURE, 16, 500, 0.125, "r", _FIGURE, paired, _FIGURE, paired, (ChangedSample(3, "a", 1, 1, 2),)
    )

    assert evaluation_from_json(evaluation_to_json(listed)) == report


def test_an_evaluation_without_a_comparison_comes_back_without_one():
    report = EvaluationReport("agreement", _FIGURE, 16, 16, 0.125, model_digest="m", dataset_digest="d")

    assert evaluation_from_json(evaluation_to_json(report)) == report


def test_what_a_detector_still_finds_comes_back():
    report = EvaluationReport("agreement", _FIGURE, 16, 16, 0.125, found_agreement=_FIGURE, background=0)

    assert evaluation_from_json(evaluation_to_json(report)) == report


def test_a_latency_comes_back():
    figure = Figure(1.5, "ms", Origin.MEASURED, n=200)
    report = LatencyReport(figure, _FIGURE, "a processor", "r", 10, "m", original=figure, ratio=_FIGURE)

    assert latency_from_json(latency_to_json(report)) == report


def test_reports_of_earlier_programs_say_nothing_of_what_they_hold_for():
    evaluation = evaluation_to_json(EvaluationReport("top1", _FIGURE, 16, 16, 0.125, model_digest="m"))
    latency = latency_to_json(LatencyReport(_FIGURE, _FIGURE, "a processor", niceness=5))
    for name in ("model_digest", "dataset_digest", "niceness"):
        evaluation.pop(name, None)
        latency.pop(name, None)

    assert evaluation_from_json(evaluation).model_digest == ""
    assert latency_from_json(latency).niceness == 0


@pytest.mark.parametrize("change", [{"value": "x"}, {"value": True}, {"origin": "guessed"}, {"unit": 3}])
def test_what_is_no_figure_is_refused(change: dict[str, object]):
    with pytest.raises((TypeError, ValueError)):
        figure_from_json(_FIGURE.to_json() | change)
