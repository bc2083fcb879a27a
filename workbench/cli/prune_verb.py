"""`workbench prune`: remove channels round by round, recover, measure, and keep the recipe of every round."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from workbench.cli.apply_verb import read_recipe
from workbench.cli.byte_size import ByteSize
from workbench.cli.data_options import limit_option, overrides, preprocessing_options
from workbench.cli.finite_range import FiniteRange
from workbench.cli.output import figure_json, job, print_json, say_guesses
from workbench.engine.core.errors import ExportError
from workbench.engine.core.format import FOUND_AGREEMENT, format_bytes, format_fraction, format_with_interval
from workbench.engine.core.pruning_round import Measure, PruningRound, PruningTarget, StopReason
from workbench.engine.core.recipe import RECOVERIES, Recipe
from workbench.engine.core.whole_file import write_whole
from workbench.jobs import Cancelled
from workbench.project.recipe_text import format_recipe

_CALIBRATION_SAMPLES = 256
_ROUND_NAME = "round-{}.yaml"


@click.command("prune")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Samples that rounds are measured on.")
@click.option("--calibration", type=click.Path(path_type=Path), default=None, help="Samples that layers are fitted on.")
@click.option("--recipe", "recipe_path", type=click.Path(path_type=Path), default=None, help="What else is done.")
@click.option("--remove-macs", type=FiniteRange(0, 1, True, True), default=None, help="Share to remove, 0.5.")
@click.option("--remove-params", type=FiniteRange(0, 1, True, True), default=None, help="Share to remove, 0.5.")
@click.option("--max-bytes", type=ByteSize(), default=None, help="The most that the file may have, such as 140kB.")
@click.option("--max-drop", type=FiniteRange(min=0), default=None, help="Percentage points, or dB, that may be lost.")
@click.option("--step", type=FiniteRange(0, 1, True), default=0.1, help="Share that a round removes; 0.1.")
@click.option("--criterion", default=None, help="How channels are judged, for all rules.")
@click.option("--recover", type=click.Choice(RECOVERIES), default=None, help="What is fitted after channels went.")
@limit_option("Measure rounds")
@click.option("--keep", type=click.Path(path_type=Path), default=None, help="A folder for the recipes of all rounds.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The recipe to write.")
@click.option("--force", is_flag=True, help="Overwrite the files that are there.")
@preprocessing_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    model: Path,
    data: Path,
    calibration: Path | None,
    recipe_path: Path | None,
    remove_macs: float | None,
    remove_params: float | None,
    max_bytes: int | None,
    max_drop: float | None,
    step: float,
    criterion: str | None,
    recover: str | None,
    limit: int | None,
    keep: Path | None,
    out: Path,
    force: bool,
    as_json: bool,
    **rest: str | None,
) -> int:
    """Remove channels of MODEL round by round, and write the recipe of the last round within the allowed drop.

    Exit status 1: the target was not reached within it. With --keep every round's recipe is written as it is measured,
    to go back to any by `workbench apply`. Without a recipe all layers are pruned, and fitted on 256 samples.

    Example: workbench prune net.onnx --data test.zip --calibration train.zip --remove-macs 0.5 --max-drop 5 -o r.yaml
    """
    from workbench.engine.graph.save import check_target
    from workbench.session import Session

    target = _target(remove_macs, remove_params, max_bytes)
    check_target(out, force=force, inputs=[path for path in (model, recipe_path, data, calibration) if path])
    folder = _folder(keep, force=force)
    asked = read_recipe(recipe_path) if recipe_path is not None else _usual_recipe()
    session, rounds, is_stopped = Session(), [], False
    session.open_model(model)
    if recipe_path is not None:
        session.plan(asked, source=str(recipe_path))
    with job("prune") as ctx:
        info = session.open_data(data, overrides(rest), ctx)
        if calibration is not None:
            session.open_calibration(calibration, overrides(rest), ctx)
        try:
            for item in session.prune_rounds(
                asked, target, max_drop=max_drop, step=step, criterion=criterion, recover=recover, limit=limit, ctx=ctx
            ):
                rounds.append(item)
                if folder is not None:
                    _write(item.recipe, folder / _ROUND_NAME.format(f"{item.number:02d}"), force=force)
                if not as_json:
                    print(_table_part(item), flush=True)
        except Cancelled:
            is_stopped = True
    if is_stopped and not rounds:
        raise Cancelled
    best = next((item for item in reversed(rounds) if item.is_allowed), None)
    if best is not None:
        _write(best.recipe, out, force=force)
    notes = _notes(rounds[-1], is_same=calibration is None)
    if as_json:
        print_json({**_json(rounds, best, out), "notes": notes, "guessed": info.preprocessing.guesses})
    else:
        _print_end(rounds, best, out, notes)
    say_guesses(info, as_json=as_json)
    if is_stopped:
        print(f"interrupted after round {len(rounds)}", file=sys.stderr)
        return 130
    return 0 if rounds[-1].stop is StopReason.TARGET else 1


def _target(remove_macs: float | None, remove_params: float | None, max_bytes: int | None) -> PruningTarget:
    given = {Measure.MACS: remove_macs, Measure.PARAMS: remove_params, Measure.BYTES: max_bytes}
    targets = [PruningTarget(measure, value) for measure, value in given.items() if value is not None]
    if len(targets) != 1:
        raise click.UsageError("give exactly one of --remove-macs, --remove-params and --max-bytes")
    return targets[0]


def _usual_recipe() -> Recipe:
    recipe = Recipe(recover="weights")
    # Least squares settle with more samples than ranges do.
    return replace(recipe, calibration=replace(recipe.calibration, samples=_CALIBRATION_SAMPLES))


def _folder(keep: Path | None, *, force: bool) -> Path | None:
    if keep is None:
        return None
    if keep.exists() and not keep.is_dir():
        raise ExportError(f"{keep}: is no folder", "give --keep another name")
    # Two searches in one folder would look like one.
    if not force and any(keep.glob(_ROUND_NAME.format("*"))):
        raise ExportError(f"{keep}: holds rounds already", "give --keep another folder, or overwrite with --force")
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{keep}: cannot be made ({error.strerror})", "give --keep another name") from error
    return keep


def _write(recipe: Recipe, path: Path, *, force: bool) -> None:
    write_whole(path, format_recipe(recipe).encode(), force=force)


_HEADINGS = ("round", "ratio", "removed", "multiply-adds", "parameters", "file", "accuracy", "difference")
_WIDTHS = (5, 6, 8, 14, 11, 10, 28, 28)


def _table_part(item: PruningRound) -> str:
    """The round's line, below the headings if it is the first."""
    return "\n".join(_line(cells) for cells in ((_HEADINGS,) if item.number == 1 else ()) + (_row(item),))


def _line(cells: Iterable[str]) -> str:
    """Rounds come one by one, so that columns cannot wait for the widest."""
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _row(item: PruningRound) -> tuple[str, ...]:
    size, difference = item.size, item.difference
    return (
        str(item.number),
        f"{item.ratio:.3f}",
        format_fraction(item.removed),
        "unknown" if size.macs is None else f"{size.macs:,}",
        f"{size.num_params:,}",
        format_bytes(size.file_bytes),
        format_with_interval(item.evaluation.figure),
        "" if difference is None else format_with_interval(difference, difference=True),
    )


def _notes(last: PruningRound, *, is_same: bool) -> list[str]:
    notes = [last.recovered_by] if last.recovered_by else []
    if (found := last.evaluation.found_agreement) is not None:
        notes.append(f"{FOUND_AGREEMENT.lower()}, after the last round: {format_with_interval(found)}")
    if last.recovered_by and is_same:
        notes.append("they are of the data that accuracy is measured on: others, by --calibration, give a fair figure")
    return notes


def _print_end(rounds: list[PruningRound], best: PruningRound | None, out: Path, notes: list[str]) -> None:
    last = rounds[-1]
    for note in notes:
        print(f"note: {note}")
    if last.stop is not None:
        print(f"stopped after round {last.number}: {last.stop}")
    if best is None:
        print(f"{out} is not written: no round is within the allowed drop")
    else:
        print(f"{out}  the recipe of round {best.number}")


def _json(rounds: list[PruningRound], best: PruningRound | None, out: Path) -> dict[str, object]:
    last = rounds[-1]
    return {
        "rounds": [_round_json(item) for item in rounds],
        "metric": last.evaluation.metric,
        "original": figure_json(last.evaluation.reference),
        "stop": None if last.stop is None else str(last.stop),
        "taken": best.number if best is not None else None,
        "recipe": best.recipe.to_json() if best is not None else None,
        "output": str(out) if best is not None else None,
    }


def _round_json(item: PruningRound) -> dict[str, object]:
    return {
        "round": item.number,
        "ratio": item.ratio,
        "removed": item.removed,
        "macs": item.size.macs,
        "num_params": item.size.num_params,
        "file_bytes": item.size.file_bytes,
        "figure": figure_json(item.evaluation.figure),
        "difference": figure_json(item.difference),
        "found_agreement": figure_json(item.evaluation.found_agreement),
        "seconds": item.seconds,
        "recovered_by": item.recovered_by or None,
        "is_allowed": item.is_allowed,
        "recipe": item.recipe.to_json(),
    }
