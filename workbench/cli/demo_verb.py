"""`workbench demo`: the whole main job on the built-in model and data."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from workbench.cli.apply_verb import print_report, read_recipe
from workbench.cli.output import job, print_json, summary_json
from workbench.engine.core.errors import ExportError, ModelError
from workbench.engine.core.whole_file import write_whole
from workbench.gui.app import has_screen
from workbench.project.demo_files import demo_files


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-out"), help="Folder for what is made.")
@click.option("--headless", is_flag=True, help="Do not open the window.")
@click.option("--force", is_flag=True, help="Overwrite what an earlier demo has made.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(out: Path, headless: bool, force: bool, as_json: bool) -> int:
    """Inspect, compress, export, verify and report on the built-in model; then open the window.

    Example: workbench demo --out demo-out --headless
    """
    from workbench.engine.export.report import render_report
    from workbench.engine.graph.save import check_target
    from workbench.session import Session

    found = demo_files()
    if found is None:
        raise ModelError("the built-in model is missing from this installation", "install the program again")
    model, data = found
    recipe_path = model.with_suffix(".recipe.yaml")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{out}: cannot be made ({error.strerror})", "choose another folder with --out") from error
    model_path, report_path = out / "digits.compressed.onnx", out / "report.html"
    for path in (model_path, report_path):
        check_target(path, force=force)
    session = Session()
    info = session.open_model(model)
    with job("demo") as ctx:
        session.open_data(data, ctx=ctx)
        report = session.export(read_recipe(recipe_path), model_path, force=force, ctx=ctx)
    page = render_report(report, info, title="Demo: handwritten digits", created=datetime.now(UTC))
    write_whole(report_path, page.encode("utf-8"), force=force)
    if as_json:
        before, after = summary_json(report.before), summary_json(report.after)
        print_json({"before": before, "after": after, "verified": report.verified.ok, "report": str(report_path)})
    else:
        print_report(report)
        print(f"report: {report_path}")
    if not report.verified.ok:
        return 1
    if headless or as_json or not has_screen(os.environ, sys.platform):
        return 0
    if not _qt_opens():
        print("note: no window opens here, though a screen is named; `workbench gui` says why", file=sys.stderr)
        return 0
    from workbench.gui.app import run_window

    return run_window(model=model, data=data, recipe=recipe_path)


def _qt_opens() -> bool:
    """Tried in another process: without its libraries, or with a screen that is gone, Qt ends the whole process."""
    if getattr(sys, "frozen", False):
        return True
    script = "from PySide6.QtWidgets import QApplication; QApplication([])"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0
