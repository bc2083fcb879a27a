"""Entry point of `workbench`: verbs, exit statuses, and errors as one line."""

import sys

import click

from workbench.engine.core.errors import WorkbenchError
from workbench.jobs import Cancelled

_VERBS = {
    "apply": "compress, write, open again in a fresh process, verify",
    "demo": "the whole main job on the built-in model and data",
    "evaluate": "the metric on your samples, with an interval",
    "gui": "open the window",
    "inspect": "what is in a model",
    "plugins": "what is loaded, from where, and what failed",
}


class _Verbs(click.Group):
    """Imports a verb's module when it is called, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _VERBS:
            return None
        from importlib import import_module

        module = import_module(f"workbench.cli.{cmd_name}_verb")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(sorted(_VERBS.items()))


@click.group(cls=_Verbs, invoke_without_command=True)
@click.version_option(package_name="model-compression-workbench")
@click.pass_context
def workbench(ctx: click.Context) -> None:
    """Make a trained network small and fast enough for a phone. Without a verb, opens the window."""
    if ctx.invoked_subcommand is None:
        from workbench.cli.gui_verb import command

        ctx.exit(ctx.invoke(command))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit status: 0 done, 1 the answer is no, 2 bad input, 130 interrupted."""
    try:
        status = workbench.main(arguments, standalone_mode=False)
    except WorkbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except click.ClickException as error:
        print(f"error: {' '.join(error.format_message().split())}; see `workbench --help`", file=sys.stderr)
        return 2
    except (Cancelled, KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    return status if isinstance(status, int) else 0


def run() -> None:
    """The console script: the exit status becomes the process's."""
    sys.exit(main())


if __name__ == "__main__":
    run()
