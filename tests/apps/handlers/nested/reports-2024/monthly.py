"""In a directory that is no package and no identifier, with a sibling."""

from nested import shared


def handler(payload):
    return shared.title(payload)
