"""Handlers that need memory."""

import subprocess
import sys


def takes(payload):
    data = bytearray(payload)
    for index in range(0, len(data), 4096):
        data[index] = 1
    return len(data)


def starts_one(payload):
    """In a process of its own; how that ended."""
    script = f"import sys; sys.path.insert(0, '.'); import memory_hog; memory_hog.takes({payload})"
    return subprocess.run([sys.executable, "-c", script], check=False).returncode
