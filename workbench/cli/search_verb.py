"""`workbench search`: the best recipe within budgets, measured, and the trade-off around it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from workbench.cli.byte_size import ByteSize
from workbench.cli.data_options import overrides, preprocessing_options
from workbench.cli.finite_range import FiniteRange
from workbench.cli.output import figure_json, job, print_json, print_table, say_guesses
from workbench.engine.core.format import format_bytes, format_figure, format_metric, format_with_interval
from workbench.engine.core.measurement import Figure
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import Lack, ParetoPoint, SearchBudgets, SearchResult
from workbench.engine.core.sensitivity import ScanAxes
from workbench.engine.core.whole_file import write_whole
from workbench.jobs import Cancelled
from workbench.project.recipe_text import format_recipe
from workbench.project.scan_file import load_scan

_USUAL = ScanAxes()
# Of channels, which alone take multiply-adds away.
_RATIOS = (0.125, 0.25, 0.5)
# Of activations, beside which weights of as many or fewer compute on integers.
_INTEGERS = (8,)
_LIMIT = 1000
_SCANNED_BY = {Lack.CHANNELS: "--ratio 0.25,0.5", Lack.INTEGERS: "--activations 8"}


@click.command("search")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Samples that recipes are measured on.")
@click.option("--calibration", type=click.Path(path_type=Path), default=None, help="Samples that set ranges.")
@click.option("--max-bytes", type=ByteSize(), default=None, help="The most that the file may have, such as 140kB.")
@click.option("--max-macs", type=click.IntRange(min=1), default=None, help="The most multiply-adds, at batch 1.")
@click.option("--max-latency-ms", type=FiniteRange(0, min_open=True), default=None, help="Estimated for --device.")
@click.option("--device", default=None, help="Whose latency is meant; `workbench devices` lists them.")
@click.option("--max-drop", type=FiniteRange(min=0), default=None, help="Percentage points, or dB, that may be lost.")
@click.option("--scan", "scan_path", type=click.Path(path_type=Path), default=None, help="What `scan` wrote.")
@click.option("--prune", "prunes", is_flag=True, help="Make weights zero; to save MACs or ms, cut channels.")
@click.option(
    "--quantize",
    "quantizes",
    is_flag=True,
    help="Fewer bits; to save ms, of activations too. Both if neither is given.",
)
@click.option("--limit", type=click.IntRange(min=2), default=_LIMIT, help=f"Measure on so many samples; {_LIMIT:,}.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The recipe to write.")
@click.option("--force", is_flag=True, help="Overwrite the file that is there.")
@preprocessing_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    model: Path,
    data: Path,
    calibration: Path | None,
    max_bytes: int | None,
    max_macs: int | None,
    max_latency_ms: float | None,
    device: str | None,
    max_drop: float | None,
    scan_path: Path | None,
    prunes: bool,
    quantizes: bool,
    limit: int,
    out: Path,
    force: bool,
    as_json: bool,
    **rest: str | None,
) -> int:
    """Find the best recipe for MODEL within all budgets that are given, measure it, and write it.

    With --max-drop alone the smallest file is sought, otherwise the best accuracy. Exit status 1: the budgets are out
    of reach. What was measured is kept: the next budget is answered sooner.

    Example: workbench search net.onnx --data test.zip --max-bytes 1000000 --scan scan.json -o best.yaml
    """
    from workbench.engine.graph.save import check_target
    from workbench.engine.search.solving.search_space import SearchMeans
    from workbench.session import Session

    budgets = SearchBudgets(max_bytes, max_macs, max_latency_ms, max_drop, device or "")
    _check(budgets)
    check_target(out, force=force, inputs=[path for path in (model, data, calibration, scan_path) if path])
    means = SearchMeans(quantizes or not prunes, prunes or not quantizes)
    session, result, is_stopped = Session(), None, False
    info = session.open_model(model)
    with job("search") as ctx:
        samples = session.open_data(data, overrides(rest), ctx)
        if calibration is not None:
            session.open_calibration(calibration, overrides(rest), ctx)
        session.check_budgets(budgets, ctx)
        try:
            if scan_path is not None:
                layers = {layer.name for layer in info.layers}
                scan = load_scan(scan_path, model_digest=info.digest, dataset_digest=samples.digest, layers=layers)
            else:
                *_, scan = session.scan(_axes(means.quantizes, means.prunes, budgets), ctx=ctx.part(0, 0.4, "scan"))
            part = ctx.part(0 if scan_path is not None else 0.4, 1)
            with _nothing_else_printed():
                for result in session.search(budgets, scan, means=means, limit=limit, ctx=part):  # noqa: B007 - the last counts
                    pass
        except Cancelled:
            is_stopped = True
    if result is None:
        raise Cancelled
    if result.best is not None:
        write_whole(out, (_remarks(result, result.best) + format_recipe(result.best.recipe)).encode(), force=force)
    if as_json:
        print_json({**_json(result, out), "guessed": samples.preprocessing.guesses})
    else:
        _print(result, out)
    say_guesses(samples, as_json=as_json)
    if is_stopped:
        print("interrupted: what was measured is kept", file=sys.stderr)
        return 130
    return 0 if result.best is not None else 1


def _check(budgets: SearchBudgets) -> None:
    if not budgets.has_limits:
        raise click.UsageError("give a budget: --max-bytes, --max-macs, --max-latency-ms or --max-drop")
    if budgets.max_latency_ms is not None and not budgets.device:
        raise click.UsageError("--max-latency-ms needs --device")
    if budgets.max_latency_ms is None and budgets.device:
        raise click.UsageError("--device says whose latency is meant: give --max-latency-ms, too")


def _axes(quantizes: bool, prunes: bool, budgets: SearchBudgets) -> ScanAxes:
    """What is scanned where no scan is given: of activations and channels what budgets need."""
    is_timed = budgets.max_latency_ms is not None
    return ScanAxes(
        weight_bits=_USUAL.weight_bits if quantizes else (),
        activation_bits=_INTEGERS if quantizes and is_timed else (),
        sparsities=_USUAL.sparsities if prunes else (),
        ratios=_RATIOS if prunes and (is_timed or budgets.max_macs is not None) else (),
    )


def _remarks(result: SearchResult, best: ParetoPoint) -> str:
    """Comments at the head of the recipe: what it was searched for, and what that gave."""
    budgets = result.budgets
    lines = [f"searched for {budgets.text(result.original.unit)}", f"{best.file_bytes:,} bytes"]
    if best.measured is not None:
        lines.append(f"{format_metric(best.measured.metric)}, measured: {format_with_interval(best.measured.figure)}")
    lines += [line for line in (_elsewhere(result), *result.notes) if line]
    if best.latency is not None:
        lines.append(f"latency on {budgets.device}: {_latency(best.latency)}")
    return "".join(f"# {line}\n" for line in lines)


def _latency(figure: Figure) -> str:
    """With the band that held four of five measurements."""
    return f"{format_with_interval(figure)}, {figure.origin}"


@contextmanager
def _nothing_else_printed() -> Iterator[None]:
    """HiGHS writes remarks of its own to standard output, past Python: they are for its makers.

    Source: HiGHS 1.8, HighsMipSolverData.cpp, transformNewIntegerFeasibleSolution.
    """
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _json(result: SearchResult, out: Path) -> dict[str, object]:
    best = result.best
    return {
        "recipe": None if best is None else best.recipe.to_json(),
        "predicted": None if best is None else _predicted_json(best),
        "measured": None if best is None else _measured_json(best),
        "pareto": [
            {
                "recipe": point.recipe.to_json(),
                "predicted": _predicted_json(point),
                "measured": _measured_json(point),
                "taken": _is_taken(point, result),
            }
            for point in _listed(result)
        ],
        "metric": result.metric,
        "original": figure_json(result.original),
        "confirmed": None if result.confirmed is None else _evaluation_json(result.confirmed),
        "note": result.note or None,
        "notes": list(result.notes),
        "device": result.budgets.device or None,
        "refusal": _refusal(result) or None,
        "num_measured": result.num_measured,
        "seconds": result.seconds,
        "output": None if best is None else str(out),
    }


def _refusal(result: SearchResult) -> str:
    """Why there is no recipe, and how to scan for what the search lacked."""
    options = " and ".join(_SCANNED_BY[lack] for lack in result.lacks)
    return f"{result.refusal}; scan with {options}" if options else result.refusal


def _listed(result: SearchResult) -> list[ParetoPoint]:
    """The front, and what is taken: a prediction alone may seem to beat that, and people look for it all the same."""
    points = list(result.front)
    if result.best is not None and not any(_is_taken(point, result) for point in points):
        points.append(result.best)
    return sorted(points, key=lambda point: point.file_bytes)


def _is_taken(point: ParetoPoint, result: SearchResult) -> bool:
    return result.best is not None and point.recipe.digest == result.best.recipe.digest


def _predicted_json(point: ParetoPoint) -> dict[str, object]:
    return {
        "accuracy": figure_json(point.predicted),
        "kl": point.kl,
        "file_bytes": point.file_bytes,
        "macs": point.macs,
        "latency": figure_json(point.latency),
    }


def _measured_json(point: ParetoPoint) -> dict[str, object] | None:
    if point.measured is None:
        return None
    return {**_evaluation_json(point.measured), "file_bytes": point.file_bytes}


def _evaluation_json(report: EvaluationReport) -> dict[str, object]:
    return {
        "accuracy": figure_json(report.figure),
        "difference": figure_json(report.difference),
        "kl": figure_json(report.kl_divergence),
    }


def _print(result: SearchResult, out: Path) -> None:
    device = result.budgets.device
    rows = [_row(point, is_best=_is_taken(point, result), is_timed=bool(device)) for point in _listed(result)]
    if rows:
        print_table(rows, ("file", *(("latency",) if device else ()), "predicted", "measured", "difference", ""))
    print(f"original: {format_with_interval(result.original)}")
    for note in result.notes:
        print(note)
    if result.best is None:
        print(f"{out} is not written: {_refusal(result) or 'nothing within the budgets was measured yet'}")
        return
    print(f"{out}  {format_bytes(result.best.file_bytes)}; {_measured(result.num_measured)}")
    if result.best.latency is not None:
        print(f"latency on {device}: {_latency(result.best.latency)}")
    if result.note:
        print(result.note)
    if elsewhere := _elsewhere(result):
        print(elsewhere)


def _elsewhere(result: SearchResult) -> str:
    """What the recipe that is taken gives on samples that nothing was chosen on; "" where there are none."""
    confirmed = result.confirmed
    if confirmed is None or confirmed.difference is None:
        return ""
    difference = format_with_interval(confirmed.difference, difference=True)
    original = "" if confirmed.reference is None else f" against the original's {format_figure(confirmed.reference)}"
    accuracy = format_with_interval(confirmed.figure)
    return f"on {confirmed.done:,} other samples: {accuracy}{original}, {difference}"


def _measured(count: int) -> str:
    return "1 recipe measured" if count == 1 else f"{count} recipes measured"


def _row(point: ParetoPoint, *, is_best: bool, is_timed: bool) -> tuple[str, ...]:
    predicted = "" if point.predicted is None else format_with_interval(point.predicted)
    measured = difference = ""
    if point.measured is not None:
        measured = format_with_interval(point.measured.figure)
        if point.measured.difference is not None:
            difference = format_with_interval(point.measured.difference, difference=True)
    latency = () if not is_timed else ("–" if point.latency is None else format_figure(point.latency),)
    return format_bytes(point.file_bytes), *latency, predicted, measured, difference, "taken" if is_best else ""
