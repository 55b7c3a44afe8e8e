"""A module that cannot be imported, for a reason two files away."""

import import_fails_too


def handler(payload):
    return import_fails_too
