"""`workbench devices`: the device profiles, and a user's own."""

import sys
from pathlib import Path

import click

from workbench.cli.output import print_json, print_table
from workbench.engine.core.device_profile import Basis, DeviceProfile, ProfileError
from workbench.engine.core.errors import DataError


@click.group("devices", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    """List the device profiles, with where their figures come from; add, export, import and remove your own.

    Example: workbench devices --json
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from workbench.session import Session

    profiles, problems = Session().device_profiles()
    if as_json:
        print_json({"devices": [profile.to_json() for profile in profiles], "problems": list(problems)})
        return 0
    headings = ("id", "whose", "name", "chip", "runtime", "precision", "error", "int8")
    print_table([_row(profile) for profile in profiles], headings)
    for problem in problems:
        print(f"note: {problem}")
    return 0


@command.command("add")
@click.argument("device")
@click.option("--like", required=True, help="Id of the profile of the same or the nearest chip.")
@click.option(
    "--measured", "measured", multiple=True, required=True, metavar="MODEL=MS",
    help="A model's milliseconds there, or MODEL=@FILE with what a measuring tool printed. May be given again.",
)  # fmt: skip
@click.option("--name", default="", help="What you call it.")
@click.option("--force", is_flag=True, help="Replace a profile of that id.")
def add(device: str, like: str, measured: tuple[str, ...], name: str, force: bool) -> int:
    """Keep a profile DEVICE that fits your own measurements.

    Example: workbench devices add my-phone --like oneplus-7t/ncnn/cpu-4t --measured mobilenet.onnx=31
    """
    from workbench.session import Session

    pairs = [_pair(text) for text in measured]
    profile = Session().add_device(device, like, pairs, name=name, force=force)
    count = f"{profile.num_own} measurement{'s' if profile.num_own > 1 else ''}"
    print(f"{profile.id}: like {like}, fitted to {count}")
    for note in profile.notes:
        print(f"note: {note}")
    return 0


@command.command("remove")
@click.argument("device")
def remove(device: str) -> int:
    """Forget a profile of your own. Example: workbench devices remove my-phone."""
    from workbench.session import Session

    Session().remove_device(device)
    print(f"{device}: removed")
    return 0


@command.command("export")
@click.argument("device")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def export(device: str, out: Path, force: bool) -> int:
    """Write a profile to a file. Example: workbench devices export my-phone -o my-phone.json."""
    from workbench.session import Session

    Session().export_device(device, out, force=force)
    print(f"{device}: written to {out}")
    return 0


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a profile of that id.")
def take_in(file: Path, force: bool) -> int:
    """Keep a profile that somebody exported. Example: workbench devices import my-phone.json."""
    from workbench.session import Session

    print(Session().import_device(file, force=force).id)
    return 0


def _pair(text: str) -> tuple[Path, float]:
    """MODEL=MS, or MODEL=@FILE."""
    model, equals, given = text.rpartition("=")
    if not equals or not model or not given:
        raise DataError(f"{text}: no measurement", "write MODEL=MS or MODEL=@FILE")
    if given.startswith("@"):
        return Path(model), _from_tool(Path(given[1:]), Path(model))
    try:
        return Path(model), float(given)
    except ValueError as error:
        raise DataError(f"{text}: {given!r} is no number of milliseconds", "write MODEL=MS or MODEL=@FILE") from error


def _from_tool(path: Path, model: Path) -> float:
    from workbench.estimating import tool_times

    times = tool_times(path)
    named = [time for time in times if time.network and not time.names_other(model)] or times
    if len(named) > 1:
        names = ", ".join(time.network for time in times[:6])
        raise DataError(f"{path}: holds times of {names}, and none of {model.stem}", "give the milliseconds")
    if named[0].names_other(model):
        print(
            f"note: {path} holds the time of {named[0].network}; it is taken for that of {model.name}, as told",
            file=sys.stderr,
        )
    return named[0].ms


def _row(profile: DeviceProfile) -> tuple[str, ...]:
    return (
        profile.id,
        "shipped" if profile.basis is Basis.PUBLISHED else "yours",
        profile.name,
        profile.soc,
        f"{profile.runtime} {profile.version}".strip(),
        profile.precision,
        _error(profile.error),
        _error(profile.error_int8),
    )


def _error(error: ProfileError | None) -> str:
    return f"{error.median:.0%}" if error is not None else "–"
