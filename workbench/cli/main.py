"""Entry point of `workbench`: verbs, exit statuses, and errors as one line."""

import os
import sys
import traceback
from pathlib import Path

import click

from workbench.cli.data_options import OPTIONS
from workbench.engine.core.errors import WorkbenchError
from workbench.jobs import Cancelled

_VERBS = {
    "apply": "compress, write, open again in a fresh process, verify",
    "devices": "the devices to estimate for, and your own",
    "demo": "the whole main job on the built-in model and data",
    "evaluate": "the metric on your samples, with an interval",
    "export": "the model in another runtime's format",
    "gui": "open the window",
    "inspect": "what is in a model",
    "latency": "estimated latency on a phone, layer by layer, with a band",
    "prune": "remove channels round by round, within an allowed drop",
    "scan": "how sensitive each layer is to each setting, one at a time",
    "search": "the best recipe within budgets, measured",
    "plugins": "what is loaded, from where, and what failed",
}


_WINDOW_OPTIONS = ("--data", "--recipe", *OPTIONS)


class _Verbs(click.Group):
    """Imports a verb's module when it is called, so that `--help` answers at once."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`workbench model.onnx --data samples.zip` opens the window, as `workbench gui …` does."""
        first = next((index for index, text in enumerate(args) if text not in _SWITCHES), len(args))
        if first < len(args) and _is_for_window(args[first]):
            args = [*args[:first], "gui", *args[first:]]
        return super().parse_args(ctx, args)

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


_SWITCHES = ("--traceback",)


def _is_for_window(text: str) -> bool:
    """Whether the first word is the window's: an option of it, or a file rather than a misspelt verb."""
    if text.startswith("-"):
        return text.split("=")[0] in _WINDOW_OPTIONS
    return text not in _VERBS and (Path(text).suffix != "" or os.sep in text or Path(text).exists())


@click.group(cls=_Verbs, invoke_without_command=True)
@click.version_option(package_name="model-compression-workbench")
@click.option("--traceback", "shows_traceback", is_flag=True, help="Show where in the program an error comes from.")
@click.pass_context
def workbench(ctx: click.Context, shows_traceback: bool) -> None:
    """Make a trained network small and fast enough for a phone.

    Without a verb, `workbench MODEL --data SAMPLES --recipe RECIPE` opens the window.
    """
    del shows_traceback
    if ctx.invoked_subcommand is None:
        from workbench.cli.gui_verb import command

        ctx.exit(ctx.invoke(command))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit status: 0 done, 1 the answer is no, 2 bad input, 130 interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        status = workbench.main(words, prog_name="workbench", standalone_mode=False)
        # What is still in the buffer may not fit the disk either.
        sys.stdout.flush()
    except (Cancelled, KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)
        return 130
    except (BrokenPipeError, SystemExit):
        # Whoever read the output has read enough; click ends the process at that. At its end the interpreter would
        # try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if "--traceback" in words[:1]:
            traceback.print_exc()
        print(f"error: {_line(error)}", file=sys.stderr)
        return 2
    return status if isinstance(status, int) else 0


def _line(error: Exception) -> str:
    """What went wrong, where, and what to do, on one line."""
    if isinstance(error, WorkbenchError):
        return str(error)
    if isinstance(error, click.ClickException):
        verb = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx is not None else "workbench"
        return f"{' '.join(error.format_message().split()).rstrip('.')}; see `{verb} --help`"
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs, or use a smaller model or fewer samples"
    text = " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"{text}; check files, permissions and free space"
    return f"{type(error).__name__}: {text}; this is a fault of the program: `workbench --traceback …` shows where"


def run() -> None:
    """The console script: the exit status becomes the process's."""
    sys.exit(main())


if __name__ == "__main__":
    run()
