"""Handlers that start processes and do not wait for them."""

import multiprocessing
import os
import pathlib
import subprocess
import sys
import time

SLEEP = ["/bin/sleep", "600"]


def leaves_one(payload):
    return subprocess.Popen(SLEEP).pid


def leaves_a_session(payload):
    """Its own session, its parent gone: as a daemon makes itself."""
    script = "import subprocess as s; print(s.Popen(['/bin/sleep', '600'], start_new_session=True).pid)"
    reading, writing = os.pipe()
    subprocess.run([sys.executable, "-c", script], start_new_session=True, stdout=writing, check=True)
    return int(os.read(reading, 100))


def leaves_and_exits(payload):
    print(subprocess.Popen(SLEEP).pid, flush=True)
    os._exit(7)


def forks_many(payload):
    """2**payload - 1 processes beside its own, each a session of its own."""
    handler = os.getpid()
    reading, writing = os.pipe()
    for _ in range(payload):
        if os.fork() == 0:
            os.setsid()
            os.write(writing, b".")
    if os.getpid() != handler:
        time.sleep(600)
    for _ in range(2**payload - 1):
        os.read(reading, 1)
    return "returned"


def is_alive(payload):
    return pathlib.Path(f"/proc/{payload}").exists()


def _double(number):
    return 2 * number


def uses_a_pool(payload):
    with multiprocessing.get_context(payload).Pool(2) as pool:
        return pool.map(_double, [1, 2, 3])
