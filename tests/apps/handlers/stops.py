"""Handlers that are asked to stop."""

import asyncio
import os
import signal
import subprocess
import time

from livejob import JobCancelled, JobTimedOut


def sleeps(payload):
    try:
        print("ready", flush=True)
        time.sleep(600)
    finally:
        print("cleaned up")


def takes_everything(payload):
    while True:
        try:
            print("ready", flush=True)
            time.sleep(600)
        except Exception:  # noqa: BLE001 - what many handlers do around each item
            print("went on")


def tells_the_reason(payload, context):
    try:
        print("ready", flush=True)
        time.sleep(600)
    except JobTimedOut:
        print("timed out", context.is_cancelled)
        raise
    except JobCancelled:
        print("cancelled", context.is_cancelled)
        raise


def returns_anyway(payload):
    try:
        print("ready", flush=True)
        time.sleep(600)
    except JobCancelled:
        return "finished"


def fails_to_clean_up(payload):
    try:
        print("ready", flush=True)
        time.sleep(600)
    finally:
        raise OSError("the disk is full")


def cleans_up_slowly(payload):
    try:
        print("ready", flush=True)
        time.sleep(600)
    finally:
        print("cleaning", flush=True)
        time.sleep(0.05)
        print("cleaned up")


def runs_a_loop(payload):
    """A sync handler with an event loop of its own that is never idle."""

    async def spin():
        while True:
            sum(range(100_000))
            await asyncio.sleep(0)

    async def main():
        spinning = asyncio.create_task(spin())
        print("ready", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            spinning.cancel()
            print("cleaned up")

    asyncio.run(main())


def ignores(payload):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", flush=True)
    time.sleep(600)


def waits_for_a_subprocess(payload):
    print("ready", flush=True)
    subprocess.run(["/bin/sleep", "600"], check=True)


def waits_for_a_fork(payload):
    """A forked process has inherited the handler's way to be stopped; SIGTERM must still end it."""
    import multiprocessing

    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    process.start()
    process.terminate()
    process.join()
    return process.exitcode


def prints_its_pid(payload):
    print("ready", os.getpid(), flush=True)
    time.sleep(600)
