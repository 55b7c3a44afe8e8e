"""A file that imports one with a missing bracket."""

import syntax


def handler(payload):
    return syntax
