"""What is on the bench as a command and as Python, to paste elsewhere."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from workbench.engine.core.recipe import Recipe


def as_command(
    model: str, data: str | None, recipe: Recipe, overrides: Mapping[str, object], calibration: str | None = None
) -> str:
    """Shell lines that write the recipe and apply it. JSON is YAML, so the recipe file holds JSON.

    Args:
        model: its path.
        data: path of the samples; None without.
        recipe: what to do.
        overrides: settings of the samples that were given by hand.
        calibration: path of the samples that set ranges, made ready in the same way; None where those of the data do.
    """
    text = json.dumps(recipe.to_json())
    output = output_path(model)
    words = ["workbench", "apply", model, "--recipe", "recipe.yaml", "-o", str(output)]
    if data:
        words += ["--data", data, *_options(overrides)]
    words += ["--calibration", calibration] if calibration else []
    return f"printf '%s' {shlex.quote(text)} > recipe.yaml\n{shlex.join(words)}\n"


def as_python(
    model: str, data: str | None, recipe: Recipe, overrides: Mapping[str, object], calibration: str | None = None
) -> str:
    """A script of calls of the session that does the same; the arguments are those of `as_command`."""
    lines = [
        "from pathlib import Path",
        "",
        "from workbench.project.recipe_text import parse_recipe",
        "from workbench.session import Session",
        "",
        "session = Session()",
        f"session.open_model(Path({model!r}))",
    ]
    given = f", {dict(overrides)!r}" if overrides else ""
    if data:
        lines.append(f"session.open_data(Path({data!r}){given})")
    if calibration:
        lines.append(f"session.open_calibration(Path({calibration!r}){given})")
    lines += [
        f"recipe = parse_recipe({json.dumps(recipe.to_json())!r})",
        f"report = session.export(recipe, Path({str(output_path(model))!r}))",
    ]
    return "\n".join(lines) + "\n"


def _options(overrides: Mapping[str, object]) -> list[str]:
    """The options of `workbench apply` for these settings. Two sizes are written 240x320, other lists with commas."""
    words = []
    for name, value in overrides.items():
        parts = value if isinstance(value, list | tuple) else [value]
        text = ("x" if name == "resize" else ",").join(str(part) for part in parts)
        # In one word: a value such as -1 would be taken for an option.
        words.append(f"--{name.replace('_', '-')}={text}")
    return words


def output_path(model: str) -> Path:
    """The name suggested for the compressed file, beside the model.

    >>> output_path("nets/a.onnx").as_posix()
    'nets/a.compressed.onnx'
    """
    path = Path(model)
    return path.with_name(f"{path.stem}.compressed.onnx")
