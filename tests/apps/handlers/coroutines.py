"""Async handlers."""

import asyncio
import threading
import time


async def echo(payload):
    await asyncio.sleep(0)
    return payload


async def raises(payload):
    await asyncio.sleep(0)
    raise LookupError("nothing there")


async def sleeps(payload):
    try:
        print("ready", flush=True)
        await asyncio.sleep(600)
    finally:
        print("cleaned up")


async def cleans_up_slowly(payload):
    try:
        print("ready", flush=True)
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        await asyncio.sleep(0.01)
        print("saved the rest")
        return "done all the same"


async def leaves_a_thread(payload):
    handling = asyncio.current_task()

    def linger():
        while not handling.done():
            time.sleep(0.005)
        print("lingering", flush=True)
        threading.Event().wait()

    asyncio.get_running_loop().run_in_executor(None, linger)
    return "returned"
