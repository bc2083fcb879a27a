"""What is printed where nothing of a recipe could be done: the answer is no, and nothing is written."""

from pathlib import Path

from workbench.cli.output import print_json, print_plan
from workbench.engine.core.plan import Plan


def print_refusal(plan: Plan, recipe: Path, out: Path) -> None:
    """The plan with its reasons, and that there is no file, for people."""
    print_plan(plan)
    print(f"nothing of {recipe} could be done: {out} is not written")


def print_refusal_json(plan: Plan, more: dict[str, object]) -> None:
    """The same as one JSON object.

    Args:
        plan: of which nothing is done.
        more: keys of the verb that have no value then.
    """
    entries = [entry.to_json() for entry in plan.layers]
    print_json({**more, "plan": entries, "notes": list(plan.remarks), "output": None, "output_sha256": None})
