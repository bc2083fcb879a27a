"""What verbs print: one JSON object, or tables for people; progress always on standard error."""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.cli.interrupt import cancelled_by_ctrl_c
from workbench.cli.progress_lines import ProgressLines
from workbench.engine.core.format import format_settings
from workbench.engine.core.measurement import Figure
from workbench.engine.core.plan import Plan
from workbench.engine.core.reports import ApplyReport, DataInfo, ModelSummary
from workbench.jobs import JobContext, Progress


def print_json(value: object) -> None:
    """Exactly one JSON object on standard output; numbers that JSON does not know become null."""
    print(json.dumps(_plain(value), ensure_ascii=False))


def print_table(rows: Sequence[Sequence[str]], headings: Sequence[str] = ()) -> None:
    """A table on standard output; the first column to the left, the others to the right."""
    from rich.console import Console
    from rich.table import Table

    class Page(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the process; main knows what to do.
            raise BrokenPipeError

    table = Table(box=None, show_header=bool(headings), pad_edge=False)
    for index in range(max((len(row) for row in rows), default=len(headings))):
        table.add_column(headings[index] if headings else "", justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Page(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False).print(table)


def print_plan(plan: Plan) -> None:
    """What is done to each layer, and the notes on the whole."""
    print_table([(entry.layer, entry.done, entry.reason) for entry in plan.layers], ("layer", "done", "but"))
    for note in plan.remarks:
        print(f"note: {note}")


def say_guesses(data: DataInfo, *, as_json: bool) -> None:
    """Say which settings nobody gave: a wrong guess changes every figure. On standard error beside a JSON object.

    What was left aside of the data is said as well, and what becomes of colours.
    """
    file = sys.stderr if as_json else sys.stdout
    guesses = format_settings(data.preprocessing.guesses)
    if guesses:
        print(f"note: guessed, as nobody gave it: {guesses}", file=file)
    if data.conversion:
        print(f"note: {data.conversion}, as the model takes them so", file=file)
    if data.unused:
        print(f"note: arrays that feed no input are not used: {', '.join(data.unused)}", file=file)


@contextmanager
def job(title: str) -> Iterator[JobContext]:
    """A context whose progress is shown with the time left, and which Ctrl-C stops cleanly.

    A bar on a terminal; elsewhere a line every ten seconds or so, on standard error as well.
    """
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(title), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    is_terminal = sys.stderr.isatty()
    lines = ProgressLines(title, lambda line: print(line, file=sys.stderr, flush=True))
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=not is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def show(progress: Progress) -> None:
            if not is_terminal:
                lines.show(progress)
            bar.update(task, completed=progress.fraction, description=progress.text)

        ctx = JobContext(show)
        with cancelled_by_ctrl_c(ctx):
            yield ctx


def summary_json(summary: ModelSummary) -> dict[str, object]:
    """One side of a before/after comparison."""
    return {
        "file_bytes": summary.file_bytes,
        "num_params": summary.num_params,
        "macs": summary.macs,
        "sparsity": summary.sparsity,
        "accuracy": figure_json(summary.accuracy),
    }


def apply_json(report: ApplyReport) -> dict[str, object]:
    """What `apply` prints."""
    return {
        "plan": [entry.to_json() for entry in report.plan.layers],
        "notes": list(report.plan.remarks),
        "metric": report.metric or None,
        "guessed": report.data.preprocessing.guesses if report.data is not None else {},
        "before": summary_json(report.before),
        "after": summary_json(report.after),
        "difference": figure_json(report.difference),
        "found_agreement": figure_json(report.found_agreement),
        "preview": {"file_bytes": report.preview_bytes, "accuracy": figure_json(report.preview_accuracy)},
        "verified": {
            "samples": report.verified.samples,
            "is_random": report.verified.is_random,
            "max_abs_difference": report.verified.max_abs_difference,
            "agreement": report.verified.agreement,
            "ok": report.verified.ok,
            "first_difference": report.verified.first_difference,
            "num_nan": report.verified.num_nan,
        },
        "groups": [
            {"group_id": plan.group, "units": plan.num_units, "kept": plan.num_kept, "criterion": plan.criterion}
            for plan in report.plan.groups
        ],
        "proof": None
        if report.channels is None
        else {
            "samples": report.channels.samples,
            "is_random": report.channels.is_random,
            "max_relative_difference": report.channels.max_relative_difference,
            "ok": report.channels.ok,
        },
        "output": str(report.output_path) if report.is_written else None,
        "output_sha256": report.output_sha256 or None,
    }


def figure_json(figure: Figure | None) -> dict[str, object] | None:
    """A figure as JSON, or null."""
    return figure.to_json() if figure is not None else None


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
