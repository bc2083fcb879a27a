"""Old project files made new: each step knows one change of the format, and the steps are taken in turn."""

from collections.abc import Callable, Mapping

from workbench.engine.core.errors import ProjectError
from workbench.project.recipe_text import parse_recipe

VERSION = 3
FORMAT = "workbench project"

Values = dict[str, object]


def migrate(values: Mapping[str, object], source: str) -> Values:
    """A project's values as the newest format has them.

    Args:
        values: as read from the file, of any format there ever was.
        source: named in messages.

    Raises:
        ProjectError: the format is not known, or is newer than this program.
        RecipeError: a step meets a recipe that cannot be read.
    """
    version = version_of(values, source)
    migrated = dict(values)
    while version < VERSION:
        migrated = _STEPS[version](migrated, source)
        version += 1
    return migrated


def version_of(values: Mapping[str, object], source: str) -> int:
    """The number of a file's format. Raises ProjectError if it is not known."""
    # The first format had its number where later ones have their name.
    version = values.get("version", values.get("format"))
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ProjectError(f"{source}: not a project of this program", "choose a .wbproj file")
    if version > VERSION:
        raise ProjectError(
            f"{source}: project format {version} is newer than this program, which reads up to {VERSION}",
            "open it with the version that wrote it, or a newer one",
        )
    return version


def migrate_1_to_2(values: Values, source: str) -> Values:
    """Format 2 has a name and a version, the recipe as an object, overrides of the data, budgets and measurements."""
    text, dataset = values.get("recipe"), values.get("dataset")
    if not isinstance(text, str):
        raise ProjectError(f"{source}: not a readable project (the recipe is missing)", "choose another file")
    return {
        "format": FORMAT,
        "version": 2,
        "app_version": "",
        "model": values.get("model"),
        "dataset": {**dataset, "overrides": {}, "digest": ""} if isinstance(dataset, dict) else None,
        "recipe": parse_recipe(text, source).to_json(),
        "budgets": {},
        "measurements": [],
        "notes": "",
    }


def migrate_2_to_3(values: Values, source: str) -> Values:
    """Format 3 has samples of their own for calibration."""
    return {**values, "calibration": None}


_STEPS: Mapping[int, Callable[[Values, str], Values]] = {1: migrate_1_to_2, 2: migrate_2_to_3}
