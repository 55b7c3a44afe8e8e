"""Writes the pages of docs/ that are made from the code: settings, error codes, states of a run.

`make docs` runs it; with `--check` it changes nothing and exits 1 when a page is not current.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from livejob.errors import LivejobError
from livejob.project.settings import Settings, setting_rows
from livejob.wire import states
from livejob.wire.states import OPEN, TRANSITIONS, Input, State

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Made by `make docs`. Change the source, not this page. -->\n"


def main() -> None:
    is_check = sys.argv[1:] == ["--check"]
    pages = {"settings.md": settings_page(), "troubleshooting.md": errors_page(), "states.md": states_page()}
    stale = [name for name, text in pages.items() if _current(DOCS / name) != text]
    if is_check and stale:
        sys.exit(f"not current: {', '.join(f'docs/{name}' for name in stale)}; run `make docs`")
    for name in stale:
        (DOCS / name).write_text(pages[name])


def settings_page() -> str:
    """docs/settings.md, from the table in project/settings.py."""
    defaults = {each.name: each.default for each in fields(Settings)}
    lines = [
        MADE,
        "# Settings",
        "",
        "Each setting is looked for in this order: flag, environment, `livejob.toml`, default. The first",
        "that has it wins. `livejob config` shows every value and where it comes from.",
        "",
        "| in livejob.toml | flag | environment | default | |",
        "|---|---|---|---|---|",
    ]
    for row in setting_rows():
        default = defaults[row.name]
        cells = (
            f"`{row.name}`" if row.is_in_file else "",
            f"`{row.flag}`" if row.flag else "",
            ", ".join(f"`{name}`" for name in row.env),
            "" if row.is_required or default is None else f"`{default}`",
            row.doc + (" **Required.**" if row.name == "app" else ""),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def errors_page() -> str:
    """docs/troubleshooting.md, from the classes in errors.py."""
    lines = [
        MADE,
        "# When something is wrong",
        "",
        "Every error has a stable code, says what happened, and names what mends it. `--debug` adds the",
        "traceback. Words in braces are filled in by the message you see.",
    ]
    for family in LivejobError.__subclasses__():
        lines += [
            "",
            f"## {family.code[:-2]}xx: {_sentence(family)}",
            "",
            "| code | what happened | what to do |",
        ]
        lines += ["|---|---|---|"]
        for cls in _tree(family):
            if cls is not family or cls.remedy_template:
                remedy = cls.remedy_template.replace("|", "\\|")
                lines.append(f"| {cls.code} `{cls.__name__}` | {_sentence(cls)} | {remedy} |")
    return "\n".join([*lines, ""])


def states_page() -> str:
    """docs/states.md, from the table in wire/states.py."""
    comments = _state_comments()
    lines = [
        MADE,
        "# The states of a run",
        "",
        "A run is in one of these states. What may happen in which one is a single table in",
        "`livejob/wire/states.py`; whatever is not in it is refused, and the run stays as it is.",
        "",
        "| state | | |",
        "|---|---|---|",
    ]
    lines += [
        f"| {state} | {'open' if state in OPEN else 'ended'} | {comments.get(state.name, '')} |"
        for state in State
    ]
    lines += ["", "| what happens | " + " | ".join(OPEN_IN_ORDER) + " |"]
    lines.append("|---|" + "---|" * len(OPEN_IN_ORDER))
    for what in Input:
        cells = [TRANSITIONS.get((state, what), "") for state in OPEN_IN_ORDER]
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    lines += ["", "In a state that has ended, nothing may happen any more."]
    return "\n".join([*lines, ""])


OPEN_IN_ORDER = tuple(state for state in State if state in OPEN)


def _state_comments() -> dict[str, str]:
    """What the source says behind each state."""
    comments = {}
    for line in inspect.getsource(states.State).splitlines():
        name, _, comment = line.partition("#")
        if comment:
            comments[name.split("=")[0].strip()] = comment.strip()
    return comments


def _sentence(cls: type[LivejobError]) -> str:
    return (cls.__doc__ or "").split("\n\n")[0].replace("\n    ", " ").replace("|", "\\|")


def _tree(cls: type[LivejobError]) -> Iterator[type[LivejobError]]:
    yield cls
    for below in cls.__subclasses__():
        yield from _tree(below)


def _current(page: Path) -> str | None:
    return page.read_text() if page.exists() else None


if __name__ == "__main__":
    main()
