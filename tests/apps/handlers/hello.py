"""The least that a job can be."""


def handler(payload):
    return {"greeting": f"Hello, {payload['name']}"}
