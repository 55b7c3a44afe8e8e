"""Async handlers."""

import asyncio
import threading


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
    def linger():
        threading.main_thread().join(0.0)
        print("lingering", flush=True)
        threading.Event().wait()

    asyncio.get_running_loop().run_in_executor(None, linger)
    return "returned"
