"""Handlers that end their process instead of returning."""

import ctypes
import os
import signal
import sys
import threading


def sys_exit(payload):
    sys.exit(payload)


def os_exit(payload):
    os._exit(payload)


def crashes(payload):
    ctypes.string_at(0)


def kills_itself(payload):
    os.kill(os.getpid(), getattr(signal, payload))


def returns_and_crashes(payload):
    import atexit

    atexit.register(os._exit, 9)
    return "returned"


def returns_before_its_thread(payload):
    def finish():
        threading.main_thread().join()
        print("the thread has finished")

    threading.Thread(target=finish).start()
    return "returned"


def leaves_a_thread_for_ever(payload):
    def linger():
        threading.main_thread().join()
        print("lingering", flush=True)
        threading.Event().wait()

    threading.Thread(target=linger).start()
    return "returned"
