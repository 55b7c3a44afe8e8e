"""Annotations as they were meant: postponed ones evaluated, wrappers taken off, fields listed.

An annotation that cannot be evaluated (its name exists only for the type checker, or within a function) is
`Any`: it promises what nobody can check. Nothing here looks at values.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

CLASSES_KEPT = 256

_WRAPPERS = (typing.Annotated, typing.Required, typing.NotRequired, typing.Final, typing.ClassVar)


class Member(NamedTuple):
    """One field of a class, or one key of a TypedDict.

    is_taken: False for a field that the class computes by itself: its constructor does not take it.
    """

    hint: object
    is_required: bool
    is_taken: bool = True


def resolve_hint(hint: object, names: Mapping[str, object], own_names: Mapping[str, object]) -> object:
    """`hint` evaluated where it is text, or has text inside; `Any` where that fails.

    names, own_names: globals and locals of the place where it is written.
    """
    holder = SimpleNamespace(__annotations__={"hint": hint})
    try:
        hints = typing.get_type_hints(holder, dict(names), dict(own_names), include_extras=True)
    except Exception:  # noqa: BLE001 - evaluating text of the user's may raise anything
        return Any
    return hints["hint"]


def bare(hint: object) -> object:
    """The hint without what says nothing of values: `Annotated`, `Required`, NewType, a type alias' name."""
    while True:
        if typing.get_origin(hint) in _WRAPPERS:
            hint = typing.get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):  # NewType
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":  # `type Name = ...`, from Python 3.12 on
            hint = getattr(hint, "__value__", Any)
        else:
            return hint


def is_typed_dict(cls: type) -> bool:
    """True for a TypedDict, that of typing_extensions too."""
    return issubclass(cls, dict) and hasattr(cls, "__required_keys__")


@lru_cache(CLASSES_KEPT)
def dataclass_members(cls: type) -> Mapping[str, Member]:
    """The fields of a dataclass by name, inherited ones too."""
    hints: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        names = vars(sys.modules.get(base.__module__, SimpleNamespace()))
        own_names = {**vars(base), base.__name__: base}
        for name, hint in inspect.get_annotations(base).items():
            hints[name] = resolve_hint(hint, names, own_names)
    return {
        field.name: Member(hints.get(field.name, Any), field.init and not _has_default(field), field.init)
        for field in dataclasses.fields(cls)
    }


@lru_cache(CLASSES_KEPT)
def typed_dict_members(cls: type) -> Mapping[str, Member]:
    """The keys of a TypedDict by name, inherited ones too."""
    names = vars(sys.modules.get(cls.__module__, SimpleNamespace()))
    required: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
    members = {}
    for name, written in cls.__annotations__.items():
        hint = resolve_hint(written, names, {cls.__name__: cls})
        # Python itself does not see a postponed `NotRequired`.
        outermost = typing.get_origin(hint)
        is_marked = outermost in (typing.Required, typing.NotRequired)
        members[name] = Member(hint, outermost is typing.Required if is_marked else name in required)
    return members


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return any(each is not dataclasses.MISSING for each in (field.default, field.default_factory))
