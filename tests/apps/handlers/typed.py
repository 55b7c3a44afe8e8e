"""Handlers that say what they take and return. Annotations are postponed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nowhere import Nothing


@dataclass
class Photo:
    width: int
    taken: date | None = None


@dataclass
class Album:
    photos: list[Photo]

    def __post_init__(self):
        if not self.photos:
            raise ValueError("an album has photos")


def shown(payload: Album, context) -> Album:
    assert isinstance(payload.photos[0], Photo)
    print(repr(payload))
    return payload


async def widest(payload: Album) -> int:
    return max(photo.width for photo in payload.photos)


def logged(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)

    return call


@logged
def decorated(payload: Photo):
    return repr(payload)


def unresolved(payload: Nothing, other: Nothing = None) -> Nothing:
    return payload


def none_by_default(payload: Photo = None):
    return repr(payload)
