"""`workbench scan`: how sensitive each layer is to each setting, one at a time."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from workbench.cli.data_options import overrides, preprocessing_options
from workbench.cli.first_look_output import look_first, one_width
from workbench.cli.output import job, print_json, print_table, say_guesses
from workbench.engine.core.sensitivity import (
    DEFAULT_BITS,
    DEFAULT_SPARSITIES,
    ScanAxes,
    ScanCell,
    SensitivityScan,
)
from workbench.jobs import Cancelled
from workbench.project.scan_file import FORMAT, save_scan, scan_to_json

_MOST_WORKERS = 256


class _List(click.ParamType):  # type: ignore[type-arg] # older releases of click take no argument there
    """Numbers with commas between them, each within limits."""

    def __init__(self, number: type[int] | type[float], low: float, high: float) -> None:
        self._number, self._low, self._high = number, low, high
        self.name = "n,n"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers, each once, in order."""
        if isinstance(value, tuple):
            return value
        try:
            found = {self._number(part) for part in str(value).split(",") if part.strip()}
        except ValueError:
            self.fail(f"{value!r} is no list of numbers; write them with commas, such as {self._example}", param, ctx)
        for one in found:
            if not self._low <= one <= self._high:
                self.fail(f"{one:g} is not within {self._low:g} and {self._high:g}", param, ctx)
        return tuple(sorted(found))

    @property
    def _example(self) -> str:
        return "2,4,8" if self._number is int else "0.3,0.5"


_BITS, _SHARES = _List(int, 2, 16), _List(float, 0.0, 1.0)


@click.command("scan")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Samples to measure on.")
@click.option("--calibration", type=click.Path(path_type=Path), default=None, help="Samples that set ranges.")
@click.option("--bits", type=_BITS, default=DEFAULT_BITS, help='Bits of weights, 2,3,4,6,8 if not given; "" for none.')
@click.option("--activations", type=_BITS, default=(), help="Bits of activations, such as 8.")
@click.option(
    "--sparsity",
    type=_SHARES,
    default=DEFAULT_SPARSITIES,
    help='Shares of zeros, 0.3,0.5,0.7,0.9 if not given; "" for none.',
)
@click.option("--ratio", type=_SHARES, default=(), help="Shares of channels that go, such as 0.25.")
@click.option("--criterion", default=None, help="What chooses the channels that go.")
@click.option("--samples", type=click.IntRange(min=2), default=64, help="Samples for each cell; 64.")
@click.option("--workers", type=click.IntRange(0, _MOST_WORKERS), default=0, help="Processes; threads if not given.")
@click.option("--cluster", default=None, help="Address of a Dask scheduler, tcp://HOST:PORT.")
@click.option(
    "--first-look",
    is_flag=True,
    help="No scan: weights or activations? Each alone, then each layer, at --bits and --activations (8 if not given).",
)
@click.option("-o", "--out", type=click.Path(path_type=Path), default=None, help="The JSON file to write.")
@click.option("--force", is_flag=True, help="Overwrite the file that is there.")
@preprocessing_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    model: Path,
    data: Path,
    calibration: Path | None,
    bits: tuple[int, ...],
    activations: tuple[int, ...],
    sparsity: tuple[float, ...],
    ratio: tuple[float, ...],
    criterion: str | None,
    samples: int,
    workers: int,
    cluster: str | None,
    first_look: bool,
    out: Path | None,
    force: bool,
    as_json: bool,
    **rest: str | None,
) -> int:
    """Measure what each setting of each layer of MODEL does, one at a time, and write it to a file.

    Every cell is kept as it is measured: after Ctrl-C, the same command goes on where it was. Exit status 1: none could
    be measured.

    With --first-look nothing is written: a recipe is taken apart to see where its damage comes from.

    Example: workbench scan net.onnx --data test.zip --bits 2,4,8 --sparsity 0.5,0.7 -o scan.json
    """
    from workbench.engine.graph.save import check_target
    from workbench.session import Session

    if first_look:
        if out is not None or workers or cluster or ratio or _is_given("sparsity"):
            raise click.UsageError(
                "--first-look writes no scan: it goes without -o, --sparsity, --ratio, --workers and --cluster"
            )
        widths = one_width("--bits", bits, is_given=_is_given("bits")), one_width("--activations", activations)
        return look_first(model, data, calibration, widths, samples, overrides(rest), as_json=as_json)
    if out is None:
        raise click.UsageError("give -o, the JSON file to write; or --first-look")
    if workers and cluster:
        raise click.UsageError("give --workers or --cluster, not both")
    axes = ScanAxes(bits, activations, sparsity, ratio, criterion=criterion)
    if not axes.settings:
        raise click.UsageError("nothing is to be scanned; give --bits, --activations, --sparsity or --ratio")
    # What an interrupted scan wrote is replaced by what the same command finds.
    force = force or _is_unfinished(out)
    check_target(out, force=force, inputs=[path for path in (model, data, calibration) if path])
    session, scan, is_stopped = Session(), None, False
    session.open_model(model)
    with job("scan") as ctx:
        info = session.open_data(data, overrides(rest), ctx)
        if calibration is not None:
            session.open_calibration(calibration, overrides(rest), ctx)
        try:
            for scan in session.scan(axes, samples=samples, workers=workers, cluster=cluster, ctx=ctx):  # noqa: B007 - the last counts
                pass
        except Cancelled:
            is_stopped = True
    if scan is None or (is_stopped and not scan.cells):
        raise Cancelled
    save_scan(out, scan, force=force)
    if as_json:
        print_json({**scan_to_json(scan), "guessed": info.preprocessing.guesses})
    else:
        _print(scan, out)
    say_guesses(info, as_json=as_json)
    if is_stopped:
        print(f"interrupted: {len(scan.cells)} cells are known; the same command goes on", file=sys.stderr)
        return 130
    return 0 if any(cell.kl is not None for cell in scan.cells) else 1


def _is_given(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT


def _is_unfinished(path: Path) -> bool:
    """Whether the file is a scan that was interrupted."""
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("format") == FORMAT and found.get("is_complete") is False


def _print(scan: SensitivityScan, out: Path) -> None:
    settings = scan.axes.settings
    rows = [(layer, *(_text(scan.cell(layer, setting)) for setting in settings)) for layer in scan.layers]
    print_table(rows, ("layer", *(setting.text for setting in settings)))
    measured = [cell for cell in scan.cells if cell.kl is not None]
    unit = measured[0].kl.unit if measured and measured[0].kl is not None else "nat"
    what = "KL divergence of the outputs, nats" if unit == "nat" else "share of noise in the outputs"
    print(f"{what}; measured, {_counted(measured)} samples a cell, the interval is in {out}")
    for error in sorted({cell.error for cell in scan.cells if cell.error}):
        layers = sorted({cell.layer for cell in scan.cells if cell.error == error})
        names = ", ".join(layers[:3]) + (f" and {len(layers) - 3} more" if len(layers) > 3 else "")
        print(f"note: not measured, {names}: {error}")
    print(f"{len(measured)} cells in {scan.seconds:.1f} s, {scan.num_resumed} of them known before; written to {out}")


def _counted(cells: Sequence[ScanCell]) -> str:
    """On how many each was measured: what an earlier scan knew may have more, what was interrupted fewer."""
    counts = [cell.num_samples for cell in cells] or [0]
    least, most = min(counts), max(counts)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _text(cell: ScanCell | None) -> str:
    if cell is None or cell.kl is None:
        return "–"
    return f"{cell.kl.value:.2g}"
