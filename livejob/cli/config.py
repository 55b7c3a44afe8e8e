"""`livejob config`: each setting, its value, and where the value comes from."""

from __future__ import annotations

import click

from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.run_document import shown_json
from livejob.cli.wiring import open_settings
from livejob.project.settings import setting_rows


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@global_options
def command(options: GlobalOptions, is_json: bool) -> None:
    """Show each setting, its value and where it comes from."""
    settings = open_settings(options)
    rows = [
        (row.name, getattr(settings, row.name), settings.origins.get(row.name, "default"))
        for row in setting_rows()
    ]
    if is_json:
        click.echo(shown_json({name: {"value": value, "origin": origin} for name, value, origin in rows}))
        return
    width = max(len(name) for name, _, _ in rows)
    value_width = max(len(_shown(value)) for _, value, _ in rows)
    for name, value, origin in rows:
        click.echo(f"{name.ljust(width)}  {_shown(value).ljust(value_width)}  {origin}")


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
