"""`workbench evaluate`: how good a model is on samples, alone or against another."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli.cpu_output import emulated_json, print_saturation, print_whose
from workbench.cli.data_options import limit_option, overrides, preprocessing_options
from workbench.cli.output import figure_json, job, print_json, say_guesses
from workbench.engine.core.cpu_rules import CpuRules, EmulatedReport
from workbench.engine.core.errors import DataError
from workbench.engine.core.format import FOUND_AGREEMENT, format_nan, format_with_interval
from workbench.engine.core.reports import DataInfo, EvaluationReport
from workbench.jobs import Cancelled, JobContext

if TYPE_CHECKING:
    from workbench.session import Session

_SHOWN_CHANGES = 10


@click.command("evaluate")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="A folder, .zip, .npz or idx file.")
@limit_option("Evaluate")
@click.option("--against", type=click.Path(path_type=Path), default=None, help="Another model, on the same samples.")
@click.option(
    "--cpu",
    type=click.Choice([str(rules) for rules in CpuRules]),
    default=str(CpuRules.THIS),
    help="Whose arithmetic: this computer's; emulated: that of x86 without VNNI (saturating), or of others (exact).",
)
@preprocessing_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    model: Path, data: Path, limit: int | None, against: Path | None, cpu: str, as_json: bool, **rest: str | None
) -> int:
    """Measure MODEL's metric on samples, with a 95 % interval.

    Example: workbench evaluate resnet20.onnx --data test.zip --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
    """
    from workbench.engine.runtime.saturation import saturates
    from workbench.session import Session

    session, rules = Session(), CpuRules(cpu)
    session.open_model(model)
    other = against.name if against is not None else "this computer" if rules is not CpuRules.THIS else ""
    last: tuple[EvaluationReport, EmulatedReport | None] | None = None
    is_stopped = False
    with job("evaluate") as ctx:
        info = session.open_data(data, overrides(rest), ctx)
        try:
            for last in _reports(session, against, rules, limit, ctx):
                if last[0].metric == "agreement" and not other:
                    raise _compares_with_nothing(data, info)
        except Cancelled:
            is_stopped = True
    if last is None:
        raise Cancelled if is_stopped else DataError(f"{data}: holds no samples", "give other data")
    report, emulated = last
    if as_json:
        cpus = emulated_json(emulated, this_saturates=saturates())
        print_json({**_json(report, other), **cpus, "guessed": info.preprocessing.guesses})
    else:
        if emulated is not None:
            print_whose(emulated, this_saturates=saturates())
        _print(report, other, is_here=emulated is None or against is not None)
        if emulated is not None:
            print_saturation(emulated)
    say_guesses(info, as_json=as_json)
    if is_stopped:
        print(f"interrupted: {report.done} of {report.total} samples", file=sys.stderr)
        return 130
    return 0


def _reports(
    session: "Session", against: Path | None, rules: CpuRules, limit: int | None, ctx: JobContext
) -> Iterator[tuple[EvaluationReport, EmulatedReport | None]]:
    if rules is not CpuRules.THIS:
        for item in session.evaluate_on_cpu(rules, against=against, limit=limit, ctx=ctx):
            yield item.evaluation, item
    elif against is not None:
        yield from ((report, None) for report in session.evaluate_against(against, limit=limit, ctx=ctx))
    else:
        yield from ((report, None) for report in session.evaluate(limit=limit, ctx=ctx))


def _compares_with_nothing(data: Path, info: DataInfo) -> DataError:
    if info.has_labels:
        hint = "choose another with --metric, or another model to compare by --against"
        return DataError(f"{data}: agreement is the metric, and a model agrees with itself", hint)
    return DataError(f"{data}: has no labels", "give labels, or another model to compare by --against")


def _print(report: EvaluationReport, other: str, *, is_here: bool) -> None:
    """The report for people; an emulation of another processor is "there", compared with this computer."""
    print(f"{report.metric} {format_with_interval(report.figure)}, n = {report.done}, {report.seconds:.1f} s")
    if report.num_nan:
        print(f"note: {format_nan(report.num_nan, report.done)}")
    if report.difference is not None and other:
        print(f"difference to {other}: {format_with_interval(report.difference, difference=True)}")
    if report.agreement is not None and other:
        print(f"same answers: {format_with_interval(report.agreement)}")
        if report.found_agreement is not None:
            found = f"{FOUND_AGREEMENT.lower()} (not class {report.background})"
            print(f"{found}: {format_with_interval(report.found_agreement)}, n = {report.found_agreement.n}")
        for item in report.changed[:_SHOWN_CHANGES]:
            label = f", labelled {item.label}" if item.label >= 0 else ""
            there, here = (item.before, item.after) if is_here else (item.after, item.before)
            print(f"  {item.name}: {there} there, {here} here{label}")
        if len(report.changed) > _SHOWN_CHANGES:
            print("  … more with --json")


def _json(report: EvaluationReport, other: str) -> dict[str, object]:
    value: dict[str, object] = {
        "metric": report.metric,
        "figure": figure_json(report.figure),
        "seconds": report.seconds,
        "done": report.done,
        "total": report.total,
        "num_nan": report.num_nan,
    }
    if other:
        changed = [
            {"sample": item.sample, "name": item.name, "label": item.label, "before": item.before, "after": item.after}
            for item in report.changed
        ]
        value |= {
            "difference": figure_json(report.difference),
            "agreement": figure_json(report.agreement),
            "found_agreement": figure_json(report.found_agreement),
            "background": report.background,
            "kl_divergence": figure_json(report.kl_divergence),
            "changed": changed,
        }
    return value
