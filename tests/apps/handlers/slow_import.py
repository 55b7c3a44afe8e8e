"""A module whose import takes for ever."""

import time

print("ready", flush=True)
time.sleep(600)


def handler(payload):
    return None
