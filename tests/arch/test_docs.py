"""Pages that are made from the code, and tables that say the same as the code."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from livejob.cli.main import COMMANDS, livejob
from livejob.project.settings import setting_rows

ROOT = Path(__file__).parents[2]

NO_SETTINGS = {
    "--local",
    "--aws",
    "--app-dir",
    "--debug",
    "--wait",
    "--debug-on-error",
    "--debug-server",
    "--pdb",
    "--no-color",
    "--takeover",
    "--yes",
    "--json",
}
"""Options of `livejob start` that are asked each time and belong in no file."""

EVERYWHERE = {"--stage", "--region", "--profile"}


def options_of(name: str) -> set[str]:
    command = livejob.get_command(click.Context(livejob), name)
    assert command is not None
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    options = [param for each in commands for param in each.params if isinstance(param, click.Option)]
    return {flag for option in options for flag in (*option.opts, *option.secondary_opts)}


def test_pages_made_from_the_code_are_current() -> None:
    """The pages that `make docs` writes say what the code says."""
    done = subprocess.run(
        [sys.executable, "scripts/make_docs.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_flags_of_start_are_the_settings() -> None:
    """Every setting with a flag is an option of `livejob start`, and every other option is no setting."""
    flags = {row.flag for row in setting_rows() if row.flag}

    assert flags == options_of("start") - NO_SETTINGS


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "image"])
def test_every_command_can_be_pointed_at_a_stage(name: str) -> None:
    """Stage, region and profile can be given to each command that works on a stage."""
    assert EVERYWHERE <= options_of(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_docs_explain_every_command(name: str) -> None:
    """docs/cli.md has a section for each command."""
    assert f"\n## livejob {name}\n" in (ROOT / "docs/cli.md").read_text()


def test_links_between_pages_lead_somewhere() -> None:
    """No page names a page that is not there."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert [] == broken
