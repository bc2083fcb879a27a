"""`workbench plugins`: what is loaded, from where, and what failed."""

import click

from workbench.cli.output import print_json, print_table


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """List the plugins, where they come from, and why one failed.

    Example: workbench plugins --json
    """
    from workbench.plugin_loader import load_plugins

    infos = load_plugins().infos
    if as_json:
        rows = [
            {
                "name": info.name,
                "version": info.version,
                "summary": info.summary,
                "provides": list(info.provides),
                "source": str(info.source),
                "path": str(info.path),
                "error": info.error or None,
            }
            for info in infos
        ]
        print_json({"plugins": rows})
        return 0
    print_table(
        [(info.name, info.version, str(info.source), info.error or "loaded", info.summary) for info in infos],
        ("plugin", "version", "from", "state", "summary"),
    )
    return 0
