"""Handlers that write."""

import logging
import os
import pathlib
import subprocess
import sys

LINE = b"0123456789abcdef"


def greets(payload):
    print("to stdout:", payload)
    print("to stderr:", payload, file=sys.stderr)
    logging.getLogger("shop").warning("to the log")


def writes_without_newline(payload):
    sys.stdout.write(LINE.decode() * (payload // len(LINE)))


def writes_bytes(payload):
    sys.stdout.buffer.write(bytes(payload))


def prints_surrogates(payload):
    print("file \udcff.csv")


def shows_progress(payload):
    for percent in (50, 100):
        print(f"{percent} %", end="\r")
    os._exit(0)


def writes_from_a_subprocess(payload):
    subprocess.run(["/bin/sh", "-c", "echo from a subprocess"], check=True)


def fills_the_pipe(payload):
    """Writes until the pipe stays full or the limit is reached; marks that in a file; says how much."""
    os.set_blocking(1, False)
    written = full = 0
    while written < payload["limit_bytes"] and full < 50:
        try:
            written += os.write(1, LINE * 4096)
            full = 0
        except BlockingIOError:
            full += 1
            subprocess.run(["/bin/sleep", "0.01"], check=True)
    os.set_blocking(1, True)
    pathlib.Path(payload["mark"]).touch()
    return written
