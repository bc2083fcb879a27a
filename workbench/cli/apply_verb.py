"""`workbench apply`: compress, write, open again in a fresh process, verify."""

from pathlib import Path

import click

from workbench.cli.data_options import limit_option, overrides, preprocessing_options
from workbench.cli.output import apply_json, job, print_json, print_plan, print_table, say_guesses
from workbench.cli.refusal import print_refusal, print_refusal_json
from workbench.engine.core.errors import RecipeError
from workbench.engine.core.format import (
    FOUND_AGREEMENT,
    format_bytes,
    format_fraction,
    format_metric,
    format_nan,
    format_share,
    format_with_interval,
)
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import ApplyReport
from workbench.project.recipe_text import parse_recipe

_NOT_THERE: dict[str, object] = dict.fromkeys(("before", "after", "preview", "verified"))


@click.command("apply")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--recipe", "recipe_path", required=True, type=click.Path(path_type=Path), help="What to do, as YAML.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--data", type=click.Path(path_type=Path), default=None, help="Samples to evaluate and verify on.")
@click.option("--calibration", type=click.Path(path_type=Path), default=None, help="Samples that set ranges.")
@limit_option("Measure accuracy before and after")
@click.option("--force", is_flag=True, help="Overwrite the file that is there.")
@preprocessing_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    model: Path,
    recipe_path: Path,
    out: Path,
    data: Path | None,
    calibration: Path | None,
    limit: int | None,
    force: bool,
    as_json: bool,
    **rest: str | None,
) -> int:
    """Compress MODEL as the recipe says, write it, and prove that the file is what was evaluated.

    Exit status 1: nothing of the recipe could be done, or the file is not what was evaluated; then nothing is written.

    Example: workbench apply resnet20.onnx --recipe w4.yaml --data test.zip -o small.onnx
    """
    from workbench.engine.graph.save import check_onnx_name, check_target
    from workbench.session import Session

    if limit is not None and data is None:
        raise click.UsageError("--limit says on how many samples of --data accuracy is measured, and none are given")
    # Before anything that takes time.
    check_target(out, force=force, inputs=[path for path in (model, recipe_path, data, calibration) if path])
    check_onnx_name(out, _other_format(out))
    recipe = read_recipe(recipe_path)
    session = Session()
    session.open_model(model)
    session.plan(recipe, source=str(recipe_path))
    with job("apply") as ctx:
        if data is not None:
            session.open_data(data, overrides(rest), ctx)
        if calibration is not None:
            session.open_calibration(calibration, overrides(rest), ctx)
        plan = session.plan(recipe, source=str(recipe_path), ctx=ctx)
        if plan.is_refused:
            if as_json:
                print_refusal_json(plan, _NOT_THERE)
            else:
                print_refusal(plan, recipe_path, out)
            return 1
        report = session.export(recipe, out, limit=limit, force=force, ctx=ctx)
    is_unused = calibration is not None and not report.plan.needs_samples
    notes = ["--calibration is not used: nothing that is done needs samples"] if is_unused else []
    if as_json:
        value = apply_json(report)
        print_json({**value, "notes": [*report.plan.remarks, *notes]})
    else:
        print_report(report)
        for note in notes:
            print(f"note: {note}")
    if report.data is not None:
        say_guesses(report.data, as_json=as_json)
    return 0 if report.verified.ok else 1


def _other_format(out: Path) -> str:
    """What to do for a file of another format."""
    from workbench.plugin_loader import load_plugins

    if out.suffix.lower() == ".onnx":
        return ""
    name = next((item.name for item in load_plugins().exporters() if item.suffix == out.suffix.lower()), "")
    return f"use `workbench export --to {name}`" if name else "give the file the ending .onnx"


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file. Raises RecipeError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})", "check the path of the recipe") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: is no text in UTF-8", "give a recipe in YAML") from error
    return parse_recipe(text, str(path))


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def print_report(report: ApplyReport) -> None:
    """The plan, the before/after table and the verification, for people."""
    print_plan(report.plan)
    before, after = report.before, report.after
    rows = [
        ("file", format_bytes(before.file_bytes), format_bytes(after.file_bytes)),
        ("parameters", f"{before.num_params:,}", f"{after.num_params:,}"),
        ("multiply-adds", _count(before.macs), _count(after.macs)),
        ("zeros", format_share(before.sparsity), format_share(after.sparsity)),
    ]
    if after.accuracy is not None:
        original = format_with_interval(before.accuracy) if before.accuracy is not None else ""
        metric = f"{format_metric(report.metric)}, n = {after.accuracy.n:,}"
        rows.append((metric, original, format_with_interval(after.accuracy)))
    if (found := report.found_agreement) is not None:
        rows.append((f"{FOUND_AGREEMENT}, n = {found.n:,}", "", format_with_interval(found)))
    if report.difference is not None:
        rows.append(("difference", "", format_with_interval(report.difference, difference=True)))
    print_table(rows, ("", "before", "after"))
    if report.channels is not None:
        proof = report.channels
        what = "random inputs" if proof.is_random else "samples"
        when = ", before anything is fitted," if report.is_recovered else ""
        print(
            f"proven: without the channels{when} it computes what the whole model does with them at zero, on "
            f"{proof.samples:,} {what} to {proof.max_relative_difference:.1e} of the outputs' range"
        )
    verified = report.verified
    word = "verified" if verified.ok else "NOT VERIFIED"
    print(
        f"{word}: {verified.counted} in a fresh process, largest difference "
        f"{verified.max_abs_difference:g}, same answers {format_fraction(verified.agreement)}"
    )
    if verified.num_nan:
        print(f"note: {format_nan(verified.num_nan, verified.samples)}")
    if report.is_written:
        print(f"{report.output_path}  sha256 {report.output_sha256}")
    else:
        print(f"the first layer that differs is {verified.first_difference or 'unknown'}")
        print(f"{report.output_path} is not written: what was there before is as it was")
