"""`workbench latency`: what a model takes on a device, or here."""

from collections.abc import Callable
from pathlib import Path

import click

from workbench.cli.output import figure_json, job, print_json, print_table
from workbench.engine.core.format import format_figure, format_ms, format_ratio, format_with_interval
from workbench.engine.core.latency_estimate import LatencyEstimate, LayerLatency
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.operator_times import OperatorTimes
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import LatencyReport
from workbench.engine.core.tool_time import ToolTime
from workbench.jobs import JobContext

_SHOWN_LAYERS = 12


_THREADS = 4


@click.command("latency")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--device", default=None, help="Id of a device profile; `workbench devices` lists them.")
@click.option("--recipe", type=click.Path(path_type=Path), default=None, help="Of the model that the recipe gives.")
@click.option("--measured", type=float, default=None, help="Milliseconds that MODEL itself takes on that device.")
@click.option("--operators", is_flag=True, help="On this computer: measure each operator, beside the estimate.")
@click.option("--on", "runner", default=None, help="Measure on a device at hand, by a plugin's way: adb for a phone.")
@click.option("--serial", default="", help="With --on: which of several devices.")
@click.option("--threads", type=click.IntRange(1, 64), default=None, help="With --on: on the device; 4.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    model: Path,
    device: str | None,
    recipe: Path | None,
    measured: float | None,
    operators: bool,
    runner: str | None,
    serial: str,
    threads: int | None,
    as_json: bool,
) -> int:
    """Estimate MODEL's latency on a device, layer by layer; without --device, measure it on this computer.

    Example: workbench latency mobilenet.onnx --device oneplus-7t/ncnn/cpu-4t
    """
    from workbench.cli.apply_verb import read_recipe
    from workbench.session import Session

    if measured is not None and device is None:
        raise click.UsageError("--measured says how fast another device is: give --device, too")
    if operators and device is not None:
        raise click.UsageError("--operators measures on this computer: leave out --device")
    if runner is not None and (device is not None or operators):
        raise click.UsageError("--on measures on a device at hand: leave out --device and --operators")
    if runner is None and (serial or threads is not None):
        raise click.UsageError("--serial and --threads are of a device at hand: give --on, too")
    threads = threads or _THREADS
    session = Session()
    session.open_model(model)
    asked = read_recipe(recipe) if recipe is not None else Recipe()
    if runner is not None:
        with job("measuring on a device") as ctx:
            at_hand, time = session.time_on(runner, asked, device=serial, threads=threads, ctx=ctx)
        return _at_hand(at_hand, time, threads, model, recipe, as_json)
    if operators:
        return _operators_here(session.measure_operators, asked, as_json)
    if device is None:
        return _here(session.measure_latency, asked, as_json)
    with job("latency") as ctx:
        found = session.estimate_latency(device, asked, measured_ms=measured, ctx=ctx)
    if as_json:
        print_json(_json(found))
    else:
        _print(found)
    return 0 if found.figure is not None else 1


def _here(measure: Callable[[Recipe, JobContext], LatencyReport], recipe: Recipe, as_json: bool) -> int:
    """What this computer takes, and beside the original where a recipe is timed by turns with it."""
    with job("latency") as ctx:
        report = measure(recipe, ctx)
    notes = ["measured here, with onnxruntime on all cores", *([report.note] if report.note else [])]
    if as_json:
        figures = {"figure": report.p50, "p90": report.p90, "original": report.original, "ratio": report.ratio}
        print_json(
            {
                "device": report.device,
                **{name: figure_json(figure) for name, figure in figures.items()},
                "layers": [],
                "notes": notes,
            }
        )
        return 0
    print(f"{_text(report.p50)} on this computer ({report.device}), p90 {format_figure(report.p90)}")
    if report.ratio is not None and report.original is not None:
        print(f"{format_ratio(report.ratio)}; the original takes {format_figure(report.original)}")
    for note in notes[1:]:
        print(f"note: {note}")
    return 0


def _at_hand(device: str, time: ToolTime, threads: int, model: Path, recipe: Path | None, as_json: bool) -> int:
    """What a device that is connected takes."""
    figure = Figure(time.ms, "ms", Origin.MEASURED, n=time.n)
    notes = [f"average of {time.n} runs by {time.tool}, {threads} threads"]
    if time.min_ms is not None and time.max_ms is not None:
        notes.append(f"single runs took {format_ms(time.min_ms)} to {format_ms(time.max_ms)}")
    if as_json:
        print_json({"device": device, "figure": figure_json(figure), "layers": [], "notes": notes})
        return 0
    print(f"{_text(figure)} on {device}")
    for note in notes:
        print(f"note: {note}")
    if recipe is None:
        print(f"keep it: workbench devices add my-phone --like ID --measured {model}={time.ms:.4g}")
    return 0


def _operators_here(measure: Callable[[Recipe, JobContext], OperatorTimes], recipe: Recipe, as_json: bool) -> int:
    """What each operator takes on this computer."""
    with job("timing operators") as ctx:
        found = measure(recipe, ctx)
    if as_json:
        print_json(
            {
                "device": found.device,
                "figure": figure_json(found.whole),
                "layers": [one.to_json(found.sum_ms) for one in found.operators],
                "other_ms": found.other_ms,
                "misplaced": found.misplaced,
                "notes": list(found.notes),
            }
        )
        return 0
    print(
        f"{_text(found.whole)} on this computer ({found.device}); its operators, one by one, {format_ms(found.sum_ms)}"
    )
    slowest = sorted(found.operators, key=lambda one: -(one.measured.value if one.measured is not None else 0.0))
    # Toy models take less than the profiler can see.
    per_ms = 1 / found.sum_ms if found.sum_ms else 0.0
    rows = [
        (one.name, one.op_type, _text(one.measured, named=False), f"{one.measured.value * per_ms:.0%}",
         format_ms(one.estimated_ms) if one.estimated_ms is not None else "–")
        for one in slowest[:_SHOWN_LAYERS]
        if one.measured is not None
    ]  # fmt: skip
    print_table(rows, ("slowest operators", "type", "measured", "share", "estimated"))
    if found.other_ms:
        rest = format_ms(found.other_ms)
        print(f"{rest} belong to no operator: changes of the layout, and what is worked out of shapes")
    if found.misplaced is not None:
        print(f"the estimate puts {found.misplaced:.0%} of the time at other operators than where it went")
    for note in found.notes:
        print(f"note: {note}")
    return 0


def _json(found: LatencyEstimate) -> dict[str, object]:
    return {
        "device": found.device,
        "figure": figure_json(found.figure),
        "is_rough": found.is_rough,
        "layers": [layer.to_json() for layer in found.layers],
        "notes": list(found.notes),
    }


def _print(found: LatencyEstimate) -> None:
    if found.figure is not None:
        rough = ", rough" if found.is_rough else ""
        print(f"{found.device}: {_text(found.figure)}{rough}")
        slowest = sorted(found.layers, key=lambda layer: -layer.ms)[:_SHOWN_LAYERS]
        rows = [
            (
                layer.name,
                layer.op_type,
                format_ms(layer.ms),
                f"{layer.share:.0%}",
                str(layer.bound_by),
                _verdict(layer),
            )
            for layer in slowest
        ]
        print_table(rows, ("slowest layers", "type", "time", "share", "bound by", "int8 against float"))
    for note in found.notes:
        print(f"note: {note}")


def _verdict(layer: LayerLatency) -> str:
    speedup = layer.int8_speedup
    if speedup is None:
        return "–"
    # What there is comes first: a layer that is int8 already is compared with itself in float.
    verb = "is" if layer.is_int8 else "would be"
    if speedup == 1:
        return f"{verb} too close to tell"
    return f"{verb} {speedup:.2f} times as fast" if speedup > 1 else f"{verb} {1 / speedup:.2f} times slower"


def _text(figure: Figure, *, named: bool = True) -> str:
    return format_with_interval(figure) + (f", {figure.origin}" if named else "")
