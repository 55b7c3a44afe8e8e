"""Reads a payload as a person gives it to `livejob run`, and shows where it is not JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Never

from livejob.errors import PayloadInvalid
from livejob.wire.documents import JsonValue

SHOWN_CHARS = 60
"""How much of a line is shown around the place that is wrong."""


def read_payload(text: str | None, file: Path | None) -> JsonValue:
    """The payload from the command line or from a file; a file `-` is standard input; neither gives null.

    Raises:
        PayloadInvalid: not one JSON value; the message shows the place.
    """
    if text is not None:
        return parse_payload(text, "--payload")
    if file is None:
        return None
    is_stdin = str(file) == "-"
    data = sys.stdin.buffer.read() if is_stdin else _read(file)
    name = "standard input" if is_stdin else str(file)
    try:
        return parse_payload(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise PayloadInvalid(f"{name} is not UTF-8: byte {error.start}") from error


def parse_payload(text: str, name: str) -> JsonValue:
    """The JSON value in `text`; `name` says in the message where it came from."""
    try:
        value: JsonValue = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise PayloadInvalid(_described(error, name)) from error
    except _Constant as error:
        raise PayloadInvalid(f"{name} holds {error}, which JSON does not have") from error
    except RecursionError as error:
        raise PayloadInvalid(f"{name} is nested too deep") from error
    return value


class _Constant(Exception):
    """NaN, Infinity or -Infinity."""


def _refuse_constant(name: str) -> Never:
    raise _Constant(name)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise PayloadInvalid(f"{file} cannot be read: {error.strerror}") from error


def _described(error: json.JSONDecodeError, name: str) -> str:
    where = f"{name} is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
    lines = error.doc.splitlines()
    if error.lineno > len(lines):
        return where
    column = error.colno - 1
    begin = max(0, column - SHOWN_CHARS)
    shown = lines[error.lineno - 1][begin : column + SHOWN_CHARS].replace("\t", " ")
    return f"{where}\n  {shown}\n  {' ' * (column - begin)}^"
