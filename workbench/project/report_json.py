"""Measured reports as plain dicts, as project files and the measurement store hold them."""

from collections.abc import Mapping

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.reports import EvaluationReport, LatencyReport

_PAIRED = ("reference", "difference", "agreement", "kl_divergence", "found_agreement")


def evaluation_to_json(report: EvaluationReport) -> dict[str, object]:
    """An evaluation without its list of changed samples, which is longer than all the rest."""
    values: dict[str, object] = {
        "metric": report.metric,
        "figure": report.figure.to_json(),
        "done": report.done,
        "total": report.total,
        "seconds": report.seconds,
        "recipe_digest": report.recipe_digest,
        "model_digest": report.model_digest,
        "dataset_digest": report.dataset_digest,
        "num_nan": report.num_nan,
    }
    for name in _PAIRED:
        figure = getattr(report, name)
        if figure is not None:
            values[name] = figure.to_json()
    if report.background is not None:
        values["background"] = report.background
    return values


def evaluation_from_json(values: Mapping[str, object]) -> EvaluationReport:
    """What `evaluation_to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
    return EvaluationReport(
        metric=_text(values["metric"]),
        figure=figure_from_json(values["figure"]),
        done=int(_number(values["done"])),
        total=int(_number(values["total"])),
        seconds=_number(values["seconds"]),
        recipe_digest=_text(values["recipe_digest"]),
        reference=_figure_or_none(values.get("reference")),
        difference=_figure_or_none(values.get("difference")),
        agreement=_figure_or_none(values.get("agreement")),
        kl_divergence=_figure_or_none(values.get("kl_divergence")),
        model_digest=_text(values.get("model_digest", "")),
        dataset_digest=_text(values.get("dataset_digest", "")),
        num_nan=int(_number(values.get("num_nan", 0))),
        found_agreement=_figure_or_none(values.get("found_agreement")),
        background=None if values.get("background") is None else int(_number(values["background"])),
    )


def latency_to_json(report: LatencyReport) -> dict[str, object]:
    """A latency with the device that it was measured on."""
    return {
        "p50": report.p50.to_json(),
        "p90": report.p90.to_json(),
        "device": report.device,
        "recipe_digest": report.recipe_digest,
        "niceness": report.niceness,
        "model_digest": report.model_digest,
        "original": report.original.to_json() if report.original is not None else None,
        "ratio": report.ratio.to_json() if report.ratio is not None else None,
    }


def latency_from_json(values: Mapping[str, object]) -> LatencyReport:
    """What `latency_to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
    return LatencyReport(
        p50=figure_from_json(values["p50"]),
        p90=figure_from_json(values["p90"]),
        device=_text(values["device"]),
        recipe_digest=_text(values["recipe_digest"]),
        niceness=int(_number(values.get("niceness", 0))),
        model_digest=_text(values.get("model_digest", "")),
        original=_figure_or_none(values.get("original")),
        ratio=_figure_or_none(values.get("ratio")),
    )


# Of files that say nothing of it.
_USUAL_LEVEL = 95


def figure_from_json(values: object) -> Figure:
    """What `Figure.to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
    if not isinstance(values, Mapping):
        raise TypeError("a figure is an object")
    return Figure(
        value=_number(values["value"]),
        unit=_text(values["unit"]),
        origin=Origin(_text(values["origin"])),
        low=_number_or_none(values["low"]),
        high=_number_or_none(values["high"]),
        n=int(_number(values["n"])),
        level=int(_number(values.get("level", _USUAL_LEVEL))),
    )


def _figure_or_none(values: object) -> Figure | None:
    return None if values is None else figure_from_json(values)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value
