"""JSON with comments and trailing commas, as VS Code writes it: read it, and add to it without touching the
rest. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(
    r'"(?:\\.|[^"\\\n])*"'  # text, in which nothing else begins
    r"|//[^\n]*|/\*.*?\*/"
    r"|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[\]}])",
    re.DOTALL,
)


def read(text: str) -> Any:
    """The value.

    Raises:
        ValueError: it cannot be understood.
    """
    return json.loads(_plain(text))


def add_to_array(text: str, name: str, value: object) -> str:
    """The text with `value` as the first element of the top object's array `name`, which is made if need be.

    Raises:
        ValueError: it cannot be understood, or has something else under that name.
    """
    whole = read(text)
    if not isinstance(whole, dict) or not isinstance(whole.get(name, []), list):
        raise ValueError(f'no object with an array "{name}"')
    plain = _plain(text)
    begin = _array_begin(plain, name)
    if begin is None:
        begin = plain.index("{") + 1
        member = f'\n  "{name}": [\n{_indented(value, 4)}\n  ]'
        return _inserted(text, begin, member + ("," if whole else "\n"))
    return _inserted(text, begin, f"\n{_indented(value, 4)}" + ("," if whole[name] else "\n  "))


def _plain(text: str) -> str:
    """As JSON, every character at its place: comments and trailing commas become spaces."""

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return _TOKEN.sub(blank, text)


def _array_begin(plain: str, name: str) -> int | None:
    """Where the elements of the top object's array begin."""
    for depth, start, found in _names(plain):
        if depth == 1 and found == name:
            after = plain[start:]
            match = re.match(r"\s*:\s*\[", after)
            if match is not None:
                return start + match.end()
    return None


def _names(plain: str) -> Iterator[tuple[int, int, str]]:
    """(depth, end, text) of each piece of text in quotes."""
    depth = 0
    for match in re.finditer(r'"(?:\\.|[^"\\\n])*"|[{}\[\]]', plain):
        found = match[0]
        if found in "{[":
            depth += 1
        elif found in "}]":
            depth -= 1
        else:
            yield depth, match.end(), json.loads(found)


def _indented(value: object, by: int) -> str:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    return "\n".join(" " * by + line for line in lines)


def _inserted(text: str, at: int, what: str) -> str:
    return text[:at] + what + text[at:]
