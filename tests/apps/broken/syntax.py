"""A file with a missing bracket."""


def handler(payload):
    total = sum(payload["numbers"]
    return total
