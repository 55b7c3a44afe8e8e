"""Typed values: a JSON value as what an annotation promises, or exactly what is wrong with it.

The one place for payloads and results, for callers and runners alike: docs/typed-payloads.md is its
description. An annotation that is none of those below promises nothing that could be checked: the value
passes as it is.

    None bool int float str, Any           as JSON has them; a whole number is also a float
    Literal, Enum                          one of their values
    datetime, date, UUID                   text as `documents` writes it
    list, Sequence, tuple, dict, Mapping   with or without the types of what they hold
    A | B, Optional                        the first that fits
    dataclass, TypedDict                   an object with their fields, all the required ones and no others
    pydantic and msgspec models            by their libraries' rules
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union
from uuid import UUID

from livejob.wire.documents import DEPTH_MAX, JsonValue, Place, shown_place
from livejob.wire.hints import Member, bare, dataclass_members, is_typed_dict, typed_dict_members
from livejob.wire.models import ModelRefused, is_model, read_model

SHOWN_CHARS = 60


class NotOfType(Exception):
    """A value that its annotation does not allow. The text is like `payload.width must be text, not null`."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(f"{shown_place(place)} {reason}")
        self.place = place
        self.reason = reason


def convert(value: JsonValue, hint: object, name: str) -> object:
    """`value` as what `hint` promises.

    hint: an evaluated annotation.
    name: "payload" or "result"; begins the place in errors.

    Raises:
        NotOfType: the value does not fit; the error names the place, what belongs there and what is there.
    """
    return _converted(value, hint, (name,))


def describe_hint(hint: object) -> str:
    """What belongs there, in words: `a whole number`, `text or null`, `an object (Photo)`."""
    hint = bare(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(describe_hint(each) for each in args))
    if origin is Literal:
        return _one_of(args)
    cls = origin or hint
    if not isinstance(cls, type):
        return str(cls)
    if cls in _WORDS:
        return _WORDS[cls]
    return _one_of(list(cls)) if issubclass(cls, Enum) else f"an object ({cls.__name__})"


_WORDS: Mapping[type, str] = {
    NoneType: "null",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    datetime: "a date and time (ISO 8601)",
    date: "a date (ISO 8601)",
    UUID: "a UUID",
    list: "a list",
    tuple: "a list",
    Sequence: "a list",
    dict: "an object",
    Mapping: "an object",
}


def _converted(value: JsonValue, hint: object, place: Place) -> object:
    if len(place) > DEPTH_MAX:
        raise NotOfType(place[:4], f"is nested more than {DEPTH_MAX} deep")
    hint = bare(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, UnionType):
        return _one(value, hint, place)
    if origin is Literal:
        return _literal(value, hint, place)
    cls = NoneType if hint is None else origin or hint
    if not isinstance(cls, type):
        return value
    read = _READERS.get(cls) or _reader_of_class(cls)
    return value if read is None else read(value, cls, args, place)


Reader = Callable[[JsonValue, type, tuple[Any, ...], Place], object]


def _reader_of_class(cls: type) -> Reader | None:
    """For a class of the user's; None when it is of no kind that can be checked."""
    if is_model(cls):
        return _model
    if dataclasses.is_dataclass(cls):
        return _dataclass
    if is_typed_dict(cls):
        return _typed_dict
    return _enum if issubclass(cls, Enum) else None


def _plain(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    if not isinstance(value, cls) or (isinstance(value, bool) and cls is not bool):
        raise _mismatch(value, cls, place)
    return value


def _int(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    # JSON has one kind of number: 3.0 is what some languages write for 3.
    return int(value) if isinstance(value, float) and value.is_integer() else _plain(value, cls, args, place)


def _float(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(value, cls, place)
    try:
        return float(value)
    except OverflowError:
        raise NotOfType(place, "is too large for a number with a fraction") from None


def _from_text(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    read: Callable[[str], object] = UUID if cls is UUID else cls.fromisoformat  # type: ignore[attr-defined]
    if not isinstance(value, str):
        raise _mismatch(value, cls, place)
    try:
        return read(value)
    except ValueError:
        raise _mismatch(value, cls, place) from None


def _list(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    if not isinstance(value, list):
        raise _mismatch(value, cls, place)
    hint = args[0] if args else Any
    return [_converted(each, hint, (*place, index)) for index, each in enumerate(value)]


def _tuple(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    if not isinstance(value, list):
        raise _mismatch(value, cls, place)
    hints = args or (Any, ...)
    if len(hints) == 2 and hints[1] is ...:
        hints = (hints[0],) * len(value)
    if len(hints) != len(value):
        raise NotOfType(place, f"must be a list of {len(hints)}, not of {len(value)}")
    pairs = zip(value, hints, strict=True)
    return tuple(_converted(each, hint, (*place, index)) for index, (each, hint) in enumerate(pairs))


def _dict(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    if not isinstance(value, dict):
        raise _mismatch(value, cls, place)
    key_hint, hint = args or (Any, Any)
    return {
        _converted(key, key_hint, (*place, key)): _converted(each, hint, (*place, key))
        for key, each in value.items()
    }


def _enum(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    try:
        return cls(value)
    except Exception:  # noqa: BLE001 - `_missing_` of the user's may raise anything
        raise _mismatch(value, cls, place) from None


def _literal(value: JsonValue, hint: object, place: Place) -> object:
    for each in typing.get_args(hint):
        plain = each.value if isinstance(each, Enum) else each
        if type(plain) is type(value) and plain == value:
            return each
    raise _mismatch(value, hint, place)


def _one(value: JsonValue, hint: object, place: Place) -> object:
    members = [bare(each) for each in typing.get_args(hint)]
    if type(value) in members or any(each is Any for each in members):
        # Of `int | float` a number takes the one that it is.
        return value
    errors = []
    for each in members:
        try:
            return _converted(value, each, place)
        except NotOfType as error:
            errors.append(error)
    deeper = [error for error in errors if len(error.place) > len(place)]
    # Where only one of them was meant, what is wrong inside of it tells more.
    raise deeper[0] if len(deeper) == 1 else _mismatch(value, hint, place)


def _model(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    try:
        return read_model(cls, value)
    except ModelRefused as error:
        raise NotOfType((*place, *error.below), f"is not valid: {error.reason}") from error


def _typed_dict(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    return _members(value, cls, typed_dict_members(cls), place)


def _dataclass(value: JsonValue, cls: type, args: tuple[Any, ...], place: Place) -> object:
    members = dataclass_members(cls)
    fields = _members(value, cls, members, place)
    taken = {name: each for name, each in fields.items() if members[name].is_taken}
    try:
        return cls(**taken)
    except Exception as error:  # `__post_init__` of the user's may raise anything
        raise NotOfType(
            place, f"is not valid: {cls.__name__} raises {type(error).__name__}: {error}"
        ) from error


def _members(value: JsonValue, cls: type, members: Mapping[str, Member], place: Place) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _mismatch(value, cls, place)
    for name, member in members.items():
        if member.is_required and name not in value:
            raise NotOfType((*place, name), f"is missing, it must be {describe_hint(member.hint)}")
    for name in value:
        if name not in members:
            known = ", ".join(members) or "none"
            raise NotOfType((*place, name), f"is no field of {cls.__name__}; its fields: {known}")
    return {name: _converted(each, members[name].hint, (*place, name)) for name, each in value.items()}


_READERS: Mapping[type, Reader] = {
    NoneType: _plain,
    bool: _plain,
    int: _int,
    float: _float,
    str: _plain,
    datetime: _from_text,
    date: _from_text,
    UUID: _from_text,
    list: _list,
    Sequence: _list,
    tuple: _tuple,
    dict: _dict,
    Mapping: _dict,
}


def _mismatch(value: JsonValue, hint: object, place: Place) -> NotOfType:
    return NotOfType(place, f"must be {describe_hint(hint)}, not {_shown(value)}")


def _one_of(values: Sequence[object]) -> str:
    shown = ", ".join(_shown(each.value if isinstance(each, Enum) else each) for each in values)
    return shown if len(values) == 1 else f"one of {shown}"


def _shown(value: object) -> str:
    """Of text and lists only as much as helps to find them: they can be long, and secret."""
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= SHOWN_CHARS else f"a text of {len(value)} characters"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
