"""Handlers that need memory."""


def takes(payload):
    data = bytearray(payload)
    for index in range(0, len(data), 4096):
        data[index] = 1
    return len(data)
