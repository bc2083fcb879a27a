"""`workbench export`: the model in the format of another runtime."""

from pathlib import Path

import click

from workbench.cli.apply_verb import read_recipe
from workbench.cli.data_options import overrides, preprocessing_options
from workbench.cli.output import job, print_json, print_plan, say_guesses
from workbench.cli.refusal import print_refusal, print_refusal_json
from workbench.engine.core.format import format_bytes
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import DataInfo, FormatReport

_NOTE = "the file is not compared with the model: its own runtime alone can run it"


@click.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--to", "format_name", required=True, help="The format; `workbench plugins` lists what writes them.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--recipe", "recipe_path", type=click.Path(path_type=Path), default=None, help="Compress so first.")
@click.option("--data", type=click.Path(path_type=Path), default=None, help="Samples that set ranges, as of `apply`.")
@click.option("--calibration", type=click.Path(path_type=Path), default=None, help="Samples that set them instead.")
@click.option("--force", is_flag=True, help="Overwrite the file that is there.")
@preprocessing_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    model: Path,
    format_name: str,
    out: Path,
    recipe_path: Path | None,
    data: Path | None,
    calibration: Path | None,
    force: bool,
    as_json: bool,
    **rest: str | None,
) -> int:
    """Write MODEL, compressed or as it is, in another runtime's format.

    With the same recipe and samples it is the model that `apply` writes. Nothing is measured. Exit status 1: nothing
    of the recipe could be done, and nothing is written.

    Example: workbench export resnet20.onnx --to ort --recipe w8a8.yaml --data test.zip -o resnet20.ort
    """
    from workbench.engine.graph.save import check_target
    from workbench.plugin_loader import load_plugins
    from workbench.session import Session

    # Before anything that takes time.
    check_target(out, force=force, inputs=[path for path in (model, recipe_path, data, calibration) if path])
    exporter = load_plugins().exporter(format_name)
    recipe = read_recipe(recipe_path) if recipe_path is not None else Recipe()
    session, samples = Session(), calibration or data
    session.open_model(model)
    session.plan(recipe, source=str(recipe_path))
    with job("export") as ctx:
        info = session.open_calibration(samples, overrides(rest), ctx) if samples is not None else None
        plan = session.plan(recipe, source=str(recipe_path), ctx=ctx)
        if plan.is_refused and recipe_path is not None:
            if as_json:
                print_refusal_json(plan, {"format": exporter.name})
            else:
                print_refusal(plan, recipe_path, out)
            return 1
        report = session.export_as(exporter, recipe, out, force=force, ctx=ctx)
    notes = _notes(report)
    if samples is not None and not report.plan.needs_samples:
        notes.append("the samples are not used: nothing that is done needs any")
    elif data is not None and calibration is not None:
        notes.append("--data is not used: --calibration sets the ranges, and nothing is measured")
    if as_json:
        print_json(_json(report, info, notes))
    else:
        if report.plan.layers:
            print_plan(report.plan)
        for note in notes:
            print(f"note: {note}")
        print(f"{report.output_path}  {format_bytes(report.file_bytes)}  sha256 {report.output_sha256}")
    if info is not None:
        say_guesses(info, as_json=as_json)
    return 0


def _notes(report: FormatReport) -> list[str]:
    return [note for note in (report.growth, _NOTE) if note]


def _json(report: FormatReport, samples: DataInfo | None, notes: list[str]) -> dict[str, object]:
    return {
        "format": report.format,
        "plan": [entry.to_json() for entry in report.plan.layers],
        "notes": [*(report.plan.remarks if report.plan.layers else ()), *notes],
        "guessed": samples.preprocessing.guesses if samples is not None else {},
        "file_bytes": report.file_bytes,
        "original_bytes": report.original_bytes,
        "output": str(report.output_path),
        "output_sha256": report.output_sha256,
    }
