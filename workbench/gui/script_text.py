"""What is on the bench as a command and as Python, to paste elsewhere."""

import json
import shlex
from pathlib import Path

from workbench.engine.core.recipe import Recipe


def as_command(model: str, data: str | None, recipe: Recipe) -> str:
    """Shell lines that write the recipe and apply it. JSON is YAML, so the recipe file holds JSON."""
    text = json.dumps(recipe.to_json())
    output = output_path(model)
    words = ["workbench", "apply", model, "--recipe", "recipe.yaml", "-o", str(output)]
    if data:
        words += ["--data", data]
    return f"printf '%s' {shlex.quote(text)} > recipe.yaml\n{shlex.join(words)}\n"


def as_python(model: str, data: str | None, recipe: Recipe) -> str:
    """A script of calls of the session that does the same."""
    lines = [
        "from pathlib import Path",
        "",
        "from workbench.project.recipe_text import parse_recipe",
        "from workbench.session import Session",
        "",
        "session = Session()",
        f"session.open_model(Path({model!r}))",
    ]
    if data:
        lines.append(f"session.open_data(Path({data!r}))")
    lines += [
        f'recipe = parse_recipe("""{json.dumps(recipe.to_json(), indent=2)}""")',
        f"report = session.export(recipe, Path({str(output_path(model))!r}))",
    ]
    return "\n".join(lines) + "\n"


def output_path(model: str) -> Path:
    """The name suggested for the compressed file, beside the model.

    >>> output_path("nets/a.onnx").as_posix()
    'nets/a.compressed.onnx'
    """
    path = Path(model)
    return path.with_name(f"{path.stem}.compressed.onnx")
