"""`workbench export`: the model in the format of another runtime."""

from pathlib import Path

import click

from workbench.cli.apply_verb import read_recipe
from workbench.cli.output import print_json, print_plan
from workbench.engine.core.format import format_bytes
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import FormatReport

_NOTE = "the file is not compared with the model: its own runtime alone can run it"


@click.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--to", "format_name", required=True, help="The format; `workbench plugins` lists what writes them.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--recipe", "recipe_path", type=click.Path(path_type=Path), default=None, help="Compress so first.")
@click.option("--force", is_flag=True, help="Overwrite the file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(model: Path, format_name: str, out: Path, recipe_path: Path | None, force: bool, as_json: bool) -> int:
    """Write MODEL, compressed or as it is, in another runtime's format.

    Example: workbench export resnet20.onnx --to ort --recipe w4.yaml -o resnet20.ort
    """
    from workbench.engine.graph.save import check_target
    from workbench.plugin_loader import load_plugins
    from workbench.session import Session

    # Before anything that takes time.
    check_target(out, force=force, inputs=[path for path in (model, recipe_path) if path])
    exporter = load_plugins().exporter(format_name)
    recipe = read_recipe(recipe_path) if recipe_path is not None else Recipe()
    session = Session()
    session.open_model(model)
    session.plan(recipe, source=str(recipe_path))
    report = session.export_as(exporter, recipe, out, force=force)
    if as_json:
        print_json(_json(report))
    else:
        if report.plan.layers:
            print_plan(report.plan)
        for note in _notes(report):
            print(f"note: {note}")
        print(f"{report.output_path}  {format_bytes(report.file_bytes)}  sha256 {report.output_sha256}")
    return 0


def _notes(report: FormatReport) -> list[str]:
    return [note for note in (report.growth, _NOTE) if note]


def _json(report: FormatReport) -> dict[str, object]:
    return {
        "format": report.format,
        "plan": [entry.to_json() for entry in report.plan.layers],
        "notes": [*(report.plan.remarks if report.plan.layers else ()), *_notes(report)],
        "file_bytes": report.file_bytes,
        "original_bytes": report.original_bytes,
        "output": str(report.output_path),
        "output_sha256": report.output_sha256,
    }
