"""`workbench gui`: open the window."""

from pathlib import Path

import click

from workbench.cli.data_options import overrides, preprocessing_options


@click.command("gui")
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option("--data", type=click.Path(path_type=Path), default=None, help="Samples to evaluate on.")
@click.option("--recipe", type=click.Path(path_type=Path), default=None, help="A recipe to start from.")
@preprocessing_options
def command(model: Path | None = None, data: Path | None = None, recipe: Path | None = None, **rest: str | None) -> int:
    """Open the window, with MODEL if it is given.

    Example: workbench gui resnet20.onnx --data test.zip
    """
    from workbench.gui.app import run_window

    return run_window(model=model, data=data, recipe=recipe, data_settings=overrides(rest))
